"""How the archive is searched over all logs: statements that walk an index whatever they are narrowed by, newest first."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, Self
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.audit.apart import LOG_PATTERN, is_apart
from shared.db import Sql
from shared.log_search import MOST_EVENTS
from shared.moments import EPOCH, MICROSECONDS, from_microseconds, in_microseconds
from shared.topology import SERVICES

PLACE_PATTERN: Final = f"^{MICROSECONDS}-{LOG_PATTERN}-[0-9]{{1,18}}$"

# A leaf holds some 800 ids; who is not among so many of a page is found by a search for them, which names them.
MOST_SHOWN: Final = 400
# By which names an event names persons, and what is recorded of one.
_OF_PERSONS: Final = ("person_id", "person_ids", "principal_id")
_ABOUT_PERSONS: Final = tuple(f"avrr.{service.name}.person." for service in SERVICES)
# A type is avrr.<service>.<aggregate>.<event>.v<number>.
_DOTS: Final = 4
_AFTER_ALL = datetime(9999, 1, 1, tzinfo=UTC)
COLUMNS = "e.log, e.idx, e.id, e.type, e.subject, e.partitionkey, e.actorid, e.time, e.reason, e.leaf, e.leaf_hash"
# By what a search is led, the narrowest first; a list of one leaves the order to the index that begins with that column.
_LED: Final[Mapping[str, tuple[str, str]]] = {
    "about": ("about", "uuid"), "subject": ("subject", "uuid"), "case": ("partitionkey", "uuid"), "actor": ("actorid", "text"),
    "reason": ("reason", "text"), "kind": ("type", "text"), "log": ("log", "text"),
}  # fmt: skip

# What the index of mentions holds besides: it leaves out what is not asked for before any entry is read.
_MENTIONED_WITH: Final = ("kind", "log")

# An entry is asked for row by row: a join might read all of them beside.
MENTIONED = (
    "archive_mentions m CROSS JOIN LATERAL "
    "(SELECT * FROM archive_entries f WHERE f.log = m.log AND f.idx = m.idx OFFSET 0) e"
)

# One id in several logs, or twice in one, is something wrong: of so many each is told, and none stands for the others.
MOST_OF_AN_ID: Final = 10
# What was set apart stands behind everything else, so that however much of it has one id it hides none that is in a log.
SET_APART_LAST: Final = "strpos(e.log, '.') > 0, e.log, e.idx"
OF_ID = Sql(f"SELECT {COLUMNS} FROM archive_entries e WHERE e.id = :id ORDER BY {SET_APART_LAST} LIMIT {MOST_OF_AN_ID}")
ONE = Sql(
    f"SELECT {COLUMNS} FROM archive_entries e WHERE e.id = :id AND (cast(:log AS text) IS NULL OR e.log = :log) "
    f"AND (cast(:position AS bigint) IS NULL OR e.idx = :position) ORDER BY {SET_APART_LAST} LIMIT 1"
)
BUNDLE = Sql("SELECT leaf FROM archive_entries WHERE log = :log AND idx >= :first AND idx < :end ORDER BY idx")


class ArchivedEntry(BaseModel):
    """One event as a search of the archive shows it: whose log, which, of what, when, by whom and why; not what it says.

    ``aggregate`` is what kind of thing it is of, ``actor_role`` in which roles it was done; ``position`` is its index in its log; ``case_id`` the case or person whose chain it belongs to; ``place`` is what
    ``after`` takes to go on behind it. ``lost`` is one that its log has not: a restore took it out, which two persons accepted, or nobody ever signed it and the log
    was signed with another in its place (``log`` has a ``.t`` in it then).
    """

    log: str
    lost: bool
    position: int
    id: UUID
    kind: str
    aggregate: str
    subject: UUID
    case_id: UUID
    recorded_at: datetime
    actor_id: str
    actor_role: str
    reason: str | None
    leaf_hash: str
    place: str

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        """The entry of a row that a search found."""
        return cls(
            log=row["log"], lost=is_apart(row["log"]), position=row["idx"], id=row["id"], kind=row["type"], aggregate=aggregate_of(row["type"]),
            subject=row["subject"], case_id=row["partitionkey"], recorded_at=row["time"], actor_id=row["actorid"],
            actor_role=str(envelope_of(bytes(row["leaf"])).get("actorrole", "")), reason=row["reason"],
            leaf_hash=row["leaf_hash"].hex(), place=str(Place(row["time"], row["log"], row["idx"])),
        )  # fmt: skip


class Standing(BaseModel):
    """Where an event stands: in which log, at which index."""

    log: str
    position: int


class ArchivedEvent(BaseModel):
    """One event whole, as it was archived: SHA-256 of a zero byte and the UTF-8 bytes of ``leaf`` is ``leaf_hash``.

    ``checkpoint_size`` is the size of the latest checkpoint that covers it, None as long as none does. ``also`` are the places
    of other events with the same id, of which there is none where nothing is wrong.
    """

    log: str
    lost: bool
    position: int
    leaf_hash: str
    leaf: str
    checkpoint_size: int | None
    also: list[Standing]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which events somebody asks the archive for: those to which everything that is stated here applies.

    ``about`` is an id that an event names anywhere in it.
    """

    log: str | None = None
    kind: str | None = None
    subject: UUID | None = None
    case: UUID | None = None
    actor: str | None = None
    reason: str | None = None
    about: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def values(self) -> dict[str, object]:
        """The filters that are stated."""
        return {name: value for name in _LED if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, slots=True)
class Place:
    """A place between two events of all logs that goes backwards: behind it comes what is older than this."""

    time: datetime
    log: str
    index: int

    @classmethod
    def read(cls, text: str) -> Self:
        """The place that a page was said to end at; the text has the form of `PLACE_PATTERN`."""
        microseconds, log, index = text.split("-")
        return cls(from_microseconds(microseconds), log, int(index))

    def __str__(self) -> str:
        return f"{in_microseconds(self.time)}-{self.log}-{self.index}"


NEWEST: Final = Place(_AFTER_ALL, "", MOST_EVENTS)


@cache
def search(names: frozenset[str]) -> Sql:
    """The statement of a search that is narrowed by these filters, newest first."""
    led = next((name for name in _LED if name in names), "")
    walked, entries = ("m", MENTIONED) if led == "about" else ("e", "archive_entries e")
    where = []
    for name, (column, type) in _LED.items():
        if name == led:
            where.append(f"{walked}.{column} = ANY (ARRAY[cast(:{name} AS {type})])")
        elif name in names:
            where.append(f"e.{column} = :{name}")
            if led == "about" and name in _MENTIONED_WITH:
                where.append(f"m.{column} = :{name}")
    # Its own log orders what one log told at one moment, so that there the index needs no more than that.
    place, order = older(walked), newest_first(walked)
    if led == "log":
        place, order = "(e.time, e.idx) < (:before, :before_index) AND e.time >= :since", "e.time DESC, e.idx DESC"
    leading = f"{walked}.{_LED[led][0]} DESC, " if led else ""
    return Sql(f"SELECT {COLUMNS} FROM {entries} WHERE {' AND '.join((*where, place))} ORDER BY {leading}{order} LIMIT :limit")


def older(table: str) -> str:
    """The condition that keeps what is older than a place, and not older than the period that is asked for."""
    return (
        f"({table}.time, {table}.log, {table}.idx) < (:before, cast(:before_log AS text), :before_index) "
        f"AND {table}.time >= :since"
    )


def newest_first(table: str) -> str:
    """The order of every list of the archive; log and index tell apart what came at one moment."""
    return f"{table}.time DESC, {table}.log DESC, {table}.idx DESC"


def values_of(asked: Asked, place: Place, limit: int) -> dict[str, Any]:
    """The values of a search's statement: what is selected, and older than a place."""
    if asked.until is not None and asked.until <= place.time:
        place = Place(asked.until, "", -1)
    return {
        **asked.values(), "since": asked.since or EPOCH, "before": place.time, "before_log": place.log,
        "before_index": place.index, "limit": limit,
    }  # fmt: skip


def envelope_of(leaf: bytes) -> dict[str, Any]:
    """What stands in the envelope, nothing where the bytes are none."""
    try:
        said = json.loads(leaf)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def aggregate_of(kind: str) -> str:
    """What kind of thing an event of this type is of, empty where the type has none of our forms."""
    return kind.split(".")[2] if kind.count(".") == _DOTS else ""


def id_of(value: object) -> UUID | None:
    """The id that stands here, None where none does."""
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def persons_in(*leaves: bytes) -> tuple[UUID, ...]:
    """The persons whom these events name, each once and as many as one record of a reading holds."""
    return all_persons_in(*leaves)[:MOST_SHOWN]


def all_persons_in(*leaves: bytes) -> tuple[UUID, ...]:
    """The persons whom these events name, each once."""
    found: dict[UUID, None] = {}
    waiting: list[Any] = [envelope_of(leaf) for leaf in leaves]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            stated = [one for name in _OF_PERSONS for one in _listed(value.get(name))]
            # What is recorded of a person has them as its subject.
            if str(value.get("type")).startswith(_ABOUT_PERSONS):
                stated.append(value.get("subject"))
            found |= dict.fromkeys(id for one in stated if (id := id_of(one)) is not None)
            waiting += value.values()
    return tuple(found)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]
