"""Seals what the portal keeps, so that neither the database nor a copy of it can be read or changed unnoticed."""

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32


class Unsealed(Exception):
    """What was kept is not what we kept: another key, another place, or changed bytes."""


class Seal:
    """AES-256-GCM under one key, bound to table and id; and keyed hashes under another, derived from the same secret."""

    def __init__(self, secret: bytes) -> None:
        self._contents = AESGCM(_derived(secret, b"avrr portal contents"))
        self._names = _derived(secret, b"avrr portal names")

    def sealed(self, table: str, id: bytes, content: bytes) -> bytes:
        """The content for this row and no other."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._contents.encrypt(nonce, content, _bound(table, id))

    def opened(self, table: str, id: bytes, kept: bytes) -> bytes:
        """What was sealed for this row; `Unsealed` if these bytes were not."""
        try:
            return self._contents.decrypt(kept[:_NONCE_BYTES], kept[_NONCE_BYTES:], _bound(table, id))
        except (InvalidTag, ValueError):
            raise Unsealed from None

    def name(self, *parts: str) -> bytes:
        """A hash of these parts that nobody can compute without the key."""
        mac = hmac.HMAC(self._names, hashes.SHA256())
        for part in parts:
            encoded = part.encode()
            mac.update(len(encoded).to_bytes(4) + encoded)
        return mac.finalize()


def _bound(table: str, id: bytes) -> bytes:
    return table.encode() + b"\0" + id


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), _KEY_BYTES, salt=None, info=purpose).derive(secret)
