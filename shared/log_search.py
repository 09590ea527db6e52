"""How a service's log is searched: statements that walk an index whatever they are narrowed by, and what they come upon."""

import csv
import io
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Final, Self
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from shared.db import Database, Scope, Sql, UnitOfWork
from shared.errors import RuleViolation
from shared.leaves import told_by
from shared.moments import EPOCH, MICROSECONDS, from_microseconds, in_microseconds
from shared.plain_cells import plain

# The largest number that the log's index can hold.
MOST_EVENTS: Final = 2**63 - 1
# What one download holds; whoever asks for more is told so, and gets no part that might pass for the whole.
MOST_EXPORTED: Final = 100_000
BATCH: Final = 500
PLACE_PATTERN: Final = f"^{MICROSECONDS}-[0-9]{{1,18}}$"

_AFTER_ALL = datetime(9999, 1, 1, tzinfo=UTC)
_COLUMNS = "e.idx, e.id, e.type, e.subject, e.aggver, e.time, e.leaf, e.leaf_hash"
# A list of one leaves the order to the index that begins with that column, where an equal sign would let the planner
# walk the whole log by time and drop what is not asked for.
_LED: Final[Mapping[str, str]] = {
    "about": "m.about = ANY (ARRAY[cast(:about AS uuid)])", "subject": "e.subject = ANY (ARRAY[cast(:subject AS uuid)])",
    "actor": "e.actorid = ANY (ARRAY[cast(:actor AS text)])", "kind": "e.type = ANY (ARRAY[cast(:kind AS text)])",
}  # fmt: skip
_ORDER: Final[Mapping[str, str]] = {
    "about": "m.about DESC, m.idx DESC", "subject": "e.subject DESC, e.time DESC, e.idx DESC",
    "actor": "e.actorid DESC, e.time DESC, e.idx DESC", "kind": "e.type DESC, e.time DESC, e.idx DESC",
    "": "e.time DESC, e.idx DESC",
}  # fmt: skip
_NARROWED: Final[Mapping[str, str]] = {
    "subject": "e.subject = :subject", "actor": "e.actorid = :actor", "kind": "e.type = :kind"
}

# A leaf is asked for row by row: a join might read all the log beside.
CHAIN = Sql(
    "SELECT m.idx, (SELECT e.leaf FROM event_log e WHERE e.idx = m.idx) AS leaf FROM log_mentions m "
    "WHERE m.about = :about AND m.idx > :after AND m.idx <= :last ORDER BY m.idx LIMIT :limit"
)
CHAIN_LENGTH = Sql(
    "SELECT count(*) AS events, coalesce(max(idx), -1) AS last "
    "FROM (SELECT idx FROM log_mentions WHERE about = ANY (ARRAY[cast(:about AS uuid)]) "
    "ORDER BY about, idx LIMIT :limit) named"
)
ONE = Sql(f"SELECT {_COLUMNS} FROM event_log e WHERE e.id = :id")


class LogEntry(BaseModel):
    """One event as a search shows it: which, of what, when and by whom, and not what it says.

    ``position`` is its place in this service's log, from 0 and without a gap; ``leaf_hash`` the hash under which it
    stands there; ``place`` is what ``after`` takes to go on behind it.
    """

    position: int
    id: UUID
    kind: str
    aggregate: str
    subject: UUID
    aggregate_version: int
    recorded_at: datetime
    actor_role: str
    actor_id: str
    correlation_id: str | None
    causation_id: UUID | None
    leaf_hash: str
    place: str

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        """The entry of a row that a search found."""
        told = told_by(row["leaf"])
        return cls(
            position=row["idx"], id=row["id"], kind=row["type"], aggregate=_aggregate_of(row["type"]),
            subject=row["subject"], aggregate_version=row["aggver"], recorded_at=row["time"],
            actor_role=told.get("actorrole", ""), actor_id=told.get("actorid", ""),
            correlation_id=told.get("correlationid"), causation_id=told.get("causationid"),
            leaf_hash=row["leaf_hash"].hex(), place=str(Place(row["time"], row["idx"])),
        )  # fmt: skip


class LoggedEvent(BaseModel):
    """One event whole: SHA-256 of a zero byte and the UTF-8 bytes of ``leaf`` is ``leaf_hash``."""

    position: int
    leaf_hash: str
    leaf: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events somebody asks for: those to which everything that is stated here applies.

    ``about`` is an id that an event names anywhere in it; ``since`` is included in the time, ``until`` is not.
    """

    kind: str | None = None
    subject: UUID | None = None
    about: UUID | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def values(self) -> dict[str, object]:
        """The filters that are stated."""
        found = {"kind": self.kind, "subject": self.subject, "about": self.about, "actor": self.actor}
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Place:
    """A place between two events of a list that goes backwards: behind it comes what is older than this."""

    time: datetime
    index: int

    @classmethod
    def read(cls, text: str) -> Self:
        """The place that a page was said to end at; the text has the form of `PLACE_PATTERN`."""
        microseconds, _, index = text.partition("-")
        return cls(from_microseconds(microseconds), int(index))

    def __str__(self) -> str:
        return f"{in_microseconds(self.time)}-{self.index}"


NEWEST: Final = Place(_AFTER_ALL, MOST_EVENTS)


@cache
def search(names: frozenset[str]) -> Sql:
    """The statement of a search that is narrowed by these of kind, subject, about and actor, newest first."""
    return Sql(f"SELECT {_COLUMNS} {_found(names)}")


@cache
def count(names: frozenset[str]) -> Sql:
    """How many a search comes upon, as far as its limit, and the place of the newest of them in the log."""
    return Sql(f"SELECT count(*) AS events, coalesce(max(idx), -1) AS last FROM (SELECT e.idx {_found(names)}) selected")


def _found(names: frozenset[str]) -> str:
    led = next((name for name in _LED if name in names), "")
    narrowed = [_LED[led]] if led else []
    narrowed += [condition for name, condition in _NARROWED.items() if name in names and name != led]
    if led == "about":
        # What names an id is walked in the order of the log, which is that of time but for moments.
        narrowed += ["m.idx < :before_index", "m.idx <= :last", "e.time < :until"]
        rows = "log_mentions m JOIN event_log e ON e.idx = m.idx"
    else:
        narrowed += ["(e.time, e.idx) < (:before, :before_index)", "e.idx <= :last"]
        rows = "event_log e"
    return f"FROM {rows} WHERE {' AND '.join(narrowed)} AND e.time >= :since ORDER BY {_ORDER[led]} LIMIT :limit"


def asked(selection: Selection, place: Place, limit: int, last: int = MOST_EVENTS) -> dict[str, object]:
    """The values of a search's statement: what is selected, older than a place, and not newer than a last index."""
    until = selection.until or _AFTER_ALL
    before, index = (until, -1) if selection.until is not None and until <= place.time else (place.time, place.index)
    values = {
        **selection.values(), "since": selection.since or EPOCH, "until": until, "last": last, "limit": limit,
        "before": before, "before_index": place.index if selection.about is not None else index,
    }  # fmt: skip
    return values


async def exported(
    database: Database, scope: Scope, selection: Selection, last: int, how_many: int
) -> AsyncIterator[Sequence[asyncpg.Record]]:
    """The rows of a selection in batches, newest first: as many as were counted, whatever came since."""
    place, left = NEWEST, how_many
    statement = search(frozenset(selection.values()))
    while left > 0:
        async with database.unit_of_work(scope) as unit:
            rows = await unit.rows(statement, **asked(selection, place, min(BATCH, left), last))
        if not rows:
            return
        yield rows
        place, left = Place(rows[-1]["time"], rows[-1]["idx"]), left - len(rows)


async def chained(
    database: Database, scope: Scope, about: UUID, last: int
) -> AsyncIterator[Sequence[asyncpg.Record]]:
    """The leaves that name an id, in batches, in the order of the log and as far as an index."""
    after = -1
    while True:
        async with database.unit_of_work(scope) as unit:
            rows = await unit.rows(CHAIN, about=about, after=after, last=last, limit=BATCH)
        if not rows:
            return
        yield rows
        after = rows[-1]["idx"]


async def counted(unit: UnitOfWork, selection: Selection, most: int = MOST_EXPORTED) -> tuple[int, int]:
    """How many events a selection has and the last index among them; more than ``most`` is ``too_many_events``."""
    statement = count(frozenset(selection.values()))
    row = await unit.row(statement, **asked(selection, NEWEST, most + 1))
    return _within(row, most)


async def counted_chain(unit: UnitOfWork, about: UUID, most: int = MOST_EXPORTED) -> tuple[int, int]:
    """How many events name an id and the last index among them; more than ``most`` is ``too_many_events``."""
    return _within(await unit.row(CHAIN_LENGTH, about=about, limit=most + 1), most)


def _within(row: asyncpg.Record | None, most: int) -> tuple[int, int]:
    assert row is not None
    if row["events"] > most:
        raise RuleViolation("too_many_events", "These are more events than one download holds. Narrow what you ask for.")
    return row["events"], row["last"]


def lines(rows: Iterable[asyncpg.Record]) -> bytes:
    """The leaves of rows as they are logged, one a line."""
    return b"".join(bytes(row["leaf"]) + b"\n" for row in rows)


CSV_HEAD: Final = (
    "service", "position", "recorded_at", "kind", "event_id", "aggregate", "subject", "aggregate_version", "actor_role",
    "actor_id", "correlation_id", "causation_id", "leaf_hash", "data",
)  # fmt: skip


def table_of(service: str, rows: Iterable[asyncpg.Record]) -> bytes:
    """Rows as lines of CSV (RFC 4180) below `CSV_HEAD`; `cell` says how their texts are kept from being formulas."""
    found: list[Sequence[object]] = []
    for row in rows:
        one = LogEntry.of(row)
        data = json.dumps(told_by(row["leaf"]).get("data", {}), ensure_ascii=False, separators=(",", ":"))
        found.append(
            (
                service, one.position, one.recorded_at.isoformat().replace("+00:00", "Z"), one.kind, one.id, one.aggregate,
                one.subject, one.aggregate_version, one.actor_role, one.actor_id, one.correlation_id, one.causation_id,
                one.leaf_hash, data,
            )
        )  # fmt: skip
    return csv_lines(found)


def csv_lines(rows: Iterable[Sequence[object]]) -> bytes:
    """These rows as CSV."""
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([cell(value) for value in row])
    return text.getvalue().encode()


def cell(value: object) -> str:
    """A value as a cell; a spreadsheet takes what begins with = + - @ for a formula, so such a text gets an apostrophe."""
    return plain(value) if isinstance(value, str) else "" if value is None else str(value)


def _aggregate_of(kind: str) -> str:
    parts = kind.split(".")
    return parts[2] if len(parts) > 2 else ""
