"""What time alone brings about: a process looks each minute for what is due, and finds at its start what it missed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from shared.actors import Actor
from shared.aggregate import AnyAggregate
from shared.clock import Clock
from shared.db import Database, Sql, UnitOfWork
from shared.handling import Handled, handle
from shared.ids import uuid7
from shared.messages import Command, Context, Origin
from shared.policy import EVERYWHERE

LOOK_SECONDS: Final = 60.0
_BATCH: Final = 100
_FIRST: Final = UUID(int=0)

log = structlog.get_logger("timers")


@dataclass(frozen=True)
class Timer:
    """An order that the service itself gives to whatever of one aggregate it is due for.

    ``due`` answers ids in their order and takes ``now``, ``after``, ``limit`` and ``values``. The order is one that looks
    again and states nothing where nothing follows: what is due stands in the rows alone, so that nothing is lost when no
    process runs at that hour, and whoever looks second, in another process say, changes nothing.
    """

    aggregate: str
    order: Command
    due: Sql
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look came to: how many were due, and of how many something had to be stated."""

    due: int = 0
    changed: int = 0


async def look(
    database: Database, service: str, aggregates: Mapping[str, AnyAggregate], timers: tuple[Timer, ...], now: datetime,
    batch: int = _BATCH,
) -> Looked:  # fmt: skip
    """Gives each timer's order to everything for which it is due; each in a transaction of its own.

    What fails for one is left for the next look and keeps nothing else from its turn.
    """
    actor = Actor.service(service)
    scope, context = EVERYWHERE.scope(actor), Context(actor, now)
    due = changed = 0
    for timer in timers:
        after = _FIRST
        while True:
            found = await database.attempt(scope, _found(timer, now, after, batch))
            for id in found:
                try:
                    changed += (await database.attempt(scope, _ordered(aggregates[timer.aggregate], id, timer, context))).changed
                except Exception as fault:  # noqa: BLE001 -- whatever it was, the others are due as well
                    log.warning("timer_failed", order=type(timer.order).__name__, kind=type(fault).__name__)
            due += len(found)
            if len(found) < batch:
                break
            after = found[-1]
    return Looked(due, changed)


@contextlib.asynccontextmanager
async def keeping_time(
    database: Database, service: str, aggregates: Mapping[str, AnyAggregate], timers: tuple[Timer, ...], clock: Clock,
    is_open: asyncio.Event | None = None,
) -> AsyncIterator[None]:
    """Looks at once and then each minute, while the block runs and for as long as orders are taken.

    On a replayed clock nothing is looked for by itself: whoever replays a day says when it is over.
    """
    if not timers or clock.mode == "replay":
        yield
        return

    async def run() -> None:
        while True:
            if is_open is not None:
                await is_open.wait()
            try:
                await look(database, service, aggregates, timers, clock.present())
            except Exception as fault:  # noqa: BLE001 -- whatever it was, the next look has to come
                log.warning("time_not_kept", kind=type(fault).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    task = asyncio.create_task(run(), name="keeping time")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _found(timer: Timer, now: datetime, after: UUID, batch: int) -> Callable[[UnitOfWork], Awaitable[list[UUID]]]:
    async def work(unit: UnitOfWork) -> list[UUID]:
        return [row["id"] for row in await unit.rows(timer.due, now=now, after=after, limit=batch, **timer.values)]

    return work


def _ordered(aggregate: AnyAggregate, id: UUID, timer: Timer, context: Context) -> Callable[[UnitOfWork], Awaitable[Handled]]:
    async def work(unit: UnitOfWork) -> Handled:
        return await handle(unit, aggregate, id, timer.order, context, Origin(str(uuid7())), reach=EVERYWHERE)

    return work
