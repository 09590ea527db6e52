"""How a process loads what it needs, and the moment at which it has everything and begins its work."""

import contextlib
import gc
from collections.abc import Iterator
from typing import Final

# Nearly all that a request makes goes by itself. To look after every 700 for what does not, as Python would, took a service
# up to a sixteenth of its time.
_LOOKED_THROUGH_AFTER: Final = 20_000


def begin() -> None:
    """What is there now stays to the end, and is not looked through any more for what may go."""
    gc.freeze()
    gc.set_threshold(_LOOKED_THROUGH_AFTER)
    gc.enable()


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """What is imported meanwhile stays to the end; to look again and again for what may go takes a sixth of a start."""
    looks = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looks:
            gc.enable()
