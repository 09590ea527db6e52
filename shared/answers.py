"""Forgets the keys under which commands were answered, once nobody can mean to ask the same again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import structlog

from shared.db import Database, Scope, Sql, UnitOfWork

# For so long a command that is given again under its key is answered as before (docs/retention.md).
REMEMBERED_DAYS: Final = 90
LOOK_SECONDS: Final = 3600.0
_MOST: Final = 1000

_FORGET = Sql(
    "DELETE FROM idempotency WHERE (actor_id, key) IN (SELECT actor_id, key FROM idempotency "
    " WHERE at < clock_timestamp() - make_interval(days => :days) ORDER BY at LIMIT :most) "
    "RETURNING 1"
)

log = structlog.get_logger("answers")


async def forget_answers(database: Database, service: str, most: int = _MOST) -> int:
    """Forgets so many answers at most that are older than `REMEMBERED_DAYS` by the database's own clock; says how many."""

    async def work(unit: UnitOfWork) -> int:
        return len(await unit.rows(_FORGET, days=REMEMBERED_DAYS, most=most))

    return await database.attempt(Scope(f"service:{service}"), work)


@contextlib.asynccontextmanager
async def forgetting_answers(database: Database, service: str) -> AsyncIterator[None]:
    """Looks each hour, first after an hour, while the block runs."""

    async def run() -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                while await forget_answers(database, service):
                    pass
            except Exception as fault:  # noqa: BLE001 -- whatever it was, the next look has to come
                log.warning("answers_not_forgotten", kind=type(fault).__name__)

    task = asyncio.create_task(run(), name="forgetting answers")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
