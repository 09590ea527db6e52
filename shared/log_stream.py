"""A log as it is taken home: the stored leaves, byte for byte, read ahead of whoever takes them."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from asyncpg import Record

from shared.db import Database, Scope, Sql

# As they go over the wire: PostgreSQL puts many lines together, so that they are one value and not a row for each. Where pieces begin
# is put in order before they are made, or the pieces themselves would be sorted, on a disk. However long leaves are, what is read is
# no longer than the bytes and one piece.
_LEAVES = Sql(
    "SELECT lines, last, events FROM (SELECT start, lines, last, events, "
    "sum(octet_length(lines)) OVER (ORDER BY start ROWS UNBOUNDED PRECEDING) - octet_length(lines) AS before "
    "FROM (SELECT start, ending FROM (SELECT min(idx) AS beginning FROM event_log WHERE idx >= :first) there, "
    "LATERAL (SELECT beginning + CAST(:limit AS bigint) AS ending) until, "
    "generate_series(beginning, ending - 1, CAST(:piece AS bigint)) start ORDER BY start) places, "
    "LATERAL (SELECT string_agg(leaf, '\\x0a'::bytea ORDER BY idx) || '\\x0a'::bytea AS lines, max(idx) AS last, count(*) AS events "
    "FROM event_log WHERE idx >= start AND idx < least(start + CAST(:piece AS bigint), ending)) piece) told "
    "WHERE before < :bytes AND events > 0 ORDER BY start"
)
# A piece is so short that its memory is used again for the next, here and in PostgreSQL: for longer ones each has fresh pages zeroed.
_PIECE: Final = 128
# So much is read in one transaction and lies ready: a slow reader holds no transaction open, and a fast one finds few of them.
_TOGETHER: Final = 4096
_TOGETHER_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Read:
    """What one transaction read, and where the next goes on with how many."""

    pieces: tuple[bytes, ...]
    first: int
    left: int


async def log_lines(database: Database, scope: Scope, first: int, limit: int) -> AsyncGenerator[bytes, None]:
    """The leaves from a position on, so many at most, one a line, in pieces of many lines; the next are read while these are sent."""
    coming = asyncio.create_task(_read(database, scope, first, limit))
    try:
        while (read := await coming).pieces:
            coming = asyncio.create_task(_read(database, scope, read.first, read.left))
            for piece in read.pieces:
                yield piece
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


async def _read(database: Database, scope: Scope, first: int, left: int) -> _Read:
    rows: list[Record] = []
    if left > 0:
        async with database.unit_of_work(scope) as unit:
            rows = await unit.rows(_LEAVES, first=first, limit=min(_TOGETHER, left), piece=_PIECE, bytes=_TOGETHER_BYTES)
    if rows:
        first, left = rows[-1]["last"] + 1, left - sum(row["events"] for row in rows)
    return _Read(tuple(row["lines"] for row in rows), first, left)
