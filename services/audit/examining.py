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
from services.audit.apart import APART, is_apart, is_tail, parts_of
from services.audit.exceptions import AccountChange, Approval, Found, Seen
from services.audit.repeating import each, waited_out
from services.audit.searching import envelope_of
from shared.db import Database, Scope, Sql, UnitOfWork, Write, WriteConflict
from shared.topology import AUDIT

LOOK_SECONDS: Final = 2.0
AT_A_TIME: Final = 1_000

_BEGIN = Sql("INSERT INTO archive_examined (log, last_idx, rules) VALUES (:log, -1, :rules) ON CONFLICT DO NOTHING")
_PLACE = Sql("SELECT last_idx FROM archive_examined WHERE log = :log AND rules = :rules FOR UPDATE")
_MOVE = Sql("UPDATE archive_examined SET last_idx = :last WHERE log = :log AND rules = :rules")
_ENTRIES = Sql(
    "SELECT idx, id, type, subject, partitionkey, actorid, time, CASE WHEN type = ANY (cast(:kinds AS text[])) THEN leaf END AS leaf "
    "FROM archive_entries WHERE log = :log AND idx > :last AND (NOT cast(:signed_alone AS boolean) OR idx < "
    "(SELECT coalesce(max(size), 0) FROM archive_checkpoints WHERE log = :log AND agrees)) ORDER BY idx LIMIT :limit"
)
_APPROVALS = Sql(
    "SELECT log, idx, id, subject, partitionkey, time FROM archive_entries "
    "WHERE log = ANY (cast(:logs AS text[])) AND partitionkey = ANY (cast(:cases AS uuid[])) AND type = :kind ORDER BY idx"
)
# For whom payments were ordered before, by the grants whose events name them; what they say is looked at where one does.
_PAID_FOR = Sql(
    "SELECT m.about AS payee, m.log AS named_in, m.idx AS named_at, a.log, a.idx, a.id, a.subject, a.partitionkey, a.time FROM archive_mentions m "
    "CROSS JOIN LATERAL (SELECT * FROM archive_entries f WHERE f.log = m.log AND f.idx = m.idx OFFSET 0) e "
    "CROSS JOIN LATERAL (SELECT * FROM archive_entries f WHERE f.subject = e.subject AND f.log = ANY (cast(:logs AS text[])) AND f.type = :kind OFFSET 0) a "
    "WHERE m.about = ANY (cast(:payees AS uuid[])) AND m.log = ANY (cast(:logs AS text[])) AND NOT m.access AND e.type = ANY (cast(:orders AS text[])) "
    "ORDER BY m.idx, a.idx"
)
_CHANGES = Sql(
    "SELECT log, idx, id, subject FROM archive_entries WHERE log = ANY (cast(:logs AS text[])) AND subject = ANY (cast(:payees AS uuid[])) "
    "AND partitionkey = subject AND type = :kind ORDER BY idx"
)
_ORDERS = Sql(
    "SELECT m.about AS payee, e.subject, e.log, e.idx FROM archive_entries e CROSS JOIN LATERAL (SELECT about FROM archive_mentions f "
    "WHERE f.about = ANY (cast(:payees AS uuid[])) AND f.time = e.time AND f.log = e.log AND f.idx = e.idx OFFSET 0) m "
    "WHERE e.log = ANY (cast(:logs AS text[])) AND e.subject = ANY (cast(:grants AS uuid[])) AND e.type = ANY (cast(:orders AS text[])) ORDER BY e.idx"
)
_READER_DAY = Sql(
    "SELECT records FROM archive_reader_days WHERE actorid = :actor AND day = :day AND rules = :rules FOR UPDATE"
)
_KEEP_DAY = Sql(
    "INSERT INTO archive_reader_days (actorid, day, rules, records) VALUES (:actor, :day, :rules, :records) "
    "ON CONFLICT (rules, actorid, day) DO UPDATE SET records = excluded.records"
)
_KEEP = Sql(
    "INSERT INTO archive_exceptions (rules, kind, log, idx, id, time, subject, partitionkey, actorid, beside, number, day) "
    "VALUES (:rules, :kind, :log, :idx, :id, :time, :subject, :partitionkey, :actorid, :beside, :number, :day) ON CONFLICT DO NOTHING"
)
_COUNT = Sql(
    "UPDATE archive_exceptions SET number = :number WHERE kind = 'many_reads' AND actorid = :actor AND day = :day "
    "AND rules = :rules AND number < :number"
)
_SCOPE: Final = Scope(f"service:{AUDIT.name}")

log = structlog.get_logger("examining")


async def examine(database: Database, name: str, zone: ZoneInfo, at_a_time: int = AT_A_TIME, signed_alone: bool = False) -> int:
    """Looks at the next archived entries of a log, in one transaction with how far it came; says how many there were.

    What somebody read counts for them unless nobody signed it. With ``signed_alone`` an entry is looked at once a checkpoint covers it.
    """

    async def work(unit: UnitOfWork) -> int:
        place = await _place(unit, name)
        rows = await unit.rows(_ENTRIES, log=name, last=place, kinds=sorted(exceptions.EXAMINED), limit=at_a_time, signed_alone=signed_alone)
        if not rows:
            return 0
        events = [seen(name, row) for row in rows if row["leaf"] is not None]
        for found in await found_in(unit, name, events, zone):
            keep(unit, zone, found)
            await unit.flush()
        if not is_tail(name):
            await _reads(unit, events, zone)
        unit.write(Write(_MOVE, {"log": name, "last": rows[-1]["idx"], "rules": exceptions.RULES}))
        return len(rows)

    return await database.attempt(_SCOPE, work)


async def found_in(unit: UnitOfWork, name: str, events: Sequence[Seen], zone: ZoneInfo) -> list[Found]:
    """What the rules find in these events of one log, but for how many records somebody was shown on a day.

    Of a log that was set apart from another one, the events are held against what had gone before them there.
    """
    parts = await parts_of(unit, name)
    approvals = await _approvals(unit, parts, events)
    paid_for = await _paid_for(unit, parts, events)
    changes = await _changes(unit, parts, events)
    return [
        found
        for event in events
        for found in exceptions.exceptions_of(
            event, paid_for[event.index] if event.index in paid_for else approvals.get(event.case_id, ()), zone, changes.get(event.index, ())
        )
    ]  # fmt: skip


class Examining:
    """Looks at whatever is archived, round after round; ``fault`` is what kept the latest from it."""

    def __init__(self, database: Database, zone: ZoneInfo) -> None:
        self.fault: str | None = None
        self._database = database
        self._zone = zone

    async def round(self) -> None:
        """Catches up with every log, and with what was set apart from each; how far it came stands beside what it found."""
        with waited_out(self, lambda fault: log.warning("examining_waits", kind=fault)):
            apart = await self._database.attempt(_SCOPE, lambda unit: unit.rows(APART))
            await each((*AUDIT.follows, *(row["log"] for row in apart)), self._catch_up)

    async def _catch_up(self, name: str) -> None:
        # What nobody signed may be set apart within a minute, and would have counted for whom it names by then.
        while await examine(self._database, name, self._zone, signed_alone=not is_apart(name)) == AT_A_TIME:
            pass


async def _place(unit: UnitOfWork, name: str) -> int:
    unit.write(Write(_BEGIN, {"log": name, "rules": exceptions.RULES}, rows=None))
    await unit.flush()
    row = await unit.row(_PLACE, log=name, rules=exceptions.RULES)
    if row is None:
        # It was set apart while this waited for it, with what had been looked at: the next try begins anew.
        raise WriteConflict
    place: int = row["last_idx"]
    return place


def seen(name: str, row: asyncpg.Record) -> Seen:
    """The event of a row of this log."""
    envelope = envelope_of(bytes(row["leaf"]))
    data = envelope.get("data")
    return Seen(
        name, row["idx"], row["id"], row["type"], row["subject"], row["partitionkey"], row["time"], row["actorid"],
        frozenset(str(envelope.get("actorrole", "")).split(",")), data if isinstance(data, dict) else {},
    )  # fmt: skip


async def _approvals(unit: UnitOfWork, parts: Mapping[str, float], events: Sequence[Seen]) -> Mapping[UUID, Sequence[Approval]]:
    cases = {event.case_id for event in events if exceptions.needs_approvals(event)}
    found: dict[UUID, list[Approval]] = defaultdict(list)
    if cases:
        for row in _within(parts, await unit.rows(_APPROVALS, logs=list(parts), cases=list(cases), kind=exceptions.APPROVED)):
            found[row["partitionkey"]].append(_approval(row))
    return found


async def _paid_for(unit: UnitOfWork, parts: Mapping[str, float], events: Sequence[Seen]) -> Mapping[int, Sequence[Approval]]:
    """For each event by which the account of a payee of no case was changed, the approvals of what was to be paid to it before."""
    payees = {event.index: payee for event in events if (payee := exceptions.changes_account(event)) is not None}
    if not payees:
        return {}
    values = {"payees": list(set(payees.values())), "orders": sorted(exceptions.ORDERS), "kind": exceptions.APPROVED}
    rows = _within(parts, await unit.rows(_PAID_FOR, logs=list(parts), **values))
    rows = [row for row in rows if row["named_at"] < parts[row["named_in"]]]
    return {
        index: list(dict.fromkeys(_approval(row) for row in rows if row["payee"] == payee and row["named_at"] < index))
        for index, payee in payees.items()
    }


async def _changes(unit: UnitOfWork, parts: Mapping[str, float], events: Sequence[Seen]) -> Mapping[int, Sequence[AccountChange]]:
    """For each order of a payment the changes of its payee's account, as far as no earlier order of this grant names the payee."""
    orders = {event.index: (event.subject, payee) for event in events if (payee := exceptions.pays_to(event)) is not None}
    payees = list({payee for _, payee in orders.values()})
    if not payees:
        return {}
    changed = _within(parts, await unit.rows(_CHANGES, logs=list(parts), payees=payees, kind=exceptions.ACCOUNT_CHANGED))
    if not changed:
        return {}
    grants = list({grant for grant, _ in orders.values()})
    known = _within(parts, await unit.rows(_ORDERS, logs=list(parts), payees=payees, grants=grants, orders=sorted(exceptions.ORDERS)))
    first: dict[tuple[UUID, UUID], int] = {}
    for row in known:
        first.setdefault((row["subject"], row["payee"]), row["idx"])
    return {
        index: [AccountChange(row["idx"], row["id"], payee) for row in changed if row["subject"] == payee]
        for index, (grant, payee) in orders.items() if first.get((grant, payee)) == index
    }  # fmt: skip


def _within(parts: Mapping[str, float], rows: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
    return [row for row in rows if row["idx"] < parts[row["log"]]]


def _approval(row: asyncpg.Record) -> Approval:
    return Approval(row["idx"], row["id"], row["subject"], row["partitionkey"], row["time"])


async def _reads(unit: UnitOfWork, events: Sequence[Seen], zone: ZoneInfo) -> None:
    by_day: dict[tuple[str, date], list[Seen]] = defaultdict(list)
    for event in events:
        if exceptions.records_read(event):
            by_day[event.actor_id, exceptions.day_of(event.at, zone)].append(event)
    # In one order, so that two processes that examine two logs never wait for each other.
    for (actor, day), read in sorted(by_day.items(), key=lambda one: one[0]):
        row = await unit.row(_READER_DAY, actor=actor, day=day, rules=exceptions.RULES)
        shown, found = exceptions.many_reads(read, row["records"] if row else ())
        about: dict[str, Any] = {"actor": actor, "day": day, "rules": exceptions.RULES}
        unit.write(Write(_KEEP_DAY, {**about, "records": sorted(shown)}))
        if found is not None:
            keep(unit, zone, found)
        elif len(shown) > exceptions.MANY_READS:
            unit.write(Write(_COUNT, {**about, "number": len(shown)}, rows=None))
        await unit.flush()


def keep(unit: UnitOfWork, zone: ZoneInfo, found: Found) -> None:
    """Keeps an exception, once."""
    event = found.event
    values: dict[str, object] = {
        "rules": exceptions.RULES, "kind": found.kind, "log": event.log, "idx": event.index, "id": event.id, "time": event.at,
        "subject": event.subject, "partitionkey": event.case_id, "actorid": event.actor_id, "beside": list(found.beside),
        "number": found.number, "day": exceptions.day_of(event.at, zone),
    }  # fmt: skip
    unit.write(Write(_KEEP, values, rows=None))
