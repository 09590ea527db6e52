"""A log as it is taken home: the stored leaves, byte for byte, read ahead of whoever takes them."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from shared.db import Database, Scope, Sql

# As they go over the wire: put together by PostgreSQL, they are one value and not a row for each.
_LEAVES = Sql(
    "SELECT string_agg(leaf, '\\x0a'::bytea ORDER BY idx) || '\\x0a'::bytea AS lines, max(idx) AS last, count(*) AS events "
    # However long leaves are, a piece is no longer than the bytes and one leaf; the first always is in it.
    "FROM (SELECT idx, leaf, sum(octet_length(leaf)) OVER (ORDER BY idx ROWS UNBOUNDED PRECEDING) - octet_length(leaf) AS before "
    "FROM (SELECT idx, leaf FROM event_log WHERE idx >= :first ORDER BY idx LIMIT :limit) ahead) told WHERE before < :bytes"
)
_CHUNK: Final = 2000
# So much is read in one transaction and lies ready: a slow reader holds no transaction open, and a fast one finds few of them.
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
    pieces: list[bytes] = []
    if left > 0:
        async with database.unit_of_work(scope) as unit:
            while left > 0 and sum(map(len, pieces)) < _TOGETHER_BYTES:
                some = await unit.row(_LEAVES, first=first, limit=min(_CHUNK, left), bytes=_TOGETHER_BYTES)
                if some is None or some["lines"] is None:
                    break
                pieces.append(some["lines"])
                first, left = some["last"] + 1, left - some["events"]
    return _Read(tuple(pieces), first, left)
