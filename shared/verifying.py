"""Verifies a service's rows while it works, for ever: what was changed past the log within a minute, everything in rounds.

A row that a command wrote bears the transaction of its newest event. One that bears another, has no events, or is gone, was
written by something else: each look finds all of these. What is disguised as written by a command is found by the rounds, which
compare every aggregate with its events; whatever was changed lately is compared by each look too, as far as that is little.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar
from uuid import UUID

import asyncpg
import structlog

from shared.aggregate import AnyAggregate
from shared.apart_rows import Apart, ApartRows
from shared.db import Database, Scope, Sql, UnitOfWork
from shared.folding import AT_A_TIME, Compared, Comparison, Difference
from shared.found_differences import FoundDifferences
from shared.metrics import Metrics
from shared.private import PersonKeys
from shared.revisions import Revision
from shared.verify import UNANSWERABLE, Check

Found = TypeVar("Found")
# By its name, what kept a check from being made; in the same work it is not tried again.
Late = dict[str, Exception]

# A look begins so long after the last one ended.
LOOK_SECONDS: Final = 10.0
# A round begins no sooner after the one before began, and each of its steps no sooner after the last.
ROUND_SECONDS: Final = 60.0
STEP_SECONDS: Final = 0.25
# The part of the time in which either reads, so that whoever waits for answers hardly notices.
LOOK_SHARE: Final = 0.2
ROUND_SHARE: Final = 0.1
_LONGEST_REST: Final = 10.0
# How much of a table one statement reads, in pages of 8 KiB, and how much more a look does than it has to.
_PAGES: Final = 1_024
_MOST: Final = 1_000
# As far back as transactions can be told apart by the 32 bits of theirs that a row bears.
_FARTHEST: Final = 2_000_000_000

_NOW = "pg_snapshot_{end}(pg_current_snapshot())::text::bigint"

log = structlog.get_logger("verifying")


class Verifying:
    """Verifies one service: reads by the login that sees everything, notes by the worker's."""

    def __init__(
        self, service: str, aggregates: Mapping[str, AnyAggregate], checks: Sequence[Check], reading: Database, noting: Database,
        *, rests: bool = True, elapsed: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.found = FoundDifferences(service, noting)
        # What keeps each of its works from being done, by the work's name.
        self.faults: dict[str, str] = {}
        self._comparison = Comparison(service, aggregates)
        self._checks = [(check.name, check.sql.first(_MOST + 1)) for check in checks if not check.by_id]
        self._by_id = [(check.name, check.sql) for check in checks if check.by_id]
        self.reading = reading
        self._revision = Revision(service)
        self._scope = Scope(f"verify:{service}")
        self._rests = rests
        self._elapsed = elapsed
        self._began = elapsed()
        self._apart = ApartRows()
        # What was read of a row is noted before anything else is read of it.
        self._turn = asyncio.Lock()
        # Whether the round that is under way went past some of which a check could not be made.
        self._left_out = False
        names = [one.table.name for one in aggregates.values()]
        sizes = " UNION ALL ".join(f"SELECT '{name}' AS name, pg_relation_size('{name}') AS bytes" for name in names)
        self._sizes = Sql(
            f"SELECT name, bytes / cast(current_setting('block_size') AS bigint) AS pages, {_NOW.format(end='xmin')} AS oldest, "
            f"{_NOW.format(end='xmax')} AS next FROM ({sizes}) sizes"
        )
        # `xmin` of a frozen row is still that of whoever wrote it, and seems new once in four thousand million transactions:
        # then it is compared once more than is needed. That of a part of a transaction is newer than the transaction's.
        self._changed = {
            name: Sql(
                f"SELECT t.id, e.xmin IS DISTINCT FROM t.xmin AS apart, age(t.xmin) AS age, cast(cast(t.xmin AS text) AS bigint) AS xmin FROM {name} t "
                "LEFT JOIN event_log e ON e.subject = t.id AND e.aggver = t.version "
                "WHERE t.ctid >= cast(cast(:first AS text) AS tid) AND t.ctid < cast(cast(:end AS text) AS tid) "
                "AND age(t.xmin) <= age(cast(cast(:since AS text) AS xid))"
            )
            for name in names
        }

    def measured(self, metrics: Metrics) -> None:
        """Tells the figures that alert rules look at."""
        figures: Mapping[str, tuple[str, Callable[[], float]]] = {
            "avrr_verify_differences": ("rows that are not as the log has them", lambda: self.found.differences),
            "avrr_verify_look_age_seconds": ("since the last look for what was changed", lambda: self._aged(self.found.looked_ago())),
            "avrr_verify_round_seconds": ("how long the last whole round took", lambda: self.found.stands.round_seconds or 0.0),
            "avrr_verify_round_age_seconds": ("since the last whole round ended", lambda: self._aged(self.found.ended_ago())),
            "avrr_verify_waits": ("works of the verification that cannot be done now", lambda: len(self.faults)),
        }
        metrics.told(figures)

    def status(self) -> Mapping[str, object]:
        """What readiness tells of it, which does not depend on it."""
        stands, looked = self.found.stands, self.found.looked_ago()
        return {
            "verify": {
                "differences": self.found.differences, "rounds": stands.rounds, "round_seconds": stands.round_seconds,
                "looked_seconds_ago": None if looked is None or math.isinf(looked) else round(looked, 3), "faults": dict(self.faults),
            }
        }  # fmt: skip

    @contextlib.asynccontextmanager
    async def running(self, keys: PersonKeys) -> AsyncIterator[None]:
        """Verifies while the block runs; ``keys`` open what the rows keep sealed."""
        self.reading.keys = keys
        await self.reading.open()
        works = {"look": (self.look, LOOK_SECONDS), "check": (self.check, LOOK_SECONDS), "round": (self.step, STEP_SECONDS)}
        tasks = [
            asyncio.create_task(self._for_ever(name, work, every), name=f"verifying: {name}")
            for name, (work, every) in works.items()
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.found.ended()
            await self.reading.close()

    def _aged(self, seconds: float | None) -> float:
        """How long ago something was; what never was is as late as this process is old, so that somebody hears of it."""
        return self._elapsed() - self._began if seconds is None else seconds

    async def _for_ever(self, name: str, work: Callable[[], Awaitable[None]], every: float) -> None:
        while True:
            try:
                await work()
                self.faults.pop(name, None)
            except Exception as error:  # noqa: BLE001 -- a verification that ends finds nothing from then on
                fault = type(error).__name__
                if fault != self.faults.get(name):
                    self.faults[name] = fault
                    log.warning("verification_waits", work=name, kind=fault, reason=getattr(error, "reason", None))
                await asyncio.sleep(LOOK_SECONDS)
            await asyncio.sleep(every)

    async def look(self) -> None:
        """Finds every row that was written past the log since the last look, or taken out."""
        taken = await self.found.taken()
        if taken is None:
            return
        late: Late = {}
        await self._compared(await self.found.known(), late)
        sizes = await self._read(lambda unit: unit.rows(self._sizes))
        oldest, following = int(sizes[0]["oldest"]), int(sizes[0]["next"])
        since = oldest if taken.looked_from is None else taken.looked_from
        if since > following or following - since > _FARTHEST:
            # Another server's count, or too long ago: everything may have been changed.
            since = max(following - _FARTHEST, 3)
        others = await self._changed_since(since, {row["name"]: int(row["pages"]) for row in sizes})
        await self._taken_out(late)
        await self.found.looked()
        # Whoever seals all rows anew leaves more than one look compares: the next ones go on, after what is newer.
        waiting = self._apart.following(_MOST)
        for first in range(0, len(waiting), AT_A_TIME):
            some = waiting[first : first + AT_A_TIME]
            await self._compared([id for _, id in some], late)
            if not late:
                self._apart.compared(some)
        await self._compared(others, late)
        _raise_any(late)
        await self.found.looked_until(oldest, waiting=len(self._apart) > 0)

    async def check(self) -> None:
        """Makes every check of what other tables keep of the rows: each over all of it, in one statement, and those by id again of what they found."""
        if await self.found.taken() is None:
            return
        late: Late = {}
        for name, check in self._checks:
            try:
                await self._checked(name, check)
            except (TimeoutError, asyncpg.PostgresError) as error:
                # One that cannot be made now keeps none of the others from its turn.
                late[name] = error
        await self._found_by_id(late)
        _raise_any(late)

    async def step(self) -> None:
        """Compares the next aggregates of a round with their events; after the last there is a pause until the next round.

        Where a check of some could not be made the round goes on past them and does not count: the next one begins at once.
        """
        taken = await self.found.taken()
        began_ago = self.found.began_ago()
        soon = self._rests and began_ago is not None and began_ago < ROUND_SECONDS
        if taken is None or (taken.position is None and soon):
            await asyncio.sleep(LOOK_SECONDS)
            return
        ids: list[UUID] = []

        async def work(unit: UnitOfWork) -> Compared:
            ids.extend(await self._comparison.next_ids(unit, taken.position))
            return await self._comparison.compared(unit, ids)

        late: Late = {}
        async with self._turn:
            compared, took = await self._timed(work)
            await self._noted(ids, compared, late)
        self._left_out = bool(late) or (self._left_out and taken.position is not None)
        if ids or not self._left_out:
            await self.found.walked(ids[-1] if ids else None, first=taken.position is None)
        else:
            await self.found.begins_anew()
        _raise_any(late)
        await self._rested(took, ROUND_SHARE)

    async def _changed_since(self, since: int, pages: Mapping[str, int]) -> list[UUID]:
        """Reads what was changed: what no command wrote waits from then on, and of the rest some are answered."""
        apart: list[Apart] = []
        others: list[UUID] = []
        for name, count in pages.items():
            for first in range(0, count, _PAGES):
                asked = {"first": f"({first},0)", "end": f"({first + _PAGES},0)", "since": str(since % 2**32)}
                rows = await self._read(lambda unit, name=name, asked=asked: unit.rows(self._changed[name], **asked))  # type: ignore[misc]
                found = (Apart(row["age"], row["xmin"], name, row["id"]) for row in rows if row["apart"])
                apart = self._apart.newest((*apart, *found))
                others += [row["id"] for row in rows if not row["apart"]][: _MOST - len(others)]
        self._apart.read(apart)
        return others

    async def _taken_out(self, late: Late) -> None:
        after: UUID | None = None
        while True:
            following, unpaired = await self._read(
                lambda unit, after=after: self._comparison.unpaired(unit, after)  # type: ignore[misc]
            )
            await self._compared(unpaired, late)
            if following is None:
                return
            after = following

    async def _compared(self, ids: Sequence[UUID], late: Late) -> None:
        """Compares these rows with their events; a check of them that cannot be made is ``late``."""
        for first in range(0, len(ids), AT_A_TIME):
            some = ids[first : first + AT_A_TIME]
            async with self._turn:
                compared, took = await self._timed(lambda unit, some=some: self._comparison.compared(unit, some))  # type: ignore[misc]
                await self._noted(some, compared, late)
            await self._rested(took)

    async def _noted(self, ids: Sequence[UUID], compared: Compared, late: Late) -> None:
        """Notes what of these ids differs, by itself and by each check that is made by id, but for those that were ``late`` before."""
        await self.found.rows_compared(ids, compared.differences)
        checks = [(name, check) for name, check in self._by_id if name not in late]
        if not checks or not ids:
            return
        try:
            checked = await self._read(lambda unit: _all_by_id(unit, checks, ids))
        except (TimeoutError, asyncpg.PostgresError):
            for name, check in checks:
                try:
                    await self._checked_of(name, check, ids)
                except (TimeoutError, asyncpg.PostgresError) as error:
                    # One that cannot be made now keeps none of the others from its turn.
                    late[name] = error
            return
        for name, found in checked.items():
            await self.found.checked_of(name, ids, found)

    async def _found_by_id(self, late: Late) -> None:
        """Makes the checks by id again of what they found, since what puts it right may change no row.

        A check by id names ids: whatever else was noted under its name, while it was made otherwise, is gone.
        """
        known = await self.found.known_of([name for name, _ in self._by_id])
        for name, check in self._by_id:
            abouts = known.get(name, ())
            ids = {about: found for about in abouts if (found := _id_of(about)) is not None}
            if others := [about for about in abouts if about not in ids]:
                await self.found.checked_of(name, others, [])
            some = list(ids.values())
            for first in range(0, len(some), AT_A_TIME):
                try:
                    async with self._turn:
                        await self._checked_of(name, check, some[first : first + AT_A_TIME])
                except (TimeoutError, asyncpg.PostgresError) as error:
                    late[name] = error
                    break

    async def _checked_of(self, name: str, check: Sql, ids: Sequence[UUID]) -> None:
        """Makes a check of these ids, and of each alone where the values of one keep it from being answered."""
        try:
            rows = await self._read(lambda unit: unit.rows(check, ids=ids))
        except UNANSWERABLE:
            if len(ids) > 1:
                for id in ids:
                    await self._checked_of(name, check, (id,))
                return
            found = [Difference(name, str(id), "derived") for id in ids]
        else:
            found = _derived(name, rows)
        await self.found.checked_of(name, ids, found)

    async def _checked(self, name: str, check: Sql) -> None:
        try:
            rows = await self._read(lambda unit: unit.rows(check))
        except UNANSWERABLE as error:
            # Something stands in a row, or in the log, with which it cannot be answered.
            await self.found.checked(name, [Difference(name, type(error).__name__, "derived")], whole=False)
        else:
            await self.found.checked(name, _derived(name, rows[:_MOST]), whole=len(rows) <= _MOST)

    async def _read(self, work: Callable[[UnitOfWork], Awaitable[Found]]) -> Found:
        began = self._elapsed()
        try:
            found, _ = await self._timed(work)
        except (TimeoutError, asyncpg.PostgresError):
            # What was read in vain burdened the database as much.
            await self._rested(self._elapsed() - began)
            raise
        await self._rested(self._elapsed() - began)
        return found

    async def _timed(self, work: Callable[[UnitOfWork], Awaitable[Found]]) -> tuple[Found, float]:
        began = self._elapsed()
        try:
            async with self.reading.unit_of_work(self._scope, snapshot=True) as unit:
                await self._revision.holds(unit)
                found = await work(unit)
        except UNANSWERABLE:
            await self._revision.held(self.reading)
            raise
        # A revision that ended meanwhile may have changed the tables under what was read.
        await self._revision.held(self.reading)
        return found, self._elapsed() - began

    async def _rested(self, took: float, share: float = LOOK_SHARE) -> None:
        if self._rests:
            await asyncio.sleep(min(took * (1 / share - 1), _LONGEST_REST))


async def _all_by_id(unit: UnitOfWork, checks: Sequence[tuple[str, Sql]], ids: Sequence[UUID]) -> Mapping[str, Sequence[Difference]]:
    return {name: _derived(name, await unit.rows(check, ids=ids)) for name, check in checks}


def _raise_any(late: Late) -> None:
    for error in late.values():
        raise error


def _id_of(about: str) -> UUID | None:
    """The id that a difference is about; None where it is about something else, such as why a check could not be answered."""
    try:
        return UUID(about)
    except ValueError:
        return None


def _derived(name: str, rows: Sequence[asyncpg.Record]) -> list[Difference]:
    """What a check found, each once."""
    return list(dict.fromkeys(Difference(name, str(row[0]), "derived") for row in rows))
