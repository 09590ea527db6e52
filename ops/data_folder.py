"""The folder that holds everything of one system: private, and used by one supervisor at a time."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from ops.process import refused_by_system
from ops.settings import CannotStart

LOCK = "supervisor.lock"


class DataFolder:
    """Holds the folder while the block runs; `CannotStart` if another has it or others could read it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        try:
            self._make_private()
            self._lock()
        except OSError as error:
            raise refused_by_system(error, f"the data folder {self.path} can't be used") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _make_private(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = self.path.stat()
        if status.st_mode & 0o077:
            ours = (self.path / LOCK).is_file() or not any(self.path.iterdir())
            if not ours:
                raise CannotStart(
                    "data_folder_open",
                    f"{self.path} holds other things and is open to others; name another folder in AVRR_DATA",
                )
            self.path.chmod(0o700)

    def _lock(self) -> None:
        descriptor = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise CannotStart(
                "data_folder_in_use",
                f"{self.path} is used by another avrr (process {holder}); stop it or set AVRR_DATA",
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
