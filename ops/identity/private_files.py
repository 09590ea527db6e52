"""Files that belong to their owner alone: made once and kept, or replaced in one step."""

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

_MAX_BYTES: Final = 32 * 1024


class UnsafeFile(Exception):
    """A key or secret that another user of this machine may have read or written, or that is damaged."""

    def __init__(self, name: str, fault: str) -> None:
        super().__init__(f"{name} {fault}")


def kept(path: Path, make: Callable[[], bytes]) -> bytes:
    """What this file holds, made if there is none yet; UnsafeFile if others could have touched it."""
    try:
        return _read(path)
    except FileNotFoundError:
        draft = _draft(path, make())
        try:
            # A link, unlike a rename, never replaces what another process made at the same moment.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return _read(path)


def replaced(path: Path, content: bytes) -> None:
    """Puts this in the file's place; whoever reads meanwhile, or after a crash, finds all of the old or of the new."""
    _draft(path, content).replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Nobody else, of this process or another, is in such a block of the same file at once: they wait until this one ends."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Beside the file, for that is replaced.
    descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _draft(path: Path, content: bytes) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        draft.unlink()
        raise
    return draft


def _read(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise
    except OSError:
        raise UnsafeFile(path.name, "cannot be opened") from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise UnsafeFile(path.name, "is open to others than its owner")
        return file.read(_MAX_BYTES)
