"""A steady flow of commands for a while: how long each takes, when its effect is in the next service, and whether memory stays flat."""

import asyncio
import time
from collections import deque
from datetime import UTC
from typing import Final

from ops.bench.figures import Figure, percentile
from ops.bench.footprint import memory_below
from ops.bench.ground import SEED, Ground
from ops.demo_year.script import Step
from ops.demo_year.year import build_year_by_hand
from services.counselling.domain.intention import ExpressIntention
from services.reintegration.domain.tranches import ConfirmPayment

MOST_COMMAND_MS: Final = 250.0
MOST_EFFECT_MS: Final = 2000.0
MOST_GROWTH: Final = 1.15
# What a step needs may still be on its way from another service: it is given again a little later, and nothing was done.
_NOT_YET: Final = (404, 409)
_LATER_SECONDS: Final = 0.2
# A flow that the system cannot hold shows in its times; it does not pile up without end.
_AT_ONCE: Final = 200
_EFFECTS: Final = (
    "SELECT subject, at FROM event_log WHERE type = 'avrr.returns.case.opened.v1' AND subject = ANY ($1::uuid[])"
)


async def soak(ground: Ground, a_second: float, minutes: float, pid: int) -> list[Figure]:
    """Journeys of invented years side by side, so many commands begun each second whatever became of those before.

    Times run from the moment at which a command was due. ``pid`` is the process below which all of the system's are.
    """
    flow = _Flow(ground)
    due, until = time.monotonic(), time.monotonic() + minutes * 60
    first_look, memory_first, tasks = time.monotonic() + min(60.0, minutes * 12), 0.0, set[asyncio.Task[None]]()
    while due < until:
        due += 1 / a_second
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        if not memory_first and time.monotonic() > first_look:
            memory_first = sum(memory_below(pid).values())
        task = asyncio.create_task(flow.one(due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        if len(tasks) > _AT_ONCE:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.gather(*tasks)
    memory_last = sum(memory_below(pid).values())
    await ground.settled()
    effects = await flow.effects()
    said = f"{a_second:g} a second for {minutes:g} min"
    return [
        Figure("soak", f"commands done, {said}", len(flow.times), ""),
        Figure("soak", "commands answered otherwise than done or not yet", flow.failed, "", most=0),
        Figure("soak", "command, p50", percentile(flow.times, 50), "ms"),
        Figure("soak", "command, p99", percentile(flow.times, 99), "ms", most=MOST_COMMAND_MS),
        Figure("soak", "request to its effect in the next service, p99", percentile(effects, 99), "ms", most=MOST_EFFECT_MS),
        Figure("soak", "memory at the end", memory_last, "MB", memory_first, most=MOST_GROWTH, what_floor="memory after the first minute"),
    ]


class _Flow:
    """The steps of many journeys, the next of each when the one before is done."""

    def __init__(self, ground: Ground) -> None:
        self._ground, self._seed = ground, SEED
        self._ready: deque[tuple[list[Step], int]] = deque((journey, 0) for journey in ground.journeys if journey)
        self._begun: dict[object, float] = {}
        self._keys = 0
        self.times: list[float] = []
        self.failed = 0

    async def one(self, due: float) -> None:
        """The next step of whoever has waited longest."""
        if len(self._ready) < _AT_ONCE:
            self._more()
        journey, place = self._ready.popleft()
        step, self._keys = journey[place], self._keys + 1
        key = f"soak-{self._seed}-{self._keys}"
        wall = time.time() - (time.monotonic() - due)
        while True:
            answer = await self._ground.caller.give(step.service, step.persona, step.id, step.order, step.at, key)
            if answer.status_code not in _NOT_YET or time.monotonic() > due + 30:
                break
            await asyncio.sleep(_LATER_SECONDS)
            # Somebody waited for another service, and not for this answer.
            due = time.monotonic()
        if not answer.is_success:
            self.failed += 1
            return
        self.times.append((time.monotonic() - due) * 1000)
        if isinstance(step.order, ExpressIntention):
            self._begun[step.id] = wall
        if place + 1 < len(journey):
            self._ready.append((journey, place + 1))

    async def effects(self) -> list[float]:
        """From when each wish was due to be recorded until its case was opened, in milliseconds."""
        connection = await self._ground.administrator("returns")
        rows = await connection.fetch(_EFFECTS, list(self._begun))
        await connection.close()
        return [(row["at"].astimezone(UTC).timestamp() - self._begun[row["subject"]]) * 1000 for row in rows]

    def _more(self) -> None:
        self._seed += 1
        opening, *journeys = build_year_by_hand(self._seed)
        # The funds of that year first, by whoever's turn it is, then everybody's.
        self._ready.extend((self._apart(journey), 0) for journey in (opening, *journeys) if journey)

    def _apart(self, journey: list[Step]) -> list[Step]:
        # Every year counts its payments from one.
        return [
            Step(step.at, step.persona, step.id, step.order.model_copy(update={"reference": f"{step.order.reference}-{self._seed}"}))
            if isinstance(step.order, ConfirmPayment) else step
            for step in journey
        ]
