"""The clock of a machine that is being tried: it can be set, and every program of the machine sees that at once."""

import mmap
import struct
import time
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final

_AHEAD: Final = struct.Struct("d")
_true_seconds = time.time


class MachineClock:
    """Real time and so much more, as a file says that all programs read; to them it stands for `datetime` and for `time.time`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            path.write_bytes(_AHEAD.pack(0.0))
        with path.open("r+b") as file:
            self._ahead = mmap.mmap(file.fileno(), _AHEAD.size)

    def set_ahead(self, seconds: float) -> None:
        """From now on it is so much later, or earlier, than it is."""
        self._ahead[:] = _AHEAD.pack(seconds)

    def seconds(self) -> float:
        """Seconds since 1970, as `time.time` tells them."""
        ahead: float = _AHEAD.unpack(self._ahead[:])[0]
        return _true_seconds() + ahead

    def now(self, zone: tzinfo | None = None) -> datetime:
        """As `datetime.now` tells it."""
        return datetime.fromtimestamp(self.seconds(), zone)

    def fromisoformat(self, text: str) -> datetime:
        """As `datetime.fromisoformat` reads it."""
        return datetime.fromisoformat(text)

    def __call__(self, year: int, month: int, day: int) -> datetime:
        """As `datetime` makes it."""
        return datetime(year, month, day, tzinfo=UTC)
