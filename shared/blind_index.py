"""Keyed hashes by which something is found again that nobody may read: a blind index, under a key outside the database.

Whoever has the database learns from it that two values are alike, and not which; of hashes cut short not even that for
sure. The key can be changed as an epoch is: what stands under a former one is hashed anew, then the former one goes.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import httpx

from shared.epochs import FileEpochs, number_of
from shared.transit import TransitEpochs, away

_HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Term:
    """A text to be hashed: for which purpose, and to how many bits its hash is cut, so that many texts share one."""

    purpose: str
    text: str = field(repr=False)
    bits: int

    def hashed(self) -> bytes:
        """What is hashed; the same text for another purpose is another."""
        return self.purpose.encode() + b"\0" + self.text.encode()


class IndexKeys(Protocol):
    """The index keys of one service, numbered as epochs are; each of its methods may raise `EpochsAway`."""

    async def current(self) -> str:
        """The key under which is hashed now."""

    async def live(self) -> list[str]:
        """Every key under which something may stand, the current one first."""

    async def hashes(self, key: str, texts: Sequence[bytes]) -> list[bytes]:
        """HMAC-SHA-256 of the texts in their order under this key; `Unsealed`, or as where nobody answers, if it is gone."""


class FileIndexKeys(FileEpochs):
    """Index keys as files, kept in a folder as an epoch's are."""

    def __init__(self, epochs_folder: Path) -> None:
        super().__init__(epochs_folder / "index")

    async def live(self) -> list[str]:
        """As `IndexKeys` promises."""
        return [str(number) for number in reversed(self._numbers())]

    async def hashes(self, key: str, texts: Sequence[bytes]) -> list[bytes]:
        """As `IndexKeys` promises."""
        secret = self._read(number_of(key))
        return [hmac.digest(secret, b"avrr index" + text, "sha256") for text in texts]


class TransitIndexKeys(TransitEpochs):
    """Index keys in a transit engine: the versions of its key ``avrr-<service>-index``, which never leave it.

    The token needs `update` on its hmac besides what it needs on an epoch's key.
    """

    def __init__(self, client: httpx.AsyncClient, url: str, service: str, token_file: Path) -> None:
        super().__init__(client, url, f"{service}-index", token_file)

    async def live(self) -> list[str]:
        """As `IndexKeys` promises."""
        key = await self._key()
        first = max(1, key.min_available_version, key.min_decryption_version)
        return [str(number) for number in range(key.latest_version, first - 1, -1)]

    async def hashes(self, key: str, texts: Sequence[bytes]) -> list[bytes]:
        """As `IndexKeys` promises."""
        asked = [{"input": base64.b64encode(text).decode()} for text in texts]
        found: list[bytes] = []
        for result in await self._batch("hmac", asked, key_version=number_of(key), algorithm="sha2-256"):
            try:
                hashed = base64.b64decode(result.hmac.removeprefix(f"vault:v{key}:"), validate=True)
            except (binascii.Error, ValueError):
                raise away("unreadable") from None
            if len(hashed) != _HASH_BYTES:
                raise away("unreadable")
            found.append(hashed)
        return found


async def tokens_of(keys: IndexKeys, key: str, terms: Sequence[Term]) -> list[bytes]:
    """The hash of each term under this key, in their order, cut to its bits."""
    hashes = await keys.hashes(key, [term.hashed() for term in terms])
    return [_cut(hashed, term.bits) for hashed, term in zip(hashes, terms, strict=True)]


def _cut(hashed: bytes, bits: int) -> bytes:
    size = -(-bits // 8)
    number = int.from_bytes(hashed[:size]) >> (size * 8 - bits)
    return number.to_bytes(size)
