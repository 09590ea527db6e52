"""What was signed for each log, on disk before anybody hears of it; no database that is restored takes it back."""

import base64
import binascii
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from ops.settings import CannotStart
from shared.durable_files import write_durably
from shared.tlog.tree import HASH_BYTES
from shared.tlog.witnessing import Seen

_LOCK: Final = "memory.lock"


class Memory:
    """A private folder with one file per log; only one process at a time has it.

    A file that cannot be read is never taken for a log of which nothing was signed: then nothing is signed at all.
    """

    def __init__(self, folder: Path) -> None:
        """`CannotStart` where another process has the folder."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise CannotStart("memory_in_use", f"{folder} is used by another process that signs") from None

    def close(self) -> None:
        """Gives the folder free."""
        os.close(self._lock)

    def seen(self, origin: str) -> Seen | None:
        """What was signed for a log until now; `CannotStart` where its file is damaged."""
        path = self._path(origin)
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            found = Seen(told["size"], base64.b64decode(told["root"], validate=True))
            sound = told["origin"] == origin and type(found.size) is int and found.size >= 0 and len(found.root) == HASH_BYTES
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, binascii.Error):
            sound = False
        if not sound:
            raise CannotStart("memory_damaged", f"{path} does not say what was signed; restore it from where it is kept twice")
        return found

    def remember(self, origin: str, seen: Seen) -> None:
        """Returns once it is on disk, whatever happens to the machine afterwards."""
        told = {"origin": origin, "size": seen.size, "root": base64.b64encode(seen.root).decode()}
        write_durably(self._path(origin), json.dumps(told).encode())

    def _path(self, origin: str) -> Path:
        return self._folder / f"{sha256(origin.encode()).hexdigest()[:32]}.json"


@contextmanager
def memory_in(folder: Path) -> Iterator[Memory]:
    """The memory that this folder holds, while the block runs."""
    memory = Memory(folder)
    try:
        yield memory
    finally:
        memory.close()
