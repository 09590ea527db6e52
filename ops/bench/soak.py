"""A steady flow of commands for a while: how long each takes, when its effect is in the next service, and whether memory stays flat."""

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from datetime import UTC
from itertools import count
from typing import Final

from ops.bench.figures import Figure, median, percentile
from ops.bench.footprint import memory_below
from ops.bench.ground import SEED, Ground
from ops.demo_year.script import Step
from ops.demo_year.year import build_year_by_hand
from ops.settings import CannotStart
from services.counselling.domain.intention import ExpressIntention
from services.reintegration.domain.fund import ConfirmFund, OpenFund
from services.reintegration.domain.recovery import RecordRecovery
from services.reintegration.domain.tranches import ConfirmPayment

MOST_COMMAND_MS: Final = 250.0
MOST_EFFECT_MS: Final = 2000.0
MOST_GROWTH: Final = 1.15
# What a step needs may still be on its way from another service: it is given again later, each time after twice as long, and
# nothing was done. Whoever came again at once would keep those busy for whom everybody waits.
_NOT_YET: Final = (404, 409)
_LATER_SECONDS: Final = 0.2
_LATEST_SECONDS: Final = 5.0
# What is still refused then is refused for good, and counts as such.
_PATIENCE_SECONDS: Final = 60.0
# A flow that the system cannot hold shows in its times; it does not pile up without end.
_AT_ONCE: Final = 200
_LOOKS: Final = 60
_FIRST: Final = "the median of the first third, without the first minute"
_EFFECTS: Final = (
    "SELECT subject, at FROM event_log WHERE type = 'avrr.returns.case.opened.v1' AND subject = ANY ($1::uuid[])"
)


async def soak(ground: Ground, a_second: float, minutes: float, pid: int) -> list[Figure]:
    """Journeys of invented years side by side, so many commands begun each second whatever became of those before.

    Times run from the moment at which a command was due. ``pid`` is the process below which all of the system's are.
    """
    flow = _Flow(ground, math.ceil(a_second * minutes * 60))
    due, until = time.monotonic(), time.monotonic() + minutes * 60
    tasks = set[asyncio.Task[None]]()
    memory: list[Mapping[str, float]] = []
    looking = asyncio.create_task(_look(memory, pid, minutes * 60))
    while due < until:
        due += 1 / a_second
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        task = asyncio.create_task(flow.one(due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        if len(tasks) > _AT_ONCE:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.gather(*tasks)
    await looking
    await ground.settled()
    effects = await flow.effects()
    without = flow.wishes - len(effects)
    first, last = thirds([sum(shares.values()) for shares in memory])
    parts = {name: thirds([shares.get(name, 0.0) for shares in memory]) for name in sorted({name for shares in memory for name in shares})}
    # Where nothing was done or had an effect, nothing was done in time.
    times, effects = flow.times or [math.inf], effects or [math.inf]
    said = f"{a_second:g} a second for {minutes:g} min"
    return [
        Figure("soak", f"commands done, {said}", len(flow.times), ""),
        Figure("soak", "commands answered otherwise than done or not yet", flow.refused.total(), "", most=0),
        *(Figure("soak", f"of these {what}", many, "") for what, many in sorted(flow.refused.items())),
        Figure("soak", f"wishes to return, of {flow.wishes}, of which no case was opened", without, "", most=0),
        Figure("soak", "command, p50", percentile(times, 50), "ms"),
        Figure("soak", "command, p99", percentile(times, 99), "ms", most=MOST_COMMAND_MS),
        Figure("soak", "request to its effect in the next service, p99", percentile(effects, 99), "ms", most=MOST_EFFECT_MS),
        Figure("soak", "memory of all processes, last third of the time", last, "MB", first, most=MOST_GROWTH, what_floor=_FIRST),
        *(Figure("soak", f"memory of {name}, last third of the time", late, "MB", early, what_floor=_FIRST) for name, (early, late) in parts.items()),
    ]


def thirds(memory: Sequence[float]) -> tuple[float, float]:
    """The medians of the first and of the last third: what one look met by chance moves neither."""
    size = max(1, len(memory) // 3)
    return median(memory[:size]), median(memory[-size:])


async def _look(memory: list[Mapping[str, float]], pid: int, seconds: float) -> None:
    """Looks sixty times, first when what a start leaves behind has been done; in a thread, so that no command waits for it."""
    warm = min(60.0, seconds / 5)
    await asyncio.sleep(warm)
    until = time.monotonic() + seconds - warm
    while not memory or time.monotonic() < until:
        memory.append(await asyncio.to_thread(memory_below, pid))
        await asyncio.sleep((seconds - warm) / _LOOKS)


class _Flow:
    """The steps of many journeys, the next of each when the one before is done."""

    def __init__(self, ground: Ground, steps: int) -> None:
        self._ground = ground
        self._waiting: deque[list[Step]] = deque(journey for journey in ground.journeys if journey)
        # Those of whom the next step may be given.
        self._ready: deque[tuple[list[Step], int]] = deque()
        # What opens the funds of a year goes before everybody's turn.
        self._opening: set[int] = set()
        # To make a year takes a moment, in which nothing would be given.
        for seed in count(SEED + 1):
            if sum(map(len, self._waiting)) >= steps:
                break
            opening, *journeys = (_apart(journey, seed) for journey in build_year_by_hand(seed))
            # Rates, caps and authorities stand since the first year's, and nobody may state them once more.
            opening = [step for step in opening if isinstance(step.order, (OpenFund, ConfirmFund))]
            self._opening.add(id(opening))
            self._waiting.extend(journey for journey in (opening, *journeys) if journey)
        self._begun: dict[object, float] = {}
        self._keys = 0
        self.times: list[float] = []
        # What was refused for good, and by which answer.
        self.refused = Counter[str]()

    @property
    def wishes(self) -> int:
        """How many orders were done that have an effect in another service."""
        return len(self._begun)

    async def one(self, due: float) -> None:
        """The next step of whoever has waited longest, or somebody's first while fewer are on their way."""
        if self._waiting and len(self._ready) < _AT_ONCE:
            self._ready.appendleft((self._waiting.popleft(), 0))
        if not self._ready:
            return
        journey, place = self._ready.popleft()
        step, self._keys = journey[place], self._keys + 1
        key = f"soak-order-{self._keys}"
        wall, later = time.time() - (time.monotonic() - due), _LATER_SECONDS
        given_up_at = due + _PATIENCE_SECONDS
        while True:
            try:
                answer = await self._ground.caller.give(step.service, step.persona, step.id, step.order, step.at, key)
            except CannotStart:
                # For a minute nobody was there, or everybody had too much to do: a figure, and no end of the measuring.
                self.refused[f"{type(step.order).__name__}: no answer"] += 1
                return
            if answer.status_code not in _NOT_YET or time.monotonic() > given_up_at:
                break
            await asyncio.sleep(later)
            later = min(2 * later, _LATEST_SECONDS)
            # Somebody waited for another service, and not for this answer.
            due = time.monotonic()
        if not answer.is_success:
            self.refused[f"{type(step.order).__name__}: {answer.status_code} {answer.json().get('code', '')}"] += 1
            return
        self.times.append((time.monotonic() - due) * 1000)
        if isinstance(step.order, ExpressIntention):
            self._begun[step.id] = wall
        if place + 1 < len(journey):
            following = (journey, place + 1)
            if id(journey) in self._opening:
                self._ready.appendleft(following)
            else:
                self._ready.append(following)

    async def effects(self) -> list[float]:
        """From when each wish was due to be recorded until its case was opened, in milliseconds."""
        connection = await self._ground.administrator("returns")
        rows = await connection.fetch(_EFFECTS, list(self._begun))
        await connection.close()
        return [(row["at"].astimezone(UTC).timestamp() - self._begun[row["subject"]]) * 1000 for row in rows]


def _apart(journey: list[Step], seed: int) -> list[Step]:
    # Every year counts what is paid, and what comes back, from one.
    return [
        Step(step.at, step.persona, step.id, step.order.model_copy(update={"reference": f"{step.order.reference}-{seed}"}))
        if isinstance(step.order, ConfirmPayment | RecordRecovery) else step
        for step in journey
    ]  # fmt: skip
