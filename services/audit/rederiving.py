"""Exceptions found anew out of the archived bytes, in the archive's round over itself: one that was kept back is named."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import asyncpg
import structlog

from services.audit import exceptions
from services.audit.examining import found_in, keep, seen
from services.audit.exceptions import Found, Seen
from services.audit.findings import Difference, note
from shared.db import Database, Scope, Sql, UnitOfWork, Write
from shared.topology import AUDIT

_PLACES = Sql("SELECT log, last_idx FROM archive_examined WHERE rules = :rules")
_ENTRIES = Sql(
    "SELECT log, idx, id, type, subject, partitionkey, actorid, time, leaf FROM archive_entries "
    "WHERE log = :log AND idx >= :first AND idx < :end AND type = ANY (cast(:kinds AS text[])) ORDER BY idx"
)
_KEPT = Sql(
    "SELECT kind, idx, beside, actorid, day FROM archive_exceptions WHERE rules = :rules AND log = :log AND idx >= :first AND idx < :end "
    "AND kind = ANY (cast(:kinds AS text[]))"
)
# The last of each person's readings of a day in one log: the whole day is counted once a round, where that one stands.
_LAST = Sql(
    "SELECT d.actorid, d.day, l.idx FROM unnest(cast(:actors AS text[]), cast(:days AS date[]), cast(:begins AS timestamptz[]), "
    "cast(:ends AS timestamptz[])) d(actorid, day, begins, ends) CROSS JOIN LATERAL (SELECT max(e.idx) AS idx FROM archive_entries e "
    "WHERE e.actorid = d.actorid AND e.type = ANY (cast(:kinds AS text[])) AND e.time >= d.begins AND e.time < d.ends AND e.log = :log) l"
)
# What nobody signed counts for nobody.
_DAY = Sql(
    "SELECT log, idx, id, type, subject, partitionkey, actorid, time, leaf FROM archive_entries WHERE actorid = :actor "
    "AND type = ANY (cast(:kinds AS text[])) AND time >= :begins AND time < :ends AND strpos(log, '.t') = 0 ORDER BY time, log, idx"
)
_COUNTED = Sql(
    "SELECT log, idx, number FROM archive_exceptions WHERE rules = :rules AND kind = 'many_reads' AND actorid = :actor AND day = :day "
    "ORDER BY log, idx"
)
_COUNT = Sql(
    "UPDATE archive_exceptions SET number = :number WHERE rules = :rules AND kind = 'many_reads' AND log = :log AND idx = :idx "
    "AND number < :number"
)
_SCOPE: Final = Scope(f"service:{AUDIT.name}")

log = structlog.get_logger("rederiving")


@dataclass(frozen=True, slots=True)
class _Day:
    """What one person read on one of the mission's days."""

    actor_id: str
    day: date
    begins: datetime
    ends: datetime


def _wrong(idx: int, mark: str | None) -> Difference:
    return Difference("exception", idx, idx, mark)


class Rederiving:
    """Holds what is kept of exceptions against what the same rules find in the same entries."""

    def __init__(self, database: Database, zone: ZoneInfo) -> None:
        self._database = database
        self._zone = zone

    async def look(self, name: str, first: int, end: int) -> None:
        """Finds anew what was to be found in these entries, before ``end``, as far as they were looked at.

        What is not kept was taken out, or the place was set past it; what is kept and is none was put in. Either is noted
        as ``exception`` of the entry, and what is missing is kept again.
        """
        for one in await self._database.attempt(_SCOPE, lambda unit: self._looked(unit, name, first, end)):
            log.error("exception_not_as_found", source=name, kind=one.kind, first=one.first)

    async def _looked(self, unit: UnitOfWork, name: str, first: int, end: int) -> list[Difference]:
        places = {row["log"]: row["last_idx"] for row in await unit.rows(_PLACES, rules=exceptions.RULES)}
        end = min(end, places.get(name, -1) + 1)
        if first >= end:
            return []
        rows = await unit.rows(_ENTRIES, log=name, first=first, end=end, kinds=sorted(exceptions.EXAMINED))
        events = [seen(name, row) for row in rows]
        asked: dict[str, object] = {"rules": exceptions.RULES, "log": name, "first": first, "end": end, "kinds": list(exceptions.KINDS)}
        kept = await unit.rows(_KEPT, **asked)
        wrong = [
            *await self._of_events(unit, name, events, [row for row in kept if row["kind"] != "many_reads"]),
            *await self._of_days(unit, name, (first, end), events, places, [row for row in kept if row["kind"] == "many_reads"]),
        ]
        await note(unit, name, wrong)
        return sorted(set(wrong), key=lambda one: one.first)

    async def _of_events(
        self, unit: UnitOfWork, name: str, events: Sequence[Seen], kept: Sequence[asyncpg.Record]
    ) -> list[Difference]:
        derived = {(one.kind, one.event.index): one for one in await found_in(unit, name, events, self._zone)}
        held = {(row["kind"], row["idx"]): set(row["beside"]) for row in kept}
        for key in derived.keys() - held.keys():
            await self._keep(unit, derived[key])
        as_found = {key: set(one.beside) for key, one in derived.items()}
        # One that was missing is kept again, and another one if it is missing again; what was put in stays, the same at each look.
        return [
            _wrong(key[1], f"{key[0]} {sorted(map(str, held[key]))}" if key in held else None)
            for key in derived.keys() | held.keys() if as_found.get(key) != held.get(key)
        ]  # fmt: skip

    async def _of_days(
        self, unit: UnitOfWork, name: str, bounds: tuple[int, int], events: Iterable[Seen], places: dict[str, int],
        kept: Sequence[asyncpg.Record],
    ) -> list[Difference]:  # fmt: skip
        read = {(one.actor_id, exceptions.day_of(one.at, self._zone)) for one in events if exceptions.records_read(one)}
        days = [self._bounds(*one) for one in sorted(read)]
        # Of whom nothing is told that day is looked at as well, for where one is kept of them it was put in.
        wanted = {(row["actorid"], row["day"]): self._bounds(row["actorid"], row["day"]) for row in kept}
        if days:
            columns = {
                "actors": [one.actor_id for one in days], "days": [one.day for one in days], "begins": [one.begins for one in days],
                "ends": [one.ends for one in days],
            }  # fmt: skip
            for row in await unit.rows(_LAST, log=name, kinds=sorted(exceptions.READS), **columns):
                if row["idx"] is not None and row["idx"] < bounds[1]:
                    wanted[row["actorid"], row["day"]] = self._bounds(row["actorid"], row["day"])
        wrong: list[Difference] = []
        for day in wanted.values():
            wrong += await self._of_day(unit, name, day, places, bounds)
        return wrong

    async def _of_day(
        self, unit: UnitOfWork, name: str, day: _Day, places: dict[str, int], bounds: tuple[int, int]
    ) -> list[Difference]:
        about: dict[str, object] = {"rules": exceptions.RULES, "actor": day.actor_id, "day": day.day}
        # Before the entries: what is archived and counted in between is then among these, and not only in the count.
        kept = await unit.rows(_COUNTED, **about)
        rows = await unit.rows(_DAY, actor=day.actor_id, kinds=sorted(exceptions.READS), begins=day.begins, ends=day.ends)
        if any(row["idx"] > places.get(row["log"], -1) for row in rows):
            # Not all of it was looked at yet.
            return []
        events = [seen(row["log"], row) for row in rows]
        shown, found = exceptions.many_reads(events, ())
        if found is None:
            return [_wrong(row["idx"], "many_reads") for row in kept if row["log"] == name and bounds[0] <= row["idx"] < bounds[1]]
        if [row["number"] for row in kept] == [len(shown)]:
            return []
        if not kept:
            await self._keep(unit, found)
        for row in kept:
            unit.write(Write(_COUNT, {"number": len(shown), "rules": exceptions.RULES, "log": row["log"], "idx": row["idx"]}, rows=None))
            await unit.flush()
        here = [event.index for event in events if event.log == name]
        # A number is put right upwards alone.
        stays = len(kept) > 1 or any(row["number"] > len(shown) for row in kept)
        mark = " ".join(f"{row['log']}:{row['idx']}" for row in kept) + (f" {kept[0]['number']}" if len(kept) == 1 else "")
        return [_wrong(found.event.index if found.event.log == name else here[-1], f"many_reads {mark}" if stays else None)]

    async def _keep(self, unit: UnitOfWork, found: Found) -> None:
        keep(unit, self._zone, found)
        await unit.flush()

    def _bounds(self, actor_id: str, day: date) -> _Day:
        midnight = datetime.combine(day, time(), self._zone)
        return _Day(actor_id, day, midnight, datetime.combine(day + timedelta(days=1), time(), self._zone))
