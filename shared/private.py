"""Personal values sealed under one key per person and service, so that destroying the key destroys all of them.

A person's key is random, made when the first value is to be sealed, and kept in `person_keys` only wrapped under the
epoch key of its time (`shared.epochs`). Papers that may have to be kept longer than the person are sealed under a key of
their own, which is the person's too. A key is read anew in each transaction; what is remembered in memory spares the
unwrapping and never the reading, so that an erased person is erased in every process at once.
"""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn
from uuid import UUID

import asyncpg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.blind_index import IndexKeys
from shared.db import Sql, UnitOfWork, Write
from shared.epochs import Bare, Epochs, Wrapped
from shared.row_keys import RowKeys
from shared.sealing import KEY_BYTES, FileSeal, Unsealed

__all__ = ["KeysShut", "PersonKey", "PersonKeys", "Place", "Unsealed", "opened", "seal"]

# A sealed value says how it was sealed, so that a later way can stand beside this one.
_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
_LENGTH_BYTES: Final = 4
_LEAST_BYTES: Final = 128

_KEYS = Sql(
    "SELECT k.person_id, k.about, k.epoch, k.wrapped FROM unnest(cast(:person_ids AS uuid[]), cast(:abouts AS uuid[])) "
    "asked(person_id, about) JOIN person_keys k ON k.person_id = asked.person_id AND k.about = asked.about"
)
_KEEP = Sql(
    "INSERT INTO person_keys (person_id, about, epoch, wrapped) VALUES (:person_id, :about, :epoch, :wrapped)"
)
_OF_OTHER_EPOCHS = Sql(
    "(SELECT person_id, about, epoch, wrapped FROM person_keys WHERE epoch < :epoch ORDER BY epoch LIMIT :most) UNION ALL "
    "(SELECT person_id, about, epoch, wrapped FROM person_keys WHERE epoch > :epoch ORDER BY epoch LIMIT :most) LIMIT :most"
)
# Nobody gets a key back who was erased meanwhile.
_REWRAP = Sql(
    "UPDATE person_keys k SET epoch = anew.epoch, wrapped = anew.wrapped FROM unnest(cast(:person_ids AS uuid[]), "
    "cast(:abouts AS uuid[]), cast(:before AS bytea[]), cast(:epochs AS text[]), cast(:wrapped AS bytea[])) "
    "anew(person_id, about, before, epoch, wrapped) "
    "WHERE k.person_id = anew.person_id AND k.about = anew.about AND k.wrapped = anew.before"
)


# Whose key, and of what: the person's own is of the person.
_Which = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class Place:
    """Where one sealed value stands: it opens there and nowhere else.

    ``version`` is that of what the value belongs to, so that an older value put back does not open either.
    """

    service: str
    table: str
    column: str
    row_id: UUID
    person_id: UUID
    version: int

    def bound(self) -> bytes:
        """The place as bytes that no other place has."""
        names = (self.service, self.table, self.column)
        return (
            b"avrr value"
            + b"".join(len(name.encode()).to_bytes(2) + name.encode() for name in names)
            + self.row_id.bytes + self.person_id.bytes + self.version.to_bytes(8)
        )  # fmt: skip


class KeysShut(Unsealed):
    """Kept keys that do not open; ``which`` says of whom and of what, as each row's primary key does."""

    def __init__(self, which: Sequence[_Which]) -> None:
        super().__init__("keys_shut")
        self.which = which


class PersonKey:
    """The key of one person in one service, usable and never shown: neither printed, nor pickled, nor compared."""

    __slots__ = ("_files", "_key", "_values", "person_id")

    def __init__(self, person_id: UUID, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a person's key has {KEY_BYTES} bytes")
        self.person_id = person_id
        self._key = key
        # Each use has a key of its own, so that nothing sealed for one can be passed off as the other.
        self._values = AESGCM(HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=b"avrr person values").derive(key))

    def files(self) -> FileSeal:
        """What seals and opens the files of this person."""
        return FileSeal(
            HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=b"avrr person files").derive(self._key)
        )

    def fingerprint(self, content: bytes) -> bytes:
        """What tells the same content again for as long as there is this key, and says nothing without it."""
        mac = HMAC(HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=b"avrr person prints").derive(self._key), hashes.SHA256())
        mac.update(content)
        return mac.finalize()

    def __repr__(self) -> str:
        return "<PersonKey>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a person's key stays in the memory of its process")


def seal(key: PersonKey, place: Place, text: str) -> bytes:
    """The text sealed for its place, never twice alike; ValueError if the key is another person's.

    What is sealed is filled up to 128 bytes, and a longer text to the next power of two: all texts of up to 124 bytes
    in UTF-8 look alike (some 60 letters of Arabic or Cyrillic), of longer ones only the magnitude can be told.
    """
    if key.person_id != place.person_id:
        raise ValueError("a value is sealed under the key of the person whom it is about")
    content = text.encode()
    filled = len(content).to_bytes(_LENGTH_BYTES) + content
    size = max(_LEAST_BYTES, 1 << (len(filled) - 1).bit_length())
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _VERSION + nonce + key._values.encrypt(nonce, filled.ljust(size, b"\0"), place.bound())  # noqa: SLF001


def opened(key: PersonKey, place: Place, sealed: bytes) -> str:
    """The text that was sealed for this place under this key; `Unsealed` for anything else."""
    nonce = sealed[1 : 1 + _NONCE_BYTES]
    if sealed[:1] != _VERSION or key.person_id != place.person_id:
        raise Unsealed
    try:
        filled = key._values.decrypt(nonce, sealed[1 + _NONCE_BYTES :], place.bound())  # noqa: SLF001
    except (InvalidTag, ValueError):
        raise Unsealed from None
    length = int.from_bytes(filled[:_LENGTH_BYTES])
    return filled[_LENGTH_BYTES : _LENGTH_BYTES + length].decode()


class PersonKeys:
    """The keys of all persons in one service, read and made in the transactions of whoever asks; ``rows`` are its rows' keys.

    Nobody destroys one here: the person's row that comes to say erased takes the key with it (`migrations.kernel_6`).
    At most ``most`` unwrapped keys are remembered, each for ``seconds`` after it was last unwrapped.
    """

    def __init__(
        self, service: str, epochs: Epochs, index: IndexKeys | None = None, *, most: int = 2000, seconds: float = 300.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.service = service
        self.rows = RowKeys(service, epochs)
        self._epochs = epochs
        self._index = index
        self._most = most
        self._seconds = seconds
        self._now = now
        # In the order in which they were unwrapped, each with what it was unwrapped from: a key whose row has been
        # rolled back, erased or wrapped anew is never found by it.
        self._known: OrderedDict[tuple[UUID, UUID], tuple[float, bytes, PersonKey]] = OrderedDict()

    @property
    def index(self) -> IndexKeys:
        """The keys of the index by which persons are found; a programming error in a service that finds none."""
        if self._index is None:
            raise LookupError("this service finds no persons")
        return self._index

    async def key_of(self, unit: UnitOfWork, person_id: UUID, about: UUID | None = None) -> PersonKey | None:
        """The person's key, by one statement; None if they have none, be it not yet or no more.

        ``about`` asks for the one of the papers of something. Raises `Unsealed` if the kept key is not theirs or its
        epoch is gone, `EpochsAway` if nobody can tell now.
        """
        which = (person_id, about or person_id)
        return (await self._found(unit, (which,))).get(which)

    async def keys_of(self, unit: UnitOfWork, person_ids: Collection[UUID]) -> dict[UUID, PersonKey]:
        """The keys of those of these persons who have one, by one statement and one unwrapping; else as `key_of`."""
        found = await self._found(unit, tuple((person_id, person_id) for person_id in person_ids))
        return {person_id: key for (person_id, _), key in found.items()}

    async def _found(self, unit: UnitOfWork, asked: Sequence[_Which]) -> dict[_Which, PersonKey]:
        if not asked:
            return {}
        persons, abouts = [person_id for person_id, _ in asked], [about for _, about in asked]
        return await self.unwrapped(await unit.rows(_KEYS, person_ids=persons, abouts=abouts))

    async def unwrapped(self, rows: Sequence[asyncpg.Record]) -> dict[tuple[UUID, UUID], PersonKey]:
        """The keys in rows of `person_keys` that were read along with what they open, by person and thing; else as `key_of`."""
        found: dict[_Which, PersonKey] = {}
        missing: dict[_Which, Wrapped] = {}
        for row in rows:
            which, wrapped = (row["person_id"], row["about"]), bytes(row["wrapped"])
            remembered = self._remembered(which, wrapped)
            if remembered is None:
                missing[which] = Wrapped(row["epoch"], wrapped, self._bound(*which))
            else:
                found[which] = remembered
        if missing:
            keys = await self._epochs.unwrap(tuple(missing.values()))
            for (which, wrapped_key), key in zip(missing.items(), keys, strict=True):
                found[which] = self._remember(which, PersonKey(which[0], key), wrapped_key.wrapped)
        return found

    async def made_key(self, unit: UnitOfWork, person_id: UUID, about: UUID | None = None) -> PersonKey:
        """The person's key, made now if there is none: written in this transaction, with whatever is sealed under it.

        Of two transactions that make one at a time the later is refused by the table's key and tried again by
        `Database.attempt`, and then finds the other's. For somebody erased none is made: the database refuses it as
        ``erased_takes_nothing``.
        """
        found = await self.key_of(unit, person_id, about)
        if found is not None:
            return found
        which = (person_id, about or person_id)
        key = secrets.token_bytes(KEY_BYTES)
        (kept,) = await self._epochs.wrap((Bare(key, self._bound(*which)),))
        values = {"person_id": person_id, "about": which[1], "epoch": kept.epoch, "wrapped": kept.wrapped}
        unit.write(Write(_KEEP, values))
        return self._remember(which, PersonKey(person_id, key), kept.wrapped)

    def forget(self, person_id: UUID) -> None:
        """Drops what this process remembers of the person's keys."""
        for which in [which for which in self._known if which[0] == person_id]:
            del self._known[which]

    async def rewrap(self, unit: UnitOfWork, most: int = 500) -> int:
        """Wraps keys of other epochs under the current one, at most so many; says how many it found.

        None left, and the longest request since the rotation over: then the former epoch can be destroyed. Sees the
        rows of the transaction's scope: it has to be that of somebody who may reach every person. `KeysShut` if some of
        them do not open.
        """
        current = await self._epochs.current()
        rows = await unit.rows(_OF_OTHER_EPOCHS, epoch=current, most=most)
        if not rows:
            return 0
        kept = [
            Wrapped(row["epoch"], bytes(row["wrapped"]), self._bound(row["person_id"], row["about"])) for row in rows
        ]
        try:
            keys = await self._epochs.unwrap(kept)
        except Unsealed:
            shut = [(row["person_id"], row["about"]) for row, each in zip(rows, kept, strict=True) if not await self._opens(each)]
            raise KeysShut(shut) from None
        anew = await self._epochs.wrap([Bare(key, each.bound) for key, each in zip(keys, kept, strict=True)])
        values = {
            "person_ids": [row["person_id"] for row in rows], "abouts": [row["about"] for row in rows],
            "before": [each.wrapped for each in kept],
            "epochs": [each.epoch for each in anew], "wrapped": [each.wrapped for each in anew],
        }  # fmt: skip
        unit.write(Write(_REWRAP, values, None))
        return len(rows)

    async def _opens(self, kept: Wrapped) -> bool:
        try:
            await self._epochs.unwrap((kept,))
        except Unsealed:
            return False
        return True

    def _bound(self, person_id: UUID, about: UUID) -> bytes:
        papers = b"" if about == person_id else about.bytes
        return b"avrr person key" + self.service.encode() + b"\0" + person_id.bytes + papers

    def _remembered(self, which: _Which, wrapped: bytes) -> PersonKey | None:
        self._drop_old()
        _, of, key = self._known.get(which, (0.0, b"", None))
        return key if of == wrapped else None

    def _remember(self, which: _Which, key: PersonKey, wrapped: bytes) -> PersonKey:
        self._known.pop(which, None)
        self._known[which] = (self._now(), wrapped, key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return key

    def _drop_old(self) -> None:
        before = self._now() - self._seconds
        while self._known and next(iter(self._known.values()))[0] < before:
            self._known.popitem(last=False)
