"""The keys under which persons' keys are wrapped, one for each epoch, held outside the database.

Whoever has a copy of the database, however old, reads nothing of it without the epoch's key; once that is destroyed,
nobody does. An epoch ends by a rotation: the keys that are still in use are wrapped anew, then the old key goes.
"""

import contextlib
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.sealing import KEY_BYTES, Unsealed

_NONCE_BYTES: Final = 12
_NAME: Final = re.compile(r"[1-9][0-9]{0,8}")


class EpochsAway(Exception):
    """Whoever holds the epochs' keys does not answer now; nothing is said about the keys themselves."""


class StillCurrent(Exception):
    """The current epoch is never destroyed: it has to be rotated before."""


@dataclass(frozen=True, slots=True)
class Bare:
    """A key as it must not be kept, and what it is to be bound to."""

    key: bytes = field(repr=False)
    bound: bytes


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A key as it may be kept: which epoch wrapped it, how it looks, and what it is bound to."""

    epoch: str
    wrapped: bytes
    bound: bytes


class Epochs(Protocol):
    """The epoch keys of one service; each of its methods may raise `EpochsAway`."""

    async def current(self) -> str:
        """The epoch under which keys are wrapped now."""

    async def wrap(self, keys: Sequence[Bare]) -> list[Wrapped]:
        """The keys in their order, wrapped under the current epoch, never twice alike."""

    async def unwrap(self, wrapped: Sequence[Wrapped]) -> list[bytes]:
        """The keys in their order; `Unsealed` if one of them is bound otherwise or changed, or its epoch is gone."""

    async def rotate(self) -> str:
        """Begins a new epoch and says its name; what was wrapped before still unwraps."""

    async def destroy(self, epoch: str) -> None:
        """Destroys the keys of this epoch and of all before it for ever; harmless when repeated, else `StillCurrent`."""


class FileEpochs:
    """Epoch keys as files (0600) in a folder (0700) of one service, each named by its number, the highest current."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begun(self) -> bool:
        """Whether there is the folder with some epoch in it."""
        try:
            return bool(self._numbers())
        except EpochsAway:
            return False

    def begin(self) -> None:
        """Makes the folder and the first epoch where there is none; of several who begin at a time one does it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._numbers():
            self._make(1)

    async def current(self) -> str:
        """As `Epochs` promises."""
        return str(self._current())

    async def wrap(self, keys: Sequence[Bare]) -> list[Wrapped]:
        """As `Epochs` promises."""
        epoch = self._current()
        cipher = AESGCM(self._read(epoch))
        wrapped: list[Wrapped] = []
        for each in keys:
            nonce = secrets.token_bytes(_NONCE_BYTES)
            sealed = cipher.encrypt(nonce, each.key, _bound(epoch, each.bound))
            wrapped.append(Wrapped(str(epoch), nonce + sealed, each.bound))
        return wrapped

    async def unwrap(self, wrapped: Sequence[Wrapped]) -> list[bytes]:
        """As `Epochs` promises."""
        # Read at each use: a destroyed key must not live on in some process.
        ciphers: dict[str, AESGCM] = {}
        keys: list[bytes] = []
        for each in wrapped:
            if each.epoch not in ciphers:
                ciphers[each.epoch] = AESGCM(self._read(number_of(each.epoch)))
            nonce, sealed = each.wrapped[:_NONCE_BYTES], each.wrapped[_NONCE_BYTES:]
            try:
                keys.append(ciphers[each.epoch].decrypt(nonce, sealed, _bound(int(each.epoch), each.bound)))
            except (InvalidTag, ValueError):
                raise Unsealed from None
        return keys

    async def rotate(self) -> str:
        """As `Epochs` promises."""
        following = self._current() + 1
        self._make(following)
        return str(following)

    async def destroy(self, epoch: str) -> None:
        """As `Epochs` promises; a file system that keeps former blocks (a snapshot, flash) may still hold the bytes."""
        last = number_of(epoch)
        if last >= self._current():
            raise StillCurrent
        for number in self._numbers():
            if number <= last:
                self._shred(number)

    def _numbers(self) -> list[int]:
        try:
            if self._folder.stat().st_mode & 0o077:
                raise PermissionError("the folder of epoch keys is open to others")
            return sorted(int(path.name) for path in self._folder.iterdir() if _NAME.fullmatch(path.name))
        except FileNotFoundError:
            raise EpochsAway from None

    def _current(self) -> int:
        numbers = self._numbers()
        if not numbers:
            raise EpochsAway
        return numbers[-1]

    def _read(self, number: int) -> bytes:
        try:
            with (self._folder / str(number)).open("rb") as file:
                if os.fstat(file.fileno()).st_mode & 0o077:
                    raise PermissionError("an epoch key can be read by others")
                key = file.read()
        except FileNotFoundError:
            # Without any epoch the folder itself is not there, and nothing can be said about one of them.
            self._current()
            raise Unsealed from None
        if len(key) != KEY_BYTES:
            raise Unsealed
        return key

    def _make(self, number: int) -> None:
        draft = self._folder / f".{number}.{secrets.token_hex(8)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            # A link, unlike a rename, fails when another was faster: then the other's epoch counts.
            with contextlib.suppress(FileExistsError):
                os.link(draft, self._folder / str(number))
        finally:
            draft.unlink(missing_ok=True)
        self._sync()

    def _shred(self, number: int) -> None:
        path = self._folder / str(number)
        with contextlib.suppress(FileNotFoundError):
            with path.open("r+b", buffering=0) as file:
                file.write(secrets.token_bytes(KEY_BYTES))
                os.fsync(file.fileno())
            path.unlink()
        self._sync()

    def _sync(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def number_of(epoch: str) -> int:
    """The number that an epoch is named by; `Unsealed` for what names none."""
    if not _NAME.fullmatch(epoch):
        raise Unsealed
    return int(epoch)


def _bound(number: int, bound: bytes) -> bytes:
    return b"avrr epoch" + number.to_bytes(4) + bound
