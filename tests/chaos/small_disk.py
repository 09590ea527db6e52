"""A file system of its own for one system's data, which can be full; where the user may not make one, it says so."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_BYTES: Final = 4 * 2**30
# Whoever writes meanwhile may take a little more than was there a moment ago.
_LEFT_BYTES: Final = 64 * 1024


class SmallDisk:
    """The file system under a folder: in memory, so that to be full takes no more than to say that there is no more."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Nothing more can be written than is there, and a few pages."""
        left = _LEFT_BYTES
        while not self._holds(shutil.disk_usage(self.folder).used + left):
            left *= 2

    def free(self) -> None:
        """There is room again."""
        if not self._holds(_BYTES):
            raise OSError("the disk could not be emptied again")

    def _holds(self, size: int) -> bool:
        return _done("mount", "-o", f"remount,size={size}", str(self.folder))


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk | None]:
    """A disk at this folder while the block runs, or None where this user may not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0 or not _done("mount", "-t", "tmpfs", "-o", f"size={_BYTES},mode=0700", "avrr-chaos", str(folder)):
        yield None
        return
    disk = SmallDisk(folder)
    try:
        yield disk
    finally:
        with contextlib.suppress(OSError):
            disk.free()
        # What was said on it is all that anybody wants of it afterwards.
        shutil.copytree(folder / "logs", folder.parent / "logs", dirs_exist_ok=True)
        # What still has a file open on it, keeps it until it ends.
        _done("umount", "--lazy", str(folder))


def _done(*command: str) -> bool:
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
