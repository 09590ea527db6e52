"""Puts accesses on record, each in a short transaction of its own: refusals, sensitive reads, what outsiders were told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import asyncpg
import structlog

from shared.access import (
    Access,
    CountRefusals,
    RecordEntriesRead,
    RecordExport,
    RecordReading,
    RecordRefusal,
    RecordStatusAsked,
    RecordVoucherOpened,
)
from shared.actors import Actor
from shared.aggregate import Aggregate
from shared.clock import Clock
from shared.consumer import FAULTS
from shared.contracts.access import ReadingPurpose
from shared.db import CONTENTION, Database, Scope, Sql, UnitOfWork, WriteConflict
from shared.decider import NoFacts
from shared.errors import NotFound, Refusal
from shared.handling import handle
from shared.ids import uuid7
from shared.messages import Cause, Context, Origin
from shared.policy import EVERYWHERE
from shared.tables import LEAF_LIMIT

WINDOW_SECONDS = 60.0
LOOK_SECONDS = 5.0
_NOTHING = UUID(int=0)

# Whoever tries many things at once is counted together, so that nobody can fill the log with refusals.
MOST_OF_A_KIND = 10
MOST_OF_AN_ACTOR = 40
_SEVERAL = "several"

# The first refusal opens a window and becomes an event; whoever repeats it while the window is open is only counted.
# The row's lock makes those who come at the same moment take turns.
_NOTE = Sql(
    "INSERT INTO refusal_windows AS w (actor_id, operation, code, about, access_id, repeats, last_at, last_correlation) "
    "VALUES (:actor_id, :operation, :code, :about, :access_id, 0, :at, :correlation) "
    "ON CONFLICT (actor_id, operation, code, about) DO UPDATE SET repeats = w.repeats + 1, "
    "last_at = excluded.last_at, last_correlation = excluded.last_correlation RETURNING access_id"
)
_OPEN = Sql(
    "SELECT count(*) AS of_the_actor, "
    "count(*) FILTER (WHERE operation = :operation AND code = :code) AS of_the_kind, "
    "coalesce(bool_or(operation = :operation AND code = :code AND about = :about), false) AS this_one "
    "FROM refusal_windows WHERE actor_id = :actor_id"
)
_OLD = (
    "FROM refusal_windows WHERE began_at <= clock_timestamp() - make_interval(secs => :seconds) "
    "ORDER BY began_at LIMIT {most} FOR UPDATE SKIP LOCKED"
)
# Of a correlation no more than no entry has room for: a genuine one is an id, and the tables set no limit to what is put in.
_FOUND = f"access_id, repeats, last_at, left(last_correlation, {LEAF_LIMIT}) AS last_correlation"
CLOSE = Sql(
    "DELETE FROM refusal_windows WHERE (actor_id, operation, code, about) IN "
    f"(SELECT actor_id, operation, code, about {_OLD.format(most=100)}) RETURNING {_FOUND}"
)
# Without its time, which may be one that cannot be read.
_OLDEST = Sql(f"SELECT actor_id, operation, code, about, access_id {_OLD.format(most=1)}")
_THIS_ONE = "WHERE (actor_id, operation, code, about) = (:actor_id, :operation, :code, :about) AND access_id = :access_id"
CLOSE_ONE = Sql(f"DELETE FROM refusal_windows {_THIS_ONE} RETURNING {_FOUND}")
_DROP = Sql(f"DELETE FROM refusal_windows {_THIS_ONE} RETURNING 1")
_PUT_OFF = Sql(f"UPDATE refusal_windows SET began_at = clock_timestamp() {_THIS_ONE} RETURNING 1")
# What comes of a window that no refusal opened: its access is none, or was counted, or what it says has no room in the log or is
# beyond what can be read. A place in the log that is taken is among them, since who only lost a race was tried anew and saw what
# the other wrote: a genuine window's access is changed by whoever counts it and by nobody else, so that what goes on standing in
# the way was put there.
_PAST_THE_RULES = (
    Refusal, ValueError, OverflowError, WriteConflict, asyncpg.UniqueViolationError, asyncpg.CheckViolationError, asyncpg.DataError,
)  # fmt: skip
# Faults that one window may bring about as well as the surroundings: a session of the API that keeps its access locked, or more
# beside it than can be read in time. Where the database is away, putting the window off raises by itself.
_OF_EITHER = (*CONTENTION, TimeoutError, asyncpg.QueryCanceledError, asyncpg.OutOfMemoryError)
_FIRST = Sql("SELECT id, leaf_hash FROM event_log WHERE subject = :subject AND aggver = 1")

log = structlog.get_logger("recording")


@dataclass(frozen=True, slots=True)
class Recorder:
    """What a service's API uses to put an access on record before it answers."""

    database: Database
    aggregate: Aggregate[Access, NoFacts]

    async def refused(
        self, context: Context, origin: Origin, operation: str, code: str, about: UUID | None = None
    ) -> None:
        """A refusal: an event the first time, afterwards counted until its minute is over.

        Beyond so many subjects of a kind they are counted without a subject, and beyond so many kinds together.
        """
        actor_id = context.actor.person_id

        async def work(unit: UnitOfWork) -> None:
            access_id = uuid7()
            what, whom = operation, about
            found = await unit.row(
                _OPEN, actor_id=actor_id, operation=operation, code=code, about=about or _NOTHING
            )
            assert found is not None
            if not found["this_one"] and found["of_the_kind"] >= MOST_OF_A_KIND:
                whom = None
            if not found["this_one"] and found["of_the_actor"] >= MOST_OF_AN_ACTOR:
                what, whom = _SEVERAL, None
            window = await unit.row(
                _NOTE, actor_id=actor_id, operation=what, code=code, about=whom or _NOTHING,
                access_id=access_id, at=context.now, correlation=origin.correlation_id,
            )
            assert window is not None
            if window["access_id"] == access_id:
                order = RecordRefusal(actor_id=actor_id, operation=what, code=code, about=whom)
                await handle(unit, self.aggregate, access_id, order, context, origin, reach=EVERYWHERE)

        # Nothing here is limited to a country: a refusal belongs to whoever was refused.
        await self.database.attempt(Scope(actor_id), work)

    async def read(
        self, context: Context, origin: Origin, operation: str, about: UUID | None = None, shown: tuple[UUID, ...] = (),
        purpose: ReadingPurpose | None = None,
    ) -> None:  # fmt: skip
        """A sensitive read that is about to be answered; ``shown`` is what a search came upon."""
        order = RecordReading(
            actor_id=context.actor.person_id, operation=operation, about=about, shown=shown, purpose=purpose
        )
        await self._alone(Scope(context.actor.person_id), context, origin, order)

    async def taken(self, context: Context, origin: Origin, order: RecordExport) -> UUID:
        """An export of logs whose first byte has not left yet; the id under which it is on record."""
        return await self._alone(Scope(context.actor.person_id), context, origin, order)

    async def handed(self, context: Context, origin: Origin, order: RecordEntriesRead) -> None:
        """Archived entries, of which the first byte has not left yet."""
        await self._alone(Scope(context.actor.person_id), context, origin, order)

    async def opened(self, context: Context, origin: Origin, order: RecordVoucherOpened) -> None:
        """A paper that two persons released to an auditor, and of which the first byte has not left yet."""
        await self._alone(Scope(context.actor.person_id), context, origin, order)

    async def told(self, scope: Scope, context: Context, origin: Origin, order: RecordStatusAsked) -> None:
        """What somebody outside is about to be told; ``scope`` is theirs."""
        await self._alone(scope, context, origin, order)

    async def _alone(
        self, scope: Scope, context: Context, origin: Origin,
        order: RecordReading | RecordStatusAsked | RecordExport | RecordVoucherOpened | RecordEntriesRead,
    ) -> UUID:  # fmt: skip
        async def work(unit: UnitOfWork) -> UUID:
            access_id = uuid7()
            await handle(unit, self.aggregate, access_id, order, context, origin, reach=EVERYWHERE)
            return access_id

        return await self.database.attempt(scope, work)


async def count_refusals(
    database: Database, aggregate: Aggregate[Access, NoFacts], clock: Clock, older_than_seconds: float = WINDOW_SECONDS
) -> int:
    """Closes the windows that are older than this, with one event for each refusal that was repeated; says how many.

    None keeps another open: one that no refusal opened, which whoever has the password of the API may put there, is dropped, and
    one that cannot be counted for another reason is put off by a minute. What is no window's fault is raised.
    """
    actor = Actor.service(aggregate.service)
    scope = Scope(actor.person_id)
    oldest: dict[str, object] = {}

    async def count(unit: UnitOfWork, windows: Sequence[asyncpg.Record]) -> int:
        for row in sorted((row for row in windows if row["repeats"]), key=lambda row: row["access_id"]):
            first = await unit.row(_FIRST, subject=row["access_id"])
            if first is None:
                raise NotFound
            cause = Cause(first["id"], first["leaf_hash"], row["last_correlation"])
            await handle(
                unit, aggregate, row["access_id"], CountRefusals(repeats=row["repeats"], last_at=row["last_at"]),
                Context(actor, clock.for_reaction(row["last_at"])), Origin(row["last_correlation"], cause),
                reach=EVERYWHERE,
            )
        return len(windows)

    async def together(unit: UnitOfWork) -> int:
        return await count(unit, await unit.rows(CLOSE, seconds=older_than_seconds))

    async def one(unit: UnitOfWork) -> int:
        oldest.clear()
        oldest.update(await unit.row(_OLDEST, seconds=older_than_seconds) or {})
        return await count(unit, await unit.rows(CLOSE_ONE, **oldest)) if oldest else 0

    async def set_aside(unit: UnitOfWork, how: Sql) -> int:
        return len(await unit.rows(how, **oldest))

    # A lock that is waited for in vain takes long: those that only lost a race can be counted one by one as well.
    try:
        return await database.attempt(scope, together, tries=2)
    except Exception as error:
        if _of_the_surroundings(error):
            raise
        log.warning("refusals_one_by_one", kind=type(error).__name__)
    try:
        return await database.attempt(scope, one)
    except Exception as error:
        if _of_the_surroundings(error) or not oldest:
            raise
        fault = error
    if isinstance(fault, _PAST_THE_RULES):
        log.error("refusal_of_nobody", kind=type(fault).__name__)
        how = _DROP
    else:
        log.warning("refusal_put_off", kind=type(fault).__name__)
        how = _PUT_OFF
    return await database.attempt(scope, partial(set_aside, how=how))


def _of_the_surroundings(error: Exception) -> bool:
    return isinstance(error, FAULTS) and not isinstance(error, _OF_EITHER)


@contextlib.asynccontextmanager
async def counting_refusals(
    database: Database, aggregate: Aggregate[Access, NoFacts], clock: Clock
) -> AsyncIterator[None]:
    """Closes windows as their minute ends, while the block runs."""

    async def run() -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                while await count_refusals(database, aggregate, clock):
                    pass
            except Exception as fault:  # noqa: BLE001 -- whatever it was, the next look has to come
                # The windows stand where they stood, and are closed then.
                log.warning("refusals_not_counted", kind=type(fault).__name__)

    task = asyncio.create_task(run(), name="counting refusals")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
