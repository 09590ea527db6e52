"""What each service's verification says of its rows, asked of the service and kept: what was found is not forgotten with it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import httpx
import structlog

from services.audit.repeating import each, waited_out
from shared.db import Database, Scope, Sql, UnitOfWork, Write
from shared.moments import in_microseconds
from shared.topology import AUDIT
from shared.verification_routes import Verification

ASK_SECONDS: Final = 10.0
_TIMEOUT: Final = httpx.Timeout(5.0, connect=2.0)
# For a whole answer, which names at most four hundred rows.
ANSWER_SECONDS: Final = 10.0
_MOST_BYTES: Final = 1_048_576
# A service names ten thousand that differ at a time: all of these may go at once, in pages of two hundred.
_MOST_PAGES: Final = 100
AGAIN: Final = timedelta(minutes=1)

_STANDS = Sql(
    "INSERT INTO archive_verified AS v (log, looked_at, looks, rounds, round_ended_at, round_seconds, differences) VALUES (:log, "
    "clock_timestamp() - make_interval(secs => cast(:looked_ago AS float8)), :looks, :rounds, :round_ended_at, :round_seconds, :differences) "
    "ON CONFLICT (log) DO UPDATE SET asked_at = clock_timestamp(), looked_at = excluded.looked_at, "
    "rose_at = CASE WHEN excluded.looks > v.looks THEN clock_timestamp() ELSE v.rose_at END, looks = excluded.looks, rounds = excluded.rounds, "
    "round_ended_at = excluded.round_ended_at, round_seconds = excluded.round_seconds, differences = excluded.differences"
)
# What is gone stays gone: found again, it is another row.
_NOTE = Sql(
    "INSERT INTO archive_rows AS r (log, kind, about, fault, columns, found_at, gone_at) "
    "VALUES (:log, :kind, :about, :fault, :columns, :found_at, :gone_at) ON CONFLICT (log, kind, about, fault, columns, found_at) "
    "DO UPDATE SET gone_at = excluded.gone_at WHERE r.gone_at IS NULL AND excluded.gone_at IS NOT NULL"
)
_GONE_UNTIL = Sql("SELECT gone_until FROM archive_verified WHERE log = :log")
_TOLD_UNTIL = Sql("UPDATE archive_verified SET gone_until = greatest(gone_until, cast(:until AS timestamptz)) WHERE log = :log")

log = structlog.get_logger("verified")


@dataclass(slots=True)
class Told:
    """What one service said last: how many rows differ, and what keeps it from saying more."""

    differences: int = 0
    fault: str | None = None


class Verified:
    """Asks every service how it stands with its rows."""

    def __init__(
        self, database: Database, client: httpx.AsyncClient, urls: Mapping[str, str], token: Callable[[], Awaitable[str]],
        refused: Callable[[], None],
    ) -> None:  # fmt: skip
        self.logs: Mapping[str, Told] = {name: Told() for name in urls}
        self._database = database
        self._client = client
        self._urls = urls
        self._token = token
        self._refused = refused

    async def round(self) -> None:
        """Asks every service; whatever fails is tried again the next time."""
        await each(self.logs, self.ask)

    async def ask(self, name: str) -> None:
        """Asks one service, and keeps what it says."""
        told = self.logs[name]
        with waited_out(told, lambda fault: log.warning("verification_not_told", source=name, kind=fault)):
            row = await self._database.alone(_GONE_UNTIL, log=name)
            until = row["gone_until"] if row is not None else None
            # Two that went at one moment may be committed one after the other.
            after = f"{in_microseconds(until - AGAIN) if until is not None else 0}-0"
            for _ in range(_MOST_PAGES):
                said = Verification.model_validate_json(await self._said(name, after))
                await keep(self._database, name, said)
                if said.gone_until is None:
                    break
                after = said.gone_until
            if said.differences and said.differences != told.differences:
                log.error("rows_differ_from_log", source=name, differences=said.differences)
            told.differences = said.differences

    def status(self) -> dict[str, object]:
        """What readiness tells of each service."""
        return {name: {"differences": one.differences, "fault": one.fault} for name, one in self.logs.items()}

    async def _said(self, name: str, after: str) -> bytes:
        said = b""
        url = f"{self._urls[name].rstrip('/')}/v1/verification"
        async with asyncio.timeout(ANSWER_SECONDS):
            headers = {"Authorization": f"Bearer {await self._token()}"}
            async with self._client.stream("GET", url, params={"gone_after": after}, headers=headers, timeout=_TIMEOUT) as answer:
                if answer.status_code == httpx.codes.UNAUTHORIZED:
                    self._refused()
                answer.raise_for_status()
                async for piece in answer.aiter_bytes():
                    said += piece
                    if len(said) > _MOST_BYTES:
                        break
        return said


async def keep(database: Database, name: str, said: Verification) -> None:
    """Keeps what a service said of its rows; what it does not name any more stays as it was said last."""
    stands = {
        "log": name, "looked_ago": said.looked_seconds_ago, "looks": said.looks, "rounds": said.rounds, "round_ended_at": said.round_ended_at,
        "round_seconds": said.round_seconds, "differences": said.differences,
    }  # fmt: skip

    async def work(unit: UnitOfWork) -> None:
        unit.write(Write(_STANDS, stands))
        for row in said.rows:
            await unit.flush()
            unit.write(Write(_NOTE, {"log": name, **row.model_dump(), "columns": ",".join(row.columns)}, rows=None))
        gone = [row.gone_at for row in said.rows if row.gone_at is not None]
        if gone:
            await unit.flush()
            unit.write(Write(_TOLD_UNTIL, {"log": name, "until": max(gone)}))

    await database.attempt(Scope(f"service:{AUDIT.name}"), work)
