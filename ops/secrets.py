"""Passwords and keys that nobody chooses: generated at the first start, read again at every later one."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from ops.process import refused_by_system
from ops.settings import CannotStart

PASSWORD_BYTES = 32


class Secrets:
    """A folder (0700) with one file (0600) per secret; a secret that exists is never replaced. `CannotStart` where none can be kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def password(self, name: str) -> str:
        """The password of that name: 256 random bits as URL-safe text."""
        return self._get(name, lambda: secrets.token_urlsafe(PASSWORD_BYTES).encode()).decode("ascii").strip()

    def key(self, name: str, size: int = 32) -> bytes:
        """The key of that name: `size` random bytes; `CannotStart` when the file holds more or fewer."""
        found = self._get(name, lambda: secrets.token_bytes(size))
        if len(found) != size:
            raise CannotStart("secret_damaged", f"{self.folder / name} does not hold a key of {size} bytes")
        return found

    def stored(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The secret of that name in a form of its own (a signing key), made by `make` when there is none."""
        return self._get(name, make)

    def _get(self, name: str, make: Callable[[], bytes]) -> bytes:
        if not name or not name.replace("_", "").replace("-", "").isalnum():
            raise ValueError("a secret's name consists of letters, digits, _ and -")
        path = self.folder / name
        if not path.exists():
            self._put(path, make())
        return self._read(path)

    def _put(self, path: Path, content: bytes) -> None:
        try:
            self._keep(path, content)
        except OSError as error:
            raise refused_by_system(error, f"The secret {path.name} can't be kept") from error

    def _keep(self, path: Path, content: bytes) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self.folder / f".{path.name}.{secrets.token_hex(8)}"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            try:
                # A link, unlike a rename, fails when another start was faster: then its secret counts.
                os.link(unfinished, path)
            except FileExistsError:
                return
        finally:
            unfinished.unlink(missing_ok=True)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _read(self, path: Path) -> bytes:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise CannotStart(
                    "secret_exposed", f"{path} can be read by others; chmod 600 it, or replace it"
                )
            content = file.read()
        if not content:
            raise CannotStart("secret_damaged", f"{path} is empty")
        return content
