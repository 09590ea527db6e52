"""Walks the archive behind whatever is archived, looks for exceptions, and keeps them where auditors ask for them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import structlog

from services.audit import exceptions
from services.audit.exceptions import Approval, Found, Seen
from services.audit.repeating import each, waited_out
from services.audit.searching import envelope_of
from shared.db import Database, Scope, Sql, UnitOfWork, Write
from shared.topology import AUDIT

LOOK_SECONDS: Final = 2.0
AT_A_TIME: Final = 1_000

_BEGIN = Sql("INSERT INTO archive_examined (log, last_idx, rules) VALUES (:log, -1, :rules) ON CONFLICT DO NOTHING")
_PLACE = Sql("SELECT last_idx, rules FROM archive_examined WHERE log = :log FOR UPDATE")
_MOVE = Sql("UPDATE archive_examined SET last_idx = :last WHERE log = :log")
_OTHER_RULES = Sql("SELECT count(*) AS logs FROM archive_examined WHERE rules <> :rules")
_FORGET = [Sql(f"DELETE FROM {table}") for table in ("archive_exceptions", "archive_reader_days", "archive_examined")]
_ENTRIES = Sql(
    "SELECT idx, id, type, subject, partitionkey, actorid, time, CASE WHEN type = ANY (cast(:kinds AS text[])) THEN leaf END AS leaf "
    "FROM archive_entries WHERE log = :log AND idx > :last ORDER BY idx LIMIT :limit"
)
_APPROVALS = Sql(
    "SELECT idx, id, subject, partitionkey, time FROM archive_entries "
    "WHERE log = :log AND partitionkey = ANY (cast(:cases AS uuid[])) AND type = :kind ORDER BY idx"
)
_READER_DAY = Sql("SELECT records FROM archive_reader_days WHERE actorid = :actor AND day = :day FOR UPDATE")
_KEEP_DAY = Sql(
    "INSERT INTO archive_reader_days (actorid, day, records) VALUES (:actor, :day, :records) "
    "ON CONFLICT (actorid, day) DO UPDATE SET records = excluded.records"
)
_KEEP = Sql(
    "INSERT INTO archive_exceptions (kind, log, idx, id, time, subject, partitionkey, actorid, beside, number, day) "
    "VALUES (:kind, :log, :idx, :id, :time, :subject, :partitionkey, :actorid, :beside, :number, :day) ON CONFLICT DO NOTHING"
)
_COUNT = Sql(
    "UPDATE archive_exceptions SET number = :number WHERE kind = 'many_reads' AND actorid = :actor AND day = :day"
)
_SCOPE: Final = Scope(f"service:{AUDIT.name}")

log = structlog.get_logger("examining")


async def examine(database: Database, name: str, zone: ZoneInfo, at_a_time: int = AT_A_TIME) -> int:
    """Looks at the next archived entries of a log, in one transaction with how far it came; says how many there were."""

    async def work(unit: UnitOfWork) -> int:
        place = await _place(unit, name)
        rows = await unit.rows(_ENTRIES, log=name, last=place, kinds=sorted(exceptions.EXAMINED), limit=at_a_time)
        if not rows:
            return 0
        events = [_seen(name, row) for row in rows if row["leaf"] is not None]
        approvals = await _approvals(unit, name, events)
        for event in events:
            _keep(unit, zone, *exceptions.exceptions_of(event, approvals.get(event.case_id, ()), zone))
            await unit.flush()
        await _reads(unit, events, zone)
        unit.write(Write(_MOVE, {"log": name, "last": rows[-1]["idx"]}))
        return len(rows)

    return await database.attempt(_SCOPE, work)


async def examine_anew(database: Database) -> None:
    """Forgets what other rules than the present ones found, if they did, so that all is looked at again."""

    async def work(unit: UnitOfWork) -> None:
        row = await unit.row(_OTHER_RULES, rules=exceptions.RULES)
        if row is not None and row["logs"]:
            for statement in _FORGET:
                unit.write(Write(statement, {}, rows=None))

    await database.attempt(_SCOPE, work)


class Examining:
    """Looks at whatever is archived, round after round; ``fault`` is what kept the latest from it."""

    def __init__(self, database: Database, zone: ZoneInfo) -> None:
        self.fault: str | None = None
        self._database = database
        self._zone = zone
        self._begun = False

    async def round(self) -> None:
        """Catches up with every log; how far it came stands beside what it found."""
        with waited_out(self, lambda fault: log.warning("examining_waits", kind=fault)):
            if not self._begun:
                await examine_anew(self._database)
                self._begun = True
            await each(AUDIT.follows, self._catch_up)

    async def _catch_up(self, name: str) -> None:
        while await examine(self._database, name, self._zone) == AT_A_TIME:
            pass


async def _place(unit: UnitOfWork, name: str) -> int:
    unit.write(Write(_BEGIN, {"log": name, "rules": exceptions.RULES}, rows=None))
    await unit.flush()
    row = await unit.row(_PLACE, log=name)
    assert row is not None
    place: int = row["last_idx"]
    return place


def _seen(name: str, row: asyncpg.Record) -> Seen:
    envelope = envelope_of(bytes(row["leaf"]))
    data = envelope.get("data")
    return Seen(
        name, row["idx"], row["id"], row["type"], row["subject"], row["partitionkey"], row["time"], row["actorid"],
        frozenset(str(envelope.get("actorrole", "")).split(",")), data if isinstance(data, dict) else {},
    )  # fmt: skip


async def _approvals(unit: UnitOfWork, name: str, events: Sequence[Seen]) -> Mapping[UUID, Sequence[Approval]]:
    cases = {event.case_id for event in events if exceptions.needs_approvals(event)}
    found: dict[UUID, list[Approval]] = defaultdict(list)
    if cases:
        for row in await unit.rows(_APPROVALS, log=name, cases=list(cases), kind=exceptions.APPROVED):
            found[row["partitionkey"]].append(
                Approval(row["idx"], row["id"], row["subject"], row["partitionkey"], row["time"])
            )
    return found


async def _reads(unit: UnitOfWork, events: Sequence[Seen], zone: ZoneInfo) -> None:
    by_day: dict[tuple[str, date], list[Seen]] = defaultdict(list)
    for event in events:
        if exceptions.records_read(event):
            by_day[event.actor_id, exceptions.day_of(event.at, zone)].append(event)
    # In one order, so that two processes that examine two logs never wait for each other.
    for (actor, day), read in sorted(by_day.items(), key=lambda one: one[0]):
        row = await unit.row(_READER_DAY, actor=actor, day=day)
        shown, found = exceptions.many_reads(read, row["records"] if row else ())
        about: dict[str, Any] = {"actor": actor, "day": day}
        unit.write(Write(_KEEP_DAY, {**about, "records": sorted(shown)}))
        if found is not None:
            _keep(unit, zone, found)
        elif len(shown) > exceptions.MANY_READS:
            unit.write(Write(_COUNT, {**about, "number": len(shown)}, rows=None))
        await unit.flush()


def _keep(unit: UnitOfWork, zone: ZoneInfo, *found: Found) -> None:
    for one in found:
        event = one.event
        values: dict[str, object] = {
            "kind": one.kind, "log": event.log, "idx": event.index, "id": event.id, "time": event.at, "subject": event.subject,
            "partitionkey": event.case_id, "actorid": event.actor_id, "beside": list(one.beside), "number": one.number,
            "day": exceptions.day_of(event.at, zone),
        }  # fmt: skip
        unit.write(Write(_KEEP, values, rows=None))
