"""How many commands a second go through a service, beside the same rows written by asyncpg in one statement."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Final

import asyncpg

from ops.bench.figures import Figure, median, percentile
from ops.bench.ground import Ground
from ops.bench.same_writes import same_writes
from ops.demo_year.script import Step
from services.counselling.domain.session import HoldSession
from shared.ids import uuid7

AT_ONCE: Final = 8
ROUNDS: Final = 5
# The command path is held to this part of the floor.
LEAST: Final = 0.4
_FLOOR: Final = "the same rows and the same event by asyncpg, one statement and one round trip to the server, as many at once"
_NUMBERS = count()


async def command_path(ground: Ground, seconds: float) -> list[Figure]:
    """`HoldSession` with one person over HTTP, from the client's request to its answer, rounds of it and of its floor by turns."""
    order = await _somebody(ground)
    key = f"bench-first-{next(_NUMBERS)}"
    first = uuid7()
    await ground.give("counselling", order.persona, first, order.order, order.at, key)
    connection = await ground.administrator("counselling")
    writes = await same_writes(connection, first, key)
    await connection.close()
    server = ground.running.postgres
    pool = await asyncpg.create_pool(server.url_for("counselling", server.user, server.password), min_size=AT_ONCE, max_size=AT_ONCE)

    async def command() -> None:
        await ground.give("counselling", order.persona, uuid7(), order.order, order.at, f"bench-session-{next(_NUMBERS)}")

    async def floor() -> None:
        await pool.fetchrow(writes.text, *writes.anew())

    rates: dict[str, list[float]] = {"command": [], "floor": []}
    alone: dict[str, list[float]] = {"command": [], "floor": []}
    for _ in range(ROUNDS):
        for name, work in (("floor", floor), ("command", command)):
            rates[name].append(await _rate(work, AT_ONCE, seconds / ROUNDS))
            alone[name] += await _times(work, 40)
            await ground.caller.drained()
    await pool.close()
    what = "HoldSession over HTTP"
    return [
        Figure("command", f"{what}, {AT_ONCE} at once", median(rates["command"]), "/s", median(rates["floor"]), least=LEAST, what_floor=_FLOOR),
        Figure("command", f"{what}, one at a time, p50", median(alone["command"]), "ms", median(alone["floor"]), what_floor=_FLOOR),
        Figure("command", f"{what}, one at a time, p99", percentile(alone["command"], 99), "ms", percentile(alone["floor"], 99), what_floor=_FLOOR),
    ]


async def _somebody(ground: Ground) -> Step:
    """The first session with persons of the year, once what it needs is there."""
    for journey in ground.journeys:
        for place, step in enumerate(journey):
            if isinstance(step.order, HoldSession) and step.order.person_ids:
                for before in journey[:place]:
                    await ground.done(before)
                return step
    raise AssertionError("a year has sessions with persons")


async def _rate(work: Callable[[], Awaitable[None]], at_once: int, seconds: float) -> float:
    done, until = 0, time.monotonic() + seconds

    async def again() -> None:
        nonlocal done
        while time.monotonic() < until:
            await work()
            done += 1

    begun = time.monotonic()
    await asyncio.gather(*(again() for _ in range(at_once)))
    return done / (time.monotonic() - begun)


async def _times(work: Callable[[], Awaitable[None]], times: int) -> list[float]:
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        await work()
        found.append((time.perf_counter() - begun) * 1000)
    return found
