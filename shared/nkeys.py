"""Keys by which users of the broker are known: NATS's nkeys, Ed25519 in base32 with a prefix and a checksum."""

import base64
import binascii
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# As github.com/nats-io/nkeys has them: in base32 a seed begins with SU, the key of a user with U.
_SEED: Final = 18 << 3
_USER: Final = 20 << 3
_KEY_BYTES: Final = 32


class UserKey:
    """One user's key. Who has the seed is the user; the broker knows the public key alone."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def made(cls) -> Self:
        """A new key that nobody else has."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: str) -> Self:
        """The key of a seed as `seed` writes it; ValueError, which does not repeat it, if it is none of a user's."""
        try:
            raw = base64.b32decode(_padded(seed.strip()))
        except binascii.Error:
            raise ValueError("not the seed of a user of the broker") from None
        body, check = raw[:-2], raw[-2:]
        if len(body) != 2 + _KEY_BYTES or check != _checksum(body) or tuple(body[:2]) != _prefix():
            raise ValueError("not the seed of a user of the broker")
        return cls(Ed25519PrivateKey.from_private_bytes(body[2:]))

    @property
    def seed(self) -> str:
        """The secret, as it stands in a file."""
        return _written(bytes(_prefix()) + self._key.private_bytes_raw())

    @property
    def public(self) -> str:
        """What the broker's configuration says of this user."""
        return _written(bytes([_USER]) + self._key.public_key().public_bytes_raw())

    def sign(self, nonce: str) -> bytes:
        """The signature of what the broker asked, in base64 as its protocol has it."""
        return base64.b64encode(self._key.sign(nonce.encode()))


def _prefix() -> tuple[int, int]:
    # Five bits each of what it is and of whom: the second begins in the first byte.
    return _SEED | _USER >> 5, (_USER & 31) << 3


def _written(body: bytes) -> str:
    return base64.b32encode(body + _checksum(body)).decode("ascii").rstrip("=")


def _checksum(body: bytes) -> bytes:
    return binascii.crc_hqx(body, 0).to_bytes(2, "little")


def _padded(text: str) -> str:
    return text + "=" * (-len(text) % 8)
