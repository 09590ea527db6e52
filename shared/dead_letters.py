"""Events that could not be applied: what waits, and how a person replays or discards it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.consumer import FAULTS, Apply, reason_of
from shared.db import Database, Scope, Sql, UnitOfWork, Write
from shared.errors import NotFound
from shared.messages import Envelope
from shared.tlog.tree import leaf_hash

_SCOPE = Scope("service:dead-letters")

_LOCK = Sql("SELECT last_idx FROM cursor WHERE source = :source FOR UPDATE")
_KEY = Sql("SELECT partitionkey FROM dead_letter WHERE source = :source AND idx = :idx")
_OLDEST = Sql(
    "SELECT idx, leaf FROM dead_letter WHERE source = :source AND partitionkey = :partitionkey ORDER BY idx LIMIT 1"
)
_LETTERS = Sql("SELECT source, idx, partitionkey, reason, at FROM dead_letter ORDER BY source, idx")
_EXHUME = Sql("DELETE FROM dead_letter WHERE source = :source AND idx = :idx")
_EXHUME_AFTER = Sql("DELETE FROM dead_letter WHERE source = :source AND idx > :idx")
_STEP_BACK = Sql("UPDATE cursor SET last_idx = :idx, last_hash = :hash, tries = 0 WHERE source = :source")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that could not be applied, or that waits behind such a one of its key (reason ``parked``)."""

    source: str
    idx: int
    partitionkey: UUID
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Replayed:
    """Which events a replay applied, and at which it stopped and why, if it did."""

    applied: tuple[int, ...]
    failed: int | None = None
    reason: str | None = None


async def dead_letters(database: Database) -> list[DeadLetter]:
    """Every dead letter of a service, by source and position."""
    async with database.unit_of_work(_SCOPE) as unit:
        return [DeadLetter(*row.values()) for row in await unit.rows(_LETTERS)]


async def replay(database: Database, source: str, idx: int, apply: Apply) -> Replayed:
    """Applies a dead letter and all others of its key, the oldest first, each in a transaction of its own.

    Stops at the first that fails: it and those behind it stay. Raises `NotFound` if there is no such dead letter.
    """
    async with database.unit_of_work(_SCOPE) as unit:
        letter = await unit.row(_KEY, source=source, idx=idx)
    if letter is None:
        raise NotFound
    applied: list[int] = []
    at: int | None = None

    async def work(unit: UnitOfWork) -> int | None:
        nonlocal at
        # The consumer's lock: while it is held nobody takes an event of this key past those that wait.
        await unit.row(_LOCK, source=source)
        row = await unit.row(_OLDEST, source=source, partitionkey=letter["partitionkey"])
        if row is None:
            return None
        at = int(row["idx"])
        leaf = bytes(row["leaf"])
        await apply(unit, Envelope.model_validate_json(leaf), leaf_hash(leaf))
        unit.write(Write(_EXHUME, {"source": source, "idx": at}))
        return at

    while True:
        try:
            done = await database.attempt(_SCOPE, work)
        except FAULTS:
            raise
        except Exception as error:  # noqa: BLE001 -- what a reaction raises is the answer to whoever asked for the replay
            return Replayed(tuple(applied), at, reason_of(error))
        if done is None:
            return Replayed(tuple(applied))
        applied.append(done)


async def discard(database: Database, source: str, idx: int) -> None:
    """Gives up one dead letter; those behind it stay until they are replayed. Raises `NotFound`."""

    async def work(unit: UnitOfWork) -> None:
        await unit.row(_LOCK, source=source)
        if await unit.row(_KEY, source=source, idx=idx) is None:
            raise NotFound
        unit.write(Write(_EXHUME, {"source": source, "idx": idx}))

    await database.attempt(_SCOPE, work)


async def step_back(database: Database, source: str, last_idx: int, last_hash: bytes) -> None:
    """Sets a cursor to the last event that was truly the source's, after a foreign one had been taken.

    Dead letters behind it are given up: the rebuilt stream brings the true events of those places again. Raises
    `NotFound` if the service does not follow this source.
    """

    async def work(unit: UnitOfWork) -> None:
        if await unit.row(_LOCK, source=source) is None:
            raise NotFound
        unit.write(Write(_EXHUME_AFTER, {"source": source, "idx": last_idx}, rows=None))
        unit.write(Write(_STEP_BACK, {"source": source, "idx": last_idx, "hash": last_hash}))

    await database.attempt(_SCOPE, work)
