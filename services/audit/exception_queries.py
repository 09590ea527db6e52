"""How exceptions are asked for: by kind, by whom, by case and by period, newest first, each with the events that belong to it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final, Self
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.audit import exceptions
from services.audit.apart import is_apart
from services.audit.exceptions import ExceptionKind
from services.audit.searching import COLUMNS, NEWEST, PLACE_PATTERN, ArchivedEntry, Place
from shared.db import Sql
from shared.moments import EPOCH
from shared.settings import MISSION

EXCEPTION_PLACE: Final = f"{PLACE_PATTERN.removesuffix('$')}-[a-z_]{{1,32}}$"

_LED: Final[Mapping[str, tuple[str, str]]] = {
    "case": ("partitionkey", "uuid"), "actor": ("actorid", "text"), "kind": ("kind", "text"),
}  # fmt: skip
_ENTRY: Final = "SELECT * FROM archive_entries f WHERE f.log = x.log AND f.idx = x.idx OFFSET 0"
BESIDE = Sql(f"SELECT {COLUMNS} FROM archive_entries e WHERE e.id = ANY (cast(:ids AS uuid[])) ORDER BY e.log, e.idx")
# Of how many archived entries of each log, and of what was set apart from it, nobody knows yet whether there is something to look
# at. What was set apart begins behind what was kept.
WAITING = Sql(
    "SELECT l.log, coalesce((SELECT max(e.idx) FROM archive_entries e WHERE e.log = l.log), -1) - greatest(coalesce(x.last_idx, -1), "
    "coalesce((SELECT min(e.idx) FROM archive_entries e WHERE e.log = l.log), 0) - 1) AS waiting "
    "FROM (SELECT unnest(cast(:logs AS text[])) UNION ALL SELECT b.log || '.' || (b.generation - 1) FROM archive_breaks b "
    "WHERE b.log = ANY (cast(:logs AS text[])) UNION ALL SELECT t.log || '.t' || t.number FROM archive_tails t "
    "WHERE t.log = ANY (cast(:logs AS text[]))) l(log) LEFT JOIN archive_examined x ON x.log = l.log AND x.rules = :rules"
)


class ArchivedException(BaseModel):
    """One event that somebody should look at and why, with what belongs to it: the approvals that it is held against.

    ``number`` is how many records were shown, where there were too many.
    """

    kind: ExceptionKind
    entry: ArchivedEntry
    beside: list[ArchivedEntry]
    number: int | None


class ExceptionRules(BaseModel):
    """By what exceptions are found: beyond so many records a day, outside of these hours (such as 07:00) and days (such as mon)."""

    many_reads: int
    working_from: str
    working_until: str
    working_days: list[str]
    time_zone: str

    @classmethod
    def present(cls, time_zone: str) -> Self:
        """Those that hold now."""
        return cls(
            many_reads=MISSION.many_reads, working_from=f"{MISSION.office_opens:%H:%M}",
            working_until=f"{MISSION.office_closes:%H:%M}", working_days=list(MISSION.office_days), time_zone=time_zone,
        )  # fmt: skip


class FoundExceptions(BaseModel):
    """One page of exceptions, newest first; ``waiting`` archived entries were not looked at yet."""

    items: list[ArchivedException]
    next: str | None
    waiting: int
    rules: ExceptionRules


@dataclass(frozen=True, slots=True)
class AskedFor:
    """Which exceptions somebody asks for: those to which everything that is stated here applies."""

    kind: ExceptionKind | None = None
    actor: str | None = None
    case: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def names(self) -> frozenset[str]:
        """The filters that are stated."""
        return frozenset(name for name in _LED if getattr(self, name) is not None)


@cache
def search(names: frozenset[str]) -> Sql:
    """The statement that finds exceptions narrowed by these filters."""
    led = next((name for name in _LED if name in names), "")
    where = [
        f"x.{column} = ANY (ARRAY[cast(:{name} AS {type})])" if name == led else f"x.{column} = :{name}"
        for name, (column, type) in _LED.items() if name in names
    ]  # fmt: skip
    where += [
        "x.rules = :rules",
        "(x.time, x.log, x.idx, x.kind) < (:before, cast(:before_log AS text), :before_index, cast(:before_kind AS text))",
        "x.time >= :since",
    ]
    order = "x.time DESC, x.log DESC, x.idx DESC, x.kind DESC"
    if led == "kind":
        # Of one kind there is one of each event, so that the index needs no more than that.
        where[-2] = "(x.time, x.log, x.idx) < (:before, cast(:before_log AS text), :before_index)"
        order = "x.time DESC, x.log DESC, x.idx DESC"
    leading = f"x.{_LED[led][0]} DESC, " if led else ""
    return Sql(
        f"SELECT {COLUMNS}, x.kind, x.beside, x.number FROM archive_exceptions x CROSS JOIN LATERAL ({_ENTRY}) e "
        f"WHERE {' AND '.join(where)} ORDER BY {leading}{order} LIMIT :limit"
    )


def values_of(asked: AskedFor, after: str | None, limit: int) -> dict[str, Any]:
    """The values of a search's statement; ``after`` has the form of `EXCEPTION_PLACE`."""
    place, kind = NEWEST, ""
    if after is not None:
        text, _, kind = after.rpartition("-")
        place = Place.read(text)
    if asked.until is not None and asked.until <= place.time:
        place, kind = Place(asked.until, "", -1), ""
    stated = {name: getattr(asked, name) for name in asked.names()}
    return {
        **stated, "rules": exceptions.RULES, "since": asked.since or EPOCH, "before": place.time, "before_log": place.log,
        "before_index": place.index, "before_kind": kind, "limit": limit,
    }  # fmt: skip


def found(rows: Sequence[asyncpg.Record], beside: Iterable[asyncpg.Record]) -> list[ArchivedException]:
    """The exceptions of these rows, with what belongs to them among the rows of `BESIDE`."""
    # What was set apart with the id of an entry stands for it only where no log has it.
    known = {row["id"]: ArchivedEntry.of(row) for row in sorted(beside, key=lambda row: not is_apart(row["log"]))}
    return [
        ArchivedException(
            kind=row["kind"], entry=ArchivedEntry.of(row), beside=[known[id] for id in row["beside"] if id in known],
            number=row["number"],
        )
        for row in rows
    ]  # fmt: skip


def beside_of(rows: Sequence[asyncpg.Record]) -> list[UUID]:
    """The ids of what belongs to these exceptions."""
    return list({id for row in rows for id in row["beside"]})


def place_of(one: ArchivedException) -> str:
    """What ``after`` takes to go on behind this."""
    return f"{one.entry.place}-{one.kind}"
