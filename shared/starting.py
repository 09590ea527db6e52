"""The moment at which a process has everything and begins its work."""

import gc


def begin() -> None:
    """What is there now stays to the end, and is not looked through any more for what may go."""
    gc.freeze()
    gc.enable()
