"""Sends the invented year through the services' public APIs: day by day, many clients at once."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import httpx

from ops.demo_year.calling import Caller
from ops.demo_year.present import build_present
from ops.demo_year.script import Step
from ops.demo_year.wire import Wire
from ops.demo_year.year import build_year
from ops.identity.client import PersonaTokens
from ops.settings import CannotStart
from shared.clock import real_time
from shared.outgoing import Outgoing

CLIENTS = 20

Numbered = tuple[int, Step]


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many commands were given, and how long that took in seconds of real time."""

    commands: int
    seconds: float


async def replay_year(
    services: Mapping[str, str], tokens: PersonaTokens, seed: int, progress: Callable[[int, int], None]
) -> Replayed:
    """Replays the year of a seed; run again after an interruption it goes on without doing anything twice.

    ``progress`` is told how many commands were answered, of how many. Raises `CannotStart` with one line if a
    command is refused or the services do not keep up.
    """
    return await replay_journeys(services, tokens, build_year(seed), f"demo-{seed}", progress)


async def replay_present(
    services: Mapping[str, str], tokens: PersonaTokens, seed: int, now: datetime, progress: Callable[[int, int], None]
) -> Replayed:
    """Replays what led to the cases that are under way at this moment; otherwise as `replay_year`."""
    return await replay_journeys(services, tokens, build_present(seed, now), f"demo-{seed}-{now:%Y%m%d%H%M}", progress)


async def replay_journeys(
    services: Mapping[str, str], tokens: PersonaTokens, journeys: Sequence[Sequence[Step]], name: str,
    progress: Callable[[int, int], None],
) -> Replayed:
    """Replays some journeys whose commands are known by ``name``; otherwise as `replay_year`."""
    days: dict[date, list[list[Numbered]]] = defaultdict(list)
    total = 0
    for journey in journeys:
        by_day: dict[date, list[Numbered]] = defaultdict(list)
        for step in journey:
            by_day[step.at.date()].append((total, step))
            total += 1
        for day, steps in by_day.items():
            days[day].append(steps)
    answered = 0

    def one_more() -> None:
        nonlocal answered
        answered += 1
        progress(answered, total)

    began = time.monotonic()
    async with Outgoing(timeout=30, transport=Wire(), trust_env=False) as client:
        caller = Caller(client, services, tokens)
        await caller.learn()
        for day in sorted(days):
            await _send(caller, days[day], name, one_more)
            # Whatever a day's commands led to elsewhere is done before the next day begins.
            await caller.drained()
            await caller.day_is_over(min(datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC), real_time()))
    return Replayed(total, time.monotonic() - began)


async def _send(
    caller: Caller, journeys: Sequence[Sequence[Numbered]], name: str, one_more: Callable[[], None]
) -> None:
    """All journeys' steps of one day: those of one journey in order, the journeys beside each other."""
    waiting = list(reversed(journeys))

    async def work() -> None:
        while waiting:
            for number, step in waiting.pop():
                answer = await caller.give(
                    step.service, step.persona, step.id, step.order, step.at, f"{name}-{number}"
                )
                if not answer.is_success:
                    raise CannotStart("replay_refused", _refusal(step, answer))
                one_more()

    tasks = [asyncio.create_task(work()) for _ in range(min(CLIENTS, len(waiting)))]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _refusal(step: Step, answer: httpx.Response) -> str:
    told = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    return (
        f"{step.service} refused {type(step.order).__name__} by {step.persona} on {step.at:%d %B %Y}: "
        f"{answer.status_code} {told.get('code', '')} {told.get('fields', '')}"
    )
