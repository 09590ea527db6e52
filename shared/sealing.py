"""Seals a file in pieces, so that nobody who has the database, or a copy of it, can read it or change it unnoticed.

Each file has a random key of its own, and that key is kept wrapped under the one of the process. A piece is bound to
what the file belongs to, to its number, and to whether it is the last: pieces of another file, in another order, or
without their end don't open. As the key is used for one file only, a piece's nonce is its number and that mark.
"""

import base64
import binascii
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
PIECE_BYTES: Final = 256 * 1024
_NONCE_BYTES: Final = 12
# Wrapped keys say how they were wrapped, so that a later way can stand beside this one.
_VERSION: Final = b"\x01"
_LAST: Final = b"\x01"
_NOT_LAST: Final = b"\x00"


class Unsealed(Exception):
    """What was kept is not what was sealed: another key, another place, another order, or changed bytes."""


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A file as it is kept: its wrapped key and its pieces in their order, at least one."""

    wrapped_key: bytes
    pieces: tuple[bytes, ...]


class FileSeal:
    """Seals and opens files under one key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key to seal files with has {KEY_BYTES} bytes")
        self._wrapping = AESGCM(
            HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=b"avrr file keys").derive(key)
        )

    def sealed(self, belongs_to: Sequence[bytes], content: bytes) -> SealedFile:
        """The content under a new key, bound to what it belongs to (ids, in their order)."""
        key = secrets.token_bytes(KEY_BYTES)
        wrapped = self._wrapped(belongs_to, key)
        cipher, bound = AESGCM(key), _bound(b"piece", belongs_to)
        starts = range(0, max(len(content), 1), PIECE_BYTES)
        view = memoryview(content)
        return SealedFile(
            wrapped,
            tuple(
                cipher.encrypt(
                    place := _place(number, last=start == starts[-1]),
                    view[start : start + PIECE_BYTES],
                    bound + place,
                )
                for number, start in enumerate(starts)
            ),
        )

    def opener(self, belongs_to: Sequence[bytes], wrapped_key: bytes, pieces: int) -> "Opener":
        """What opens a file of so many pieces, one by one; `Unsealed` if its key was not wrapped for this place."""
        return Opener(AESGCM(self._unwrapped(belongs_to, wrapped_key)), _bound(b"piece", belongs_to), pieces)

    def wrapped_anew(self, belongs_to: Sequence[bytes], wrapped_key: bytes, under: "FileSeal") -> bytes:
        """The same file's key wrapped under another seal; `Unsealed` if it was not wrapped for this place by this one."""
        return under._wrapped(belongs_to, self._unwrapped(belongs_to, wrapped_key))  # noqa: SLF001

    def _wrapped(self, belongs_to: Sequence[bytes], key: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._wrapping.encrypt(nonce, key, _bound(b"key", belongs_to))

    def _unwrapped(self, belongs_to: Sequence[bytes], wrapped_key: bytes) -> bytes:
        nonce, wrapped = wrapped_key[1 : 1 + _NONCE_BYTES], wrapped_key[1 + _NONCE_BYTES :]
        if wrapped_key[:1] != _VERSION:
            raise Unsealed
        try:
            return self._wrapping.decrypt(nonce, wrapped, _bound(b"key", belongs_to))
        except (InvalidTag, ValueError):
            raise Unsealed from None

    def opened(self, belongs_to: Sequence[bytes], file: SealedFile) -> bytes:
        """The whole content; `Unsealed` if anything of it is not as it was sealed."""
        opener = self.opener(belongs_to, file.wrapped_key, len(file.pieces))
        return b"".join(opener.all_of(file.pieces))


class Opener:
    """Opens the pieces of one file in their order; none of a piece is handed out before all of it is proven."""

    def __init__(self, cipher: AESGCM, bound: bytes, pieces: int) -> None:
        self._cipher = cipher
        self._bound = bound
        self._pieces = pieces
        self._next = 0

    def piece(self, sealed: bytes) -> bytes:
        """The content of the next piece; `Unsealed` if this is not the one that comes next."""
        place = _place(self._next, last=self._next == self._pieces - 1)
        try:
            content = self._cipher.decrypt(place, sealed, self._bound + place)
        except (InvalidTag, ValueError):
            raise Unsealed from None
        self._next += 1
        return content

    def all_of(self, sealed: Sequence[bytes]) -> Iterator[bytes]:
        """The contents of all pieces; `Unsealed` at the first that is not in its place, or if there are none."""
        if not sealed:
            raise Unsealed
        for piece in sealed:
            yield self.piece(piece)


def key_from(text: str) -> bytes:
    """The 32 bytes of a key that is written in base64url; ValueError for anything else."""
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != KEY_BYTES:
        raise ValueError(f"the key must be {KEY_BYTES} bytes in base64url")
    return found


def _place(number: int, *, last: bool) -> bytes:
    return number.to_bytes(_NONCE_BYTES - 1) + (_LAST if last else _NOT_LAST)


def _bound(purpose: bytes, belongs_to: Sequence[bytes]) -> bytes:
    # With their lengths, so that no two lists of ids read alike.
    return b"avrr " + purpose + b"".join(len(part).to_bytes(2) + part for part in belongs_to)
