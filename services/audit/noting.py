"""What the worker knows of each log that it watches, noted where the API reads it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import structlog

from services.audit.checkpoints import Checkpoints
from services.audit.comparing import Comparing
from shared.db import Database, Scope, Sql, UnitOfWork, Write
from shared.topology import AUDIT

NOTE_SECONDS: Final = 5.0

# Rounds are counted by the process, so that another number is a round that ended since the last note.
_NOTE = Sql(
    "INSERT INTO archive_watched AS w "
    "(log, stopped, rounds, round_ended_at, comparison_fault, checkpoint_alarm, checkpoint_fault, policy) "
    "VALUES (:log, (SELECT stopped FROM cursor WHERE source = :log), cast(:rounds AS bigint), CASE WHEN cast(:rounds AS bigint) > 0 THEN clock_timestamp() END, "
    "cast(:comparison_fault AS text), cast(:checkpoint_alarm AS text), cast(:checkpoint_fault AS text), cast(:policy AS text)) "
    "ON CONFLICT (log) DO UPDATE SET noted_at = clock_timestamp(), stopped = excluded.stopped, rounds = excluded.rounds, "
    "round_ended_at = CASE WHEN excluded.rounds > 0 AND excluded.rounds <> w.rounds THEN excluded.round_ended_at "
    "ELSE w.round_ended_at END, comparison_fault = excluded.comparison_fault, "
    "checkpoint_alarm = excluded.checkpoint_alarm, checkpoint_fault = excluded.checkpoint_fault, "
    "policy = coalesce(excluded.policy, w.policy)"
)

log = structlog.get_logger("noting")


async def note(database: Database, comparing: Comparing, checkpoints: Checkpoints | None) -> None:
    """Notes what is known of every log at this moment, in one transaction; a policy stays until another was read."""

    async def work(unit: UnitOfWork) -> None:
        for name, compared in comparing.logs.items():
            asked = checkpoints.logs.get(name) if checkpoints is not None else None
            policy = checkpoints.policy if checkpoints is not None else None
            values: dict[str, object] = {
                "log": name, "rounds": compared.rounds, "comparison_fault": compared.fault,
                "checkpoint_alarm": asked.alarm if asked else None, "checkpoint_fault": asked.fault if asked else None,
                "policy": str(policy) if policy else None,
            }  # fmt: skip
            unit.write(Write(_NOTE, values))
            await unit.flush()

    await database.attempt(Scope(f"service:{AUDIT.name}"), work)


@contextlib.asynccontextmanager
async def noting_all(database: Database, comparing: Comparing, checkpoints: Checkpoints | None) -> AsyncIterator[None]:
    """Notes again and again while the block runs; whatever fails is tried again the next time."""

    async def run() -> None:
        while True:
            try:
                await note(database, comparing, checkpoints)
            except Exception as error:  # noqa: BLE001 -- silence is told of every log as an alarm
                log.warning("noting_waits", kind=type(error).__name__)
            await asyncio.sleep(NOTE_SECONDS)

    task = asyncio.create_task(run(), name="noting what is known of each log")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
