"""Everything that a service holds about one person, for that person: each row and each event, and who looked at them.

Nothing of it is listed by hand. The service's own tables are walked, so that a new column is told by itself and a new
table has to say how it is told or why not; ``tests/unit/shared/test_held_tables.py`` holds every service to that. What
names somebody else is replaced by a word (`shared.masking`).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel, JsonValue

from shared.aggregate import IN_CLEAR, AnyAggregate
from shared.db import Sql, UnitOfWork
from shared.errors import RuleViolation
from shared.ledger import opened_disclosure, rows_of
from shared.masking import Whose, disclosed, is_of_another, kept_back_of, masked, naming, without_kept_back
from shared.messages import Event
from shared.parting import Partings, names_nobody, names_them
from shared.private import PersonKey, PersonKeys, Unsealed

# Nobody's life among us has so many entries; whoever's had would be told a part as if it were the whole.
MOST_ENTRIES: Final = 20_000

Row = Mapping[str, Any]
Opens = Callable[[PersonKey, Row], Mapping[str, JsonValue]]

# What somebody was part of until they parted from the others, and up to where in the log.
_LEFT: Final = "unnest(cast(:left AS uuid[]), cast(:until AS bigint[])) AS l(subject, idx)"
_ACCESS: Final = "e.type LIKE 'avrr.%.access.%'"
# What began or changed by an event that names the person. Whose it is, its row tells.
_NAMED = Sql(
    "SELECT DISTINCT e.subject FROM log_mentions m JOIN event_log e ON e.idx = m.idx "
    f"WHERE m.about = :person_id AND NOT {_ACCESS}"
)
_HISTORY = Sql(
    f"SELECT e.id, e.leaf, coalesce(e.subject = ANY (cast(:own AS uuid[])) OR e.idx <= l.idx, false) AS whole "
    f"FROM event_log e LEFT JOIN {_LEFT} ON l.subject = e.subject "
    f"WHERE (e.subject = ANY (cast(:own AS uuid[])) OR e.idx <= l.idx OR (e.subject = ANY (cast(:beside AS uuid[])) "
    f"AND e.idx IN (SELECT m.idx FROM log_mentions m WHERE m.about = :person_id))) AND NOT {_ACCESS} "
    "ORDER BY e.idx LIMIT :limit"
)
_CONCEALED = Sql("SELECT event_id, path, value FROM concealed_in(cast(:events AS uuid[]))")
_READ = Sql(
    "SELECT e.leaf FROM event_log e WHERE e.idx IN (SELECT m.idx FROM log_mentions m "
    f"LEFT JOIN {_LEFT} ON l.subject = m.about "
    f"WHERE m.about = ANY (cast(:own AS uuid[]) || cast(:left AS uuid[])) AND m.idx <= coalesce(l.idx, m.idx)) AND {_ACCESS} "
    "ORDER BY e.idx LIMIT :limit"
)


class Happened(BaseModel):
    """One event about the person: its kind, when and in which roles it was recorded, and what it says."""

    recorded_at: datetime
    kind: str
    roles: tuple[str, ...]
    organisation: str
    said: dict[str, JsonValue]


class LookedAt(BaseModel):
    """Once that somebody read something about the person, was told of them, or was refused it.

    Who that was stands in the log and is not told; ``outcome`` is ``read``, ``told``, or why it was refused.
    """

    at: datetime
    roles: tuple[str, ...]
    organisation: str
    country: str
    operation: str
    outcome: str
    purpose: str | None


class Held(BaseModel):
    """What one service holds about one person: rows by the table in which they stand, history and readers oldest first."""

    service: str
    person_id: UUID
    records: dict[str, list[dict[str, JsonValue]]]
    history: list[Happened]
    readers: list[LookedAt]


@dataclass(frozen=True)
class Holdings:
    """How the tables of one service are walked for somebody.

    The rows of aggregates are found by the log, those of other tables by their column ``person_id``, or by the column
    that ``linked`` names, which is the id of one of these aggregates. ``opens`` opens the sealed columns of a table,
    under the person's own key, or that of the thing whose id stands in the column that ``about`` names.
    ``untold`` says of a table, or of a column as ``table.column``, why it is in no answer; what an event of
    ``undisclosed`` conceals stays concealed, and so do the roles in which it was recorded, which can tell the same. By an
    event of ``parting`` that is about somebody an aggregate is theirs no more, until one of ``coming`` is that none of
    ``not_come`` takes back: what became of those with whom they were is not theirs to read. ``going_on`` names the column of a
    table that lists with whom it goes on; where that is nobody, it ended with who parted last, and stays theirs. ``members``
    names the column of a table that lists whose a row is; of whoever is only named beside them, as a guardian is, or was named
    before, it is told where, and nothing else.
    ``kept_back`` names, by the kind of a record, the fields that are told of none of that kind, nor who recorded it.
    ``readers_alone``: nothing is held here but who looked, which is then told by itself.
    """

    linked: Mapping[str, str] = field(default_factory=dict)
    opens: Mapping[str, Opens] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
    untold: Mapping[str, str] = field(default_factory=dict)
    undisclosed: tuple[type[Event], ...] = ()
    parting: tuple[type[Event], ...] = ()
    coming: tuple[type[Event], ...] = ()
    not_come: tuple[type[Event], ...] = ()
    going_on: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    kept_back: Mapping[str, frozenset[str]] = field(default_factory=dict)
    readers_alone: bool = False


# The tables that every service has, and why none of them is told as rows.
KERNEL_UNTOLD: Final[Mapping[str, str]] = {
    "event_log": "told as history and as readers",
    "log_mentions": "an index of the log",
    "log_head": "how long the log is",
    "disclosure": "told within history, where the value was concealed",
    "accesses": "told as readers, out of the log",
    "refusal_windows": "a refusal of the last minute, which is told as a reader out of the log",
    "cursor": "how far another service was followed",
    "dead_letter": "events of another service, which tells them itself",
    "idempotency": "which answers were given under which keys of a member of staff",
    "status_transition": "which status may follow which",
    "person_keys": "the key under which values are sealed; the values are told",
    "verify_differences": "which rows were not as the log has them",
    "verify_progress": "how far the rows were verified",
    "restored": "to which earlier time the database was set back",
    "restores": "which two members of staff accepted that, and why",
    "row_keys": "the keys under which parts of rows are sealed; the parts are told",
}


@dataclass(frozen=True, eq=False)
class _Walked:
    """One table with the statement that finds somebody's rows in it, and the columns that are told in a way of their own."""

    table: sa.Table
    sql: Sql
    told: tuple[str, ...]
    numbers: frozenset[str]
    sealed: frozenset[str]


class Teller:
    """Tells what one service holds about somebody; each statement is made once."""

    def __init__(self, service: str, metadata: sa.MetaData, aggregates: Sequence[AnyAggregate], holdings: Holdings) -> None:
        self._service = service
        self._opens, self._about = holdings.opens, holdings.about
        self._undisclosed = frozenset(event.kind for event in holdings.undisclosed)
        self._kept_back = holdings.kept_back
        self.readers_alone = holdings.readers_alone
        self._partings = Partings(
            holdings.parting, holdings.coming, holdings.not_come,
            {table: metadata.tables[table].columns[column] for table, column in holdings.going_on.items()},
        )  # fmt: skip
        self._listing = [
            Sql(f"SELECT t.id FROM {table} t WHERE t.id = ANY (cast(:ids AS uuid[]))") for table in holdings.members
        ]
        self._order = {name: place for place, name in enumerate(metadata.tables)}
        self._aggregates = {
            _walked(one.table, _whose_aggregate(one, holdings), holdings): one
            for one in aggregates
            if one.table.name not in holdings.untold
        }
        told_otherwise = {*KERNEL_UNTOLD, *holdings.untold, *(one.table.name for one in aggregates)}
        self._beside = [
            _walked(table, _whose_row(table, holdings), holdings)
            for name, table in sorted(metadata.tables.items())
            if name not in told_otherwise
        ]

    async def held(self, unit: UnitOfWork, person_id: UUID, keys: PersonKeys | None) -> Held:
        """What is held about a person; nothing at all where nothing is.

        The transaction has to be one that may read the log. Raises `Unsealed` if something does not stand where it was
        sealed, and refuses as ``too_much_held`` what could be told in part only.
        """
        parted = await self._partings.of(unit, person_id)
        named = [row["subject"] for row in await unit.rows(_NAMED, person_id=person_id) if row["subject"] not in parted]
        found = {
            walked: await _with_sealed_parts(unit, aggregate, await _rows(unit, walked, person_id, named))
            for walked, aggregate in self._aggregates.items()
        }
        listed = [row["id"] for sql in self._listing for row in await unit.rows(sql, ids=named)]
        own = [person_id, *(UUID(row["id"]) for rows in found.values() for row in rows if row["id"] != str(person_id))]
        found |= {walked: await _rows(unit, walked, person_id, own) for walked in self._beside}
        found = dict(sorted(found.items(), key=lambda one: self._order[one[0].table.name]))
        whose = Whose(str(person_id), frozenset(map(str, own)))
        return Held(
            service=self._service,
            person_id=person_id,
            records={
                walked.table.name: [
                    masked(without_kept_back(row, self._kept_back), whose)
                    for row in await self._opened(unit, walked, rows, person_id, keys)
                ]
                for walked, rows in found.items()
                if rows
            },
            history=await _history(
                unit, own, parted, [*parted, *(id for id in listed if id not in own)], whose, self._undisclosed, self._kept_back
            ),
            readers=await _readers(unit, own, parted),
        )

    async def _opened(
        self, unit: UnitOfWork, walked: _Walked, rows: list[dict[str, Any]], person_id: UUID, keys: PersonKeys | None
    ) -> list[dict[str, Any]]:
        opens = self._opens.get(walked.table.name)
        if opens is None:
            return rows
        told: list[dict[str, Any]] = []
        about = self._about.get(walked.table.name)
        for row in rows:
            key = await keys.key_of(unit, person_id, UUID(row[about]) if about else None) if keys is not None else None
            if key is None:
                raise Unsealed
            told.append(_opened_row(walked, row, opens(key, _with_bytes(row, walked.sealed))))
        return told


def _whose_aggregate(aggregate: AnyAggregate, holdings: Holdings) -> str:
    if aggregate.name == "person":
        return "t.id = :person_id"
    own = " AND t.person_id = :person_id" if "person_id" in aggregate.table.columns else ""
    if (members := holdings.members.get(aggregate.table.name)) is not None:
        column = aggregate.table.columns[members]
        # Whoever left it last ended it, and it stays theirs.
        ended = f" OR {names_nobody(column)}" if aggregate.table.name in holdings.going_on else ""
        own += f" AND ({names_them(column)}{ended})"
    return f"t.id = ANY (cast(:ids AS uuid[])){own}"


def _whose_row(table: sa.Table, holdings: Holdings) -> str:
    if "person_id" in table.columns:
        return "t.person_id = :person_id"
    if table.name not in holdings.linked:
        raise LookupError(f"{table.name} does not say how it is told to the person whom it is about, or why not")
    return f"t.{holdings.linked[table.name]} = ANY (cast(:ids AS uuid[]))"


def _walked(table: sa.Table, whose: str, holdings: Holdings) -> _Walked:
    order = ", ".join(f"t.{column.name}" for column in table.primary_key.columns)
    return _Walked(
        table,
        # Both are asked of every statement, so that all are given the same.
        Sql(
            f"SELECT to_jsonb(t)::text AS body FROM {table.name} t WHERE {whose} "
            "AND cast(:person_id AS uuid) IS NOT NULL AND cast(:ids AS uuid[]) IS NOT NULL "
            f"ORDER BY {order} LIMIT :limit"
        ),
        tuple(
            column.name
            for column in table.columns
            if f"{table.name}.{column.name}" not in holdings.untold and column.name != IN_CLEAR
        ),
        _columns_of(table, sa.Numeric),
        _columns_of(table, sa.LargeBinary),
    )


async def _rows(unit: UnitOfWork, walked: _Walked, person_id: UUID, ids: Sequence[UUID]) -> list[dict[str, Any]]:
    found = await unit.rows(walked.sql, person_id=person_id, ids=list(ids), limit=MOST_ENTRIES + 1)
    _refuse_a_part(len(found))
    # An amount is told as it was stated, its last zero included.
    rows = (json.loads(row["body"], parse_float=Decimal) for row in found)
    return [
        {
            name: str(row[name]) if name in walked.numbers and row[name] is not None else row[name]
            for name in walked.told
        }
        for row in rows
    ]


async def _with_sealed_parts(
    unit: UnitOfWork, aggregate: AnyAggregate, rows: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    parts = rows_of(aggregate).parts
    texts = [json.dumps(row[part.column]) for row in rows for part in parts.parts if part.column in row]
    opening = await unit.keys.rows.opening(unit, texts)
    return [parts.open(opening, UUID(row["id"]), row["version"], row) for row in rows]


def _opened_row(walked: _Walked, row: Row, opened: Mapping[str, JsonValue]) -> dict[str, Any]:
    missed = [name for name in sorted(walked.sealed) if row.get(name) is not None and name not in opened]
    if missed:
        raise LookupError(f"{walked.table.name}: nothing opens {', '.join(missed)}")
    clear = {name: None if name in walked.sealed else row[name] for name in walked.told}
    return {**clear, **opened}


def _columns_of(table: sa.Table, kind: type[sa.types.TypeEngine[Any]]) -> frozenset[str]:
    return frozenset(column.name for column in table.columns if isinstance(column.type, kind))


def _with_bytes(row: Row, names: frozenset[str]) -> Row:
    # PostgreSQL writes bytes as hexadecimal digits behind a backslash and an x.
    return {
        name: bytes.fromhex(value[2:]) if name in names and value is not None else value for name, value in row.items()
    }


async def _history(
    unit: UnitOfWork, own: Sequence[UUID], parted: Mapping[UUID, int], beside: Sequence[UUID], whose: Whose,
    undisclosed: frozenset[str], kept_back: Mapping[str, frozenset[str]],
) -> list[Happened]:
    left, until = list(parted), list(parted.values())
    rows = await unit.rows(
        _HISTORY, own=list(own), left=left, until=until, beside=list(beside), person_id=UUID(whose.person),
        limit=MOST_ENTRIES + 1,
    )
    _refuse_a_part(len(rows))
    values: dict[UUID, dict[str, str]] = {}
    concealed = await unit.rows(_CONCEALED, events=[row["id"] for row in rows])
    opening = await unit.keys.rows.opening(unit, [row["value"] for row in concealed])
    for row in concealed:
        told_of = opened_disclosure(unit.keys.service, opening, row["event_id"], row["path"], row["value"])
        values.setdefault(row["event_id"], {})[row["path"]] = told_of.value
    found: list[Happened] = []
    for row in rows:
        told = json.loads(bytes(row["leaf"]))
        data = disclosed(told["data"], values.get(row["id"], {}) if told["type"] not in undisclosed else {})
        hidden = told["type"] in undisclosed or bool(kept_back_of(data, kept_back))
        data = without_kept_back(data, kept_back)
        said = masked(data, whose) if row["whole"] else naming(data, whose)
        # What happened to another person of the same case is theirs to ask for.
        if said and not (row["whole"] and is_of_another(data, whose)):
            found.append(
                Happened(
                    recorded_at=told["time"], kind=told["type"],
                    roles=() if hidden else _roles(told), organisation=told["actororg"],
                    said=said,
                )
            )
    return found


async def _readers(unit: UnitOfWork, own: Sequence[UUID], parted: Mapping[UUID, int]) -> list[LookedAt]:
    left, until = list(parted), list(parted.values())
    rows = await unit.rows(_READ, own=list(own), left=left, until=until, limit=MOST_ENTRIES + 1)
    _refuse_a_part(len(rows))
    found: list[LookedAt] = []
    for row in rows:
        told = json.loads(bytes(row["leaf"]))
        data = told["data"]
        found.append(
            LookedAt(
                at=told["time"], roles=_roles(told), organisation=told["actororg"], country=told["actorcountry"],
                operation=data["operation"], outcome=data.get("code") or data.get("reason") or "read",
                purpose=data.get("purpose"),
            )
        )
    return found


def _roles(told: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(role for role in told["actorrole"].split(",") if role)


def _refuse_a_part(found: int) -> None:
    if found > MOST_ENTRIES:
        raise RuleViolation(
            "too_much_held", "More is held about this person than one answer holds. Ask whoever runs the system."
        )
