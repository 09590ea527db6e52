"""What rows tell of health, protection and reasons, sealed under a key of the service that ends with its epoch.

What is sealed for a person goes with the person's key (`shared.private`). Of what is coded in the rows of cases and grants
much is about several persons at once, and is taken out of them when the last of these is erased. So that copies from before
tell nothing of it either, it is sealed under a key that changes with each epoch: whatever is kept is sealed anew, and the
former key is destroyed.
"""

import base64
import contextlib
import json
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NoReturn
from uuid import UUID

import asyncpg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.db import Sql, UnitOfWork, Write
from shared.epochs import Bare, Epochs, Wrapped
from shared.sealing import KEY_BYTES, Unsealed

# With what every sealed text begins, and nothing in clear does.
MARK: Final = "sealed:"
_NAMED: Final = re.compile(MARK + r"([1-9][0-9]*-[0-9a-f]{16}):")
_NONCE_BYTES: Final = 12
_LENGTH_BYTES: Final = 4
_LEAST_BYTES: Final = 128
_FORMER_SECONDS: Final = 300.0
# The one number that the login of a process that serves may give a key (`migrations.kernel_15`).
_FIRST: Final = 1

# The key under which is sealed now, as one value that other statements can answer as well.
NEWEST: Final = (
    "(SELECT json_build_array(k.name, k.epoch, encode(k.wrapped, 'hex'))::text FROM row_keys k ORDER BY k.number DESC LIMIT 1)"
)
_NEWEST = Sql(f"SELECT {NEWEST} AS row_key")
_NAMES = Sql("SELECT name, epoch, wrapped FROM row_keys WHERE name = ANY (cast(:names AS text[]))")
_FOLLOWING = Sql("SELECT coalesce(max(number), 0) + 1 AS number FROM row_keys")
_KEEP = Sql("INSERT INTO row_keys (name, number, epoch, wrapped) VALUES (:name, :number, :epoch, :wrapped)")
_DROP = Sql(
    "DELETE FROM row_keys WHERE number < (SELECT number FROM row_keys WHERE name = :name) RETURNING name"
)


class RowKey:
    """One key of a service, usable and never shown: neither printed, nor pickled, nor compared."""

    __slots__ = ("_cipher", "name")

    def __init__(self, name: str, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key of rows has {KEY_BYTES} bytes")
        self.name = name
        self._cipher = AESGCM(key)

    def seal(self, place: bytes, text: str, least: int = _LEAST_BYTES) -> str:
        """The text sealed for its place, never twice alike.

        It is filled up to ``least`` bytes, and a longer one to the next power of two, so that the usual ones look alike.
        """
        content = text.encode()
        filled = len(content).to_bytes(_LENGTH_BYTES) + content
        size = max(least, 1 << (len(filled) - 1).bit_length())
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, filled.ljust(size, b"\0"), place)
        return f"{MARK}{self.name}:{base64.b64encode(sealed).decode()}"

    def sealed(self, text: str) -> bool:
        """Whether this text is one that this key sealed."""
        return text.startswith(f"{MARK}{self.name}:")

    def opened(self, place: bytes, sealed: bytes) -> str:
        """The text that was sealed for this place; `Unsealed` for anything else."""
        try:
            filled = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place)
        except (InvalidTag, ValueError):
            raise Unsealed from None
        length = int.from_bytes(filled[:_LENGTH_BYTES])
        return filled[_LENGTH_BYTES : _LENGTH_BYTES + length].decode()

    def __repr__(self) -> str:
        return "<RowKey>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key of rows stays in the memory of its process")


class Opening:
    """Opens what is sealed under some keys."""

    def __init__(self, keys: Mapping[str, RowKey]) -> None:
        self._keys = keys

    def text(self, place: bytes, sealed: str) -> str:
        """The text that was sealed for this place; `Unsealed` for anything else."""
        named = _NAMED.match(sealed)
        if named is None or named[1] not in self._keys:
            raise Unsealed
        try:
            return self._keys[named[1]].opened(place, base64.b64decode(sealed[named.end() :], validate=True))
        except ValueError:
            raise Unsealed from None


NOTHING_SEALED: Final = Opening({})


def place(service: str, table: str, column: str, row_id: UUID, whose: str = "", version: int = 0) -> bytes:
    """Where one text stands, as bytes that no other place has; ``whose`` tells elements of one column apart."""
    parts = (service, table, column, str(row_id), whose, str(version))
    return b"avrr row" + b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in parts)


def is_sealed(value: object) -> bool:
    """Whether this is a text that some key sealed."""
    return isinstance(value, str) and value.startswith(MARK)


class RowKeys:
    """The keys of rows of one service, read and made in the transactions of whoever asks, and remembered unwrapped."""

    def __init__(self, service: str, epochs: Epochs, now: Callable[[], float] = time.monotonic) -> None:
        self.service = service
        self._epochs = epochs
        self._now = now
        self._known: dict[str, RowKey] = {}
        # Under which key was sealed last, and since when.
        self._newest = ("", 0.0)

    async def sealing(self, unit: UnitOfWork, newest: str | None) -> RowKey:
        """The key under which is sealed now: ``newest`` as `NEWEST` answered in this transaction, made if there is none.

        Of two transactions that make the first at a time the later is refused by the table's key and tried again. Raises
        `EpochsAway` if it is not known here and nobody unwraps it now.
        """
        if newest is None:
            return await self._made(unit, _FIRST)
        name, epoch, wrapped = json.loads(newest)
        if name != self._newest[0]:
            self._newest = (name, self._now())
        elif len(self._known) > 1 and self._now() > self._newest[1] + _FORMER_SECONDS:
            # A rotation is over by now: its former key opens no row, and must not live on here for copies of them.
            self._known = {name: key for name, key in self._known.items() if name == self._newest[0]}
        return await self._remembered(name, epoch, bytes.fromhex(wrapped))

    async def newest(self, unit: UnitOfWork) -> RowKey:
        """As `sealing`, by a statement of its own."""
        row = await unit.row(_NEWEST)
        return await self.sealing(unit, None if row is None else row["row_key"])

    async def opening(self, unit: UnitOfWork, texts: Iterable[str]) -> Opening:
        """What opens everything that is sealed in these texts; a statement only for keys that are not known here yet.

        Under a key that is gone, or does not unwrap, it opens nothing (`Unsealed`): what names one keeps nothing else shut.
        Raises `EpochsAway` if nobody can tell now.
        """
        names = {name for text in texts for name in _NAMED.findall(text)}
        if not names:
            return NOTHING_SEALED
        missing = sorted(name for name in names if name not in self._known)
        for row in await unit.rows(_NAMES, names=missing) if missing else []:
            with contextlib.suppress(Unsealed):
                await self._remembered(row["name"], row["epoch"], bytes(row["wrapped"]))
        return Opening({name: self._known[name] for name in names if name in self._known})

    async def begin(self, unit: UnitOfWork) -> RowKey:
        """A new key, wrapped under the current epoch, for all that is sealed from the end of this transaction on.

        For a rotation, as the tables' owner: no login of a process that serves puts in a key beside another. Of two
        transactions that make one at a time the later is refused by the table's key and tried again.
        """
        row = await unit.row(_FOLLOWING)
        assert row is not None
        return await self._made(unit, row["number"])

    async def drop_former(self, unit: UnitOfWork, kept: RowKey) -> int:
        """Deletes every key from before this one, once nothing is sealed under them any more; says how many there were."""
        return len(await unit.rows(_DROP, name=kept.name))

    async def _made(self, unit: UnitOfWork, number: int) -> RowKey:
        name, key = f"{number}-{secrets.token_hex(8)}", secrets.token_bytes(KEY_BYTES)
        (kept,) = await self._epochs.wrap((Bare(key, self._bound(name)),))
        values = {"name": name, "number": number, "epoch": kept.epoch, "wrapped": kept.wrapped}
        unit.write(Write(_KEEP, values))
        return self._known.setdefault(name, RowKey(name, key))

    async def _remembered(self, name: str, epoch: str, wrapped: bytes) -> RowKey:
        if name not in self._known:
            (key,) = await self._epochs.unwrap((Wrapped(epoch, wrapped, self._bound(name)),))
            self._known[name] = RowKey(name, key)
        return self._known[name]

    def _bound(self, name: str) -> bytes:
        return b"avrr row key" + self.service.encode() + b"\0" + name.encode()


def newest_of(row: asyncpg.Record) -> str | None:
    """What `NEWEST` answered beside something else, as ``row_key``."""
    newest: str | None = row["row_key"]
    return newest
