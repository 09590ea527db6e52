"""How many commands a second go through a service, beside the same rows written by asyncpg in one statement."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from itertools import count, cycle
from typing import Final

import asyncpg
import httpx

from ops.bench.figures import Figure, median, percentile
from ops.bench.ground import Ground
from ops.bench.same_writes import same_writes
from ops.demo_year.script import Step
from ops.settings import CannotStart
from services.counselling.domain.session import HoldSession
from shared.ids import uuid7

AT_ONCE: Final = 8
ROUNDS: Final = 5
# The command path is held to this part of the floor.
LEAST: Final = 0.4
_FLOOR: Final = (
    "the same rows and the same event by asyncpg, one statement and one round trip to the server, as many at once; of both, everything "
    "else of the system goes on as always and follows what is written"
)
_PEOPLE_A_SECOND: Final = 10
_NUMBERS = count()


async def command_path(ground: Ground, seconds: float) -> list[Figure]:
    """`HoldSession` with one person over HTTP, from the client's request to its answer, rounds of it and of its floor by turns."""
    steps = await _people(ground, seconds)
    connection = await ground.administrator("counselling")
    written = []
    for step in steps:
        key, first = f"bench-first-{next(_NUMBERS)}", uuid7()
        await ground.give("counselling", step.persona, first, step.order, step.at, key)
        written.append(await same_writes(connection, first, key))
    await connection.close()
    writes = cycle(written)
    server = ground.running.postgres
    pool = await asyncpg.create_pool(server.url_for("counselling", server.user, server.password), min_size=AT_ONCE, max_size=AT_ONCE)

    command = commands_like(ground, steps)

    async def floor() -> None:
        same = next(writes)
        await pool.fetchrow(same.text, *same.anew())

    spent = 0.0
    given = 0
    rates: dict[str, list[float]] = {"command": [], "floor": []}
    alone: dict[str, list[float]] = {"command": [], "floor": []}
    for _ in range(ROUNDS):
        for name, work in (("floor", floor), ("command", command)):
            before = ground.cpu_seconds("counselling")
            done, rate = await rate_of(work, AT_ONCE, seconds / ROUNDS)
            if name == "command":
                spent, given = spent + ground.cpu_seconds("counselling") - before, given + done
            rates[name].append(rate)
            # One at a time is timed when nobody has anything left to follow.
            await ground.settled()
            alone[name] += await _times(work, 20)
            await ground.settled()
    await pool.close()
    what = "HoldSession over HTTP"
    return [
        Figure("command", f"{what}, {AT_ONCE} at once", median(rates["command"]), "/s", median(rates["floor"]), least=LEAST, what_floor=_FLOOR),
        Figure("command", f"{what}, of a processor in the service", spent / given * 1000, "ms"),
        Figure("command", f"{what}, one at a time, p50", median(alone["command"]), "ms", median(alone["floor"]), what_floor=_FLOOR),
        Figure("command", f"{what}, one at a time, p99", percentile(alone["command"], 99), "ms", percentile(alone["floor"], 99), what_floor=_FLOOR),
    ]


async def new_command(ground: Ground, seconds: float) -> Callable[[], Awaitable[None]]:
    """What gives the same command for so long, each time of something new, once what it needs is there."""
    return commands_like(ground, await _people(ground, seconds))


def commands_like(ground: Ground, steps: Sequence[Step]) -> Callable[[], Awaitable[None]]:
    """What gives these steps' orders by turns again and again, each time about something new; `CannotStart` for any answer but 201.

    The request is put together as bytes: what a client takes for it is no part of what the service takes.
    """
    given = cycle([(step, httpx.URL(ground.addresses.services[step.service]), step.order.model_dump_json().encode()) for step in steps])

    async def command() -> None:
        step, url, body = next(given)
        method, path = ground.caller.place(step.service, uuid7(), step.order)
        headers = await ground.headers(step.persona, step.at) | {
            "Host": url.host, "Idempotency-Key": f"bench-session-{next(_NUMBERS)}", "Content-Type": "application/json", "Content-Length": str(len(body))
        }  # fmt: skip
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        status = await ground.wire.ask(url.host, url.port or 80, f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        if status != HTTPStatus.CREATED:
            raise CannotStart("bench_refused", f"{type(step.order).__name__} was answered with {status}.")

    return command


async def _people(ground: Ground, seconds: float) -> list[Step]:
    """The first sessions of so many persons, one in each, that none comes to have thousands; given once what they need is there.

    Whoever follows keeps of each person in which sessions they were heard alone, and thousands of one would be measured as well.
    """
    found = []
    for journey in ground.journeys:
        place = next((n for n, step in enumerate(journey) if isinstance(step.order, HoldSession) and len(step.order.person_ids) == 1), None)
        if place is not None:
            for before in journey[:place]:
                await ground.done(before)
            found.append(journey[place])
        if len(found) >= _PEOPLE_A_SECOND * seconds:
            break
    return found


async def rate_of(work: Callable[[], Awaitable[None]], at_once: int, seconds: float) -> tuple[int, float]:
    """How many were done, and how many a second."""
    done, until = 0, time.monotonic() + seconds

    async def again() -> None:
        nonlocal done
        while time.monotonic() < until:
            await work()
            done += 1

    begun = time.monotonic()
    await asyncio.gather(*(again() for _ in range(at_once)))
    return done, done / (time.monotonic() - begun)


async def _times(work: Callable[[], Awaitable[None]], times: int) -> list[float]:
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        await work()
        found.append((time.perf_counter() - begun) * 1000)
    return found
