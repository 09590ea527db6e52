"""What a transaction of a service left in its tables, to be written again by one statement and nothing else: the floor of a command."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final
from uuid import UUID

import asyncpg

from shared.ids import uuid7

# Those that the log fills by itself it fills for the floor as well.
_TABLES: Final = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
    "AND relname NOT IN ('event_log', 'log_head', 'log_mentions', 'alembic_version') ORDER BY relname"
)
_COLUMNS: Final = (
    "SELECT attname, format_type(atttypid, atttypmod) AS type, EXISTS (SELECT FROM pg_index i WHERE i.indrelid = attrelid "
    "AND i.indisunique AND attnum = ANY (i.indkey::smallint[])) AS alone FROM pg_attribute "
    "WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"
)
_LAST: Final = "SELECT xmin::text AS xmin, id, type, subject, aggver, leaf FROM event_log WHERE subject = $1 ORDER BY idx"


@dataclass(frozen=True)
class SameWrites:
    """One statement with its values; each time it is given they get ids of their own."""

    text: str
    values: tuple[Any, ...]
    subject: UUID
    events: tuple[UUID, ...]
    key: str
    alone: frozenset[int]
    """Which of the values no two rows may have, as one or with others."""

    def anew(self) -> list[Any]:
        """The values for the next time."""
        number = next(_NUMBERS)
        ids = {self.subject: uuid7(), **{id: uuid7() for id in self.events}}
        texts = {str(old): str(new) for old, new in ids.items()} | {self.key: f"floor-key-{number}"}
        for place in self.alone:
            value = self.values[place]
            if isinstance(value, str):
                texts.setdefault(value, f"{value}-{number}")
            elif isinstance(value, UUID):
                ids.setdefault(UUID(int=value.int), uuid7())
        return [_other(value, ids, texts) for value in self.values]


_NUMBERS = count()


async def same_writes(connection: "asyncpg.Connection[asyncpg.Record]", subject: UUID, key: str) -> SameWrites:
    """The writes of the transaction that made what has this id: every row of it, and its events by the function that appends them.

    ``key`` is the Idempotency-Key of the command. Rows that it changed and did not make are written as new ones, which is less.
    """
    events = await connection.fetch(_LAST, subject)
    made: list[str] = []
    values: list[Any] = []
    alone: set[int] = set()
    for (table,) in await connection.fetch(_TABLES):
        columns = await connection.fetch(_COLUMNS, table)
        names = ", ".join(f'"{column["attname"]}"' for column in columns)
        # The names come from PostgreSQL's own catalogue.
        for row in await connection.fetch(f'SELECT {names} FROM "{table}" WHERE xmin = $1::text::xid', events[0]["xmin"]):
            places = [f"${len(values) + number}::{column['type']}" for number, column in enumerate(columns, 1)]
            made.append(f'w{len(made)} AS (INSERT INTO "{table}" ({names}) VALUES ({", ".join(places)}) RETURNING 1)')
            alone |= {len(values) + number for number, column in enumerate(columns) if column["alone"]}
            values += row.values()
    first = len(values)
    append = f"append_events(${first + 1}::uuid[], ${first + 2}::text[], ${first + 3}::uuid[], ${first + 4}::integer[], ${first + 5}::bytea[])"
    for name in ("id", "type", "subject", "aggver", "leaf"):
        values.append([event[name] for event in events])
    counted = " + ".join(f"(SELECT count(*) FROM w{number})" for number in range(len(made)))
    return SameWrites(
        f"WITH {', '.join(made)} SELECT {counted}, {append}", tuple(values), subject, tuple(event["id"] for event in events), key, frozenset(alone),
    )  # fmt: skip


def _other(value: Any, ids: Mapping[UUID, UUID], texts: Mapping[str, str]) -> Any:
    if isinstance(value, UUID):
        return ids.get(UUID(int=value.int), value)
    if isinstance(value, list):
        return [_other(one, ids, texts) for one in value]
    if isinstance(value, str):
        return texts.get(value, value)
    if isinstance(value, bytes):
        # An event says its own ids again; whoever follows the log would take two of one id for a damaged one.
        for old, new in texts.items():
            value = value.replace(old.encode(), new.encode())
    return value
