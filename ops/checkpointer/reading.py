"""Reads which entries a service's log has, by a login that sees of each its index and its hash, and whether the database was set back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from shared.tlog.refusals import LogRefused
from shared.tlog.tree import HASH_BYTES

_CONNECT_SECONDS: Final = 5.0
# A busy server may take longer for a batch than for anything else that it is asked.
_READ_SECONDS: Final = 30.0
# Whatever a database that is away, or ends a connection, is noticed by.
AWAY: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
# One value for all of them: a row for each would take several times as long.
_HASHES: Final = """
    SELECT count(*) AS entries, max(idx) AS last, string_agg(leaf_hash, ''::bytea ORDER BY idx) AS hashes
    FROM event_log WHERE idx >= $1 AND idx < $2
"""
_INDEXES: Final = "SELECT idx FROM event_log WHERE idx >= $1 AND idx < $2 ORDER BY idx"
_MARKS: Final = "SELECT id, kept, accepted_at IS NOT NULL FROM restored ORDER BY id"


@dataclass(frozen=True, slots=True)
class SetBackTo:
    """What the database says of itself: it was set back, so many entries were ``kept``, and that was ``accepted`` or not yet."""

    id: UUID
    kept: int
    accepted: bool


class LogReader:
    """One log, over one connection that is made when it is needed and made again after a fault."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def hashes(self, first: int, end: int) -> list[bytes]:
        """The hashes of the entries from ``first`` to before ``end``, as far as there are any, without a gap.

        LogRefused as ``log_rewritten`` where one between others is missing, or its hash is none. One of `AWAY` where the
        database does not answer.
        """
        connection = await self._connected()
        row = await connection.fetchrow(_HASHES, first, end, timeout=_READ_SECONDS)
        if row is None or not row["entries"]:
            return []
        if row["last"] != first + row["entries"] - 1:
            there = [one["idx"] for one in await connection.fetch(_INDEXES, first, end, timeout=_READ_SECONDS)]
            missing = next(index for index, idx in enumerate(there, first) if index != idx)
            raise LogRefused("log_rewritten", f"Entry {missing} of the log is missing.")
        if len(row["hashes"]) != HASH_BYTES * row["entries"]:
            raise LogRefused("log_rewritten", f"An entry of the log between {first} and {row['last']} has no hash.")
        return [row["hashes"][place : place + HASH_BYTES] for place in range(0, len(row["hashes"]), HASH_BYTES)]

    async def set_back(self) -> Sequence[SetBackTo]:
        """Every time that the database was set back, the first one first. One of `AWAY` where it does not answer."""
        connection = await self._connected()
        return [SetBackTo(*row.values()) for row in await connection.fetch(_MARKS, timeout=_READ_SECONDS)]

    async def close(self) -> None:
        """Gives the connection up, at once if need be."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _connected(self) -> "asyncpg.Connection[asyncpg.Record]":
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._url, timeout=_CONNECT_SECONDS)
        return self._connection
