"""The services, and the portal in front of them."""

import gc
import sys

# Whatever a process of one of them imports stays to its end. To look through it again and again while it grows, for what may
# go, is a tenth of a start. `shared.starting` ends this.
if sys.argv[0] == "-m":
    gc.disable()
