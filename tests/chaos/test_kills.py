"""Services, broker, database and who signs the logs are killed while commands flow: nothing acknowledged is lost or twice."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random

import pytest

from shared.ids import uuid7
from shared.topology import SERVICES
from tests.chaos.checker import Logs, differences
from tests.chaos.journeys import some_journeys
from tests.chaos.system import System
from tests.integration.bus.house import until

CLIENTS = 12
READY_SECONDS = 60.0


@dataclass(frozen=True)
class Kill:
    """Which part dies, and after how many answered commands."""

    after: int
    part: str


@dataclass
class Killer:
    """Carries out the kills one after the other; the next comes only when the last victim is ready again."""

    system: System
    plan: Sequence[Kill]
    allowed: int = 0
    done: list[str] = field(default_factory=list)
    under_way: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._let_flow()

    async def turn(self) -> None:
        """Lets a command begin unless so many have that the kills to come would find nobody working."""
        await until(lambda: len(self.system.history.asked) < self.allowed, READY_SECONDS)

    async def run(self) -> None:
        """Every kill of the plan."""
        running, history = self.system.running, self.system.history
        for kill in self.plan:
            await until(partial(self._is_time_for, kill), READY_SECONDS)
            before = running.pid(kill.part)
            self.under_way.append(history.under_way)
            await running.kill(kill.part)
            # The supervisor would give whoever dies often longer and longer pauses.
            await running.start(kill.part)
            assert running.pid(kill.part) not in (before, None)
            self.done.append(kill.part)
            self._let_flow()

    def _is_time_for(self, kill: Kill) -> bool:
        history = self.system.history
        if history.answered >= kill.after and history.under_way == 0:
            # Between two looks all were answered that had been let begin, so a few more are, or nobody would go on.
            self.allowed = max(self.allowed, len(history.asked) + CLIENTS)
        return history.answered >= kill.after and history.under_way > 0

    def _let_flow(self) -> None:
        # The kill after the next still needs commands to fall among.
        later = self.plan[len(self.done) + 1 :]
        self.allowed = later[0].after if later else 1 << 60


def plan_kills(dice: Random, kills: int, first: int, commands: int) -> list[Kill]:
    """So many kills of services, in equal parts, some of the servers, and of who signs the logs, spread over the commands."""
    parts = [SERVICES[number % len(SERVICES)].name for number in range(kills)]
    parts += ["nats", "postgres"] * max(2, kills // 10) + ["checkpointer", "witness"] * max(2, kills // 10)
    dice.shuffle(parts)
    apart = min(CLIENTS, commands // (2 * len(parts)))
    moments = sorted(dice.sample(range(commands - CLIENTS - apart * len(parts)), len(parts)))
    return [Kill(first + after + apart * number, parts[number]) for number, after in enumerate(moments)]


async def test_nothing_acknowledged_is_lost_and_nothing_happens_twice_when_parts_are_killed(
    system: System, request: pytest.FixtureRequest, tell: Callable[[str], None]
) -> None:
    seed, kills, commands = (request.config.getoption(f"--chaos-{name}") for name in ("seed", "kills", "commands"))
    dice = Random(seed)
    funds, journeys = some_journeys(seed, commands)
    given = sum(map(len, journeys))
    await system.clients.run("funds", [funds])
    killer = Killer(system, plan_kills(dice, kills, system.history.answered, given))

    async with asyncio.TaskGroup() as group:
        group.create_task(killer.run())
        group.create_task(system.clients.run(f"kills-{seed}", journeys, CLIENTS, killer.turn))

    wrong = await system.wrong()
    blind = [logs for logs in _planted(await system.logs(), dice) if not differences(system.history.asked.values(), logs)]
    killed = Counter(killer.done)
    summary = (
        f"chaos: seed {seed}, {given} commands, killed {dict(sorted(killed.items()))}, "
        f"{min(killer.under_way)} to {max(killer.under_way)} commands under way at each kill, "
        f"{system.history.asked_again} asked again, {system.history.done_unheard} of them had been done, "
        f"{len(wrong)} wrong"
    )
    tell(summary)
    assert wrong == [], summary
    assert blind == [], "a loss or a repetition that was planted in this history was not found"
    assert sum(killed[service.name] for service in SERVICES) == kills, summary
    assert min(killed["nats"], killed["postgres"]) >= 2, summary
    assert min(killer.under_way) > 0, summary


def _planted(logs: Logs, dice: Random) -> Iterator[Logs]:
    """The same logs with an event of a command missing and the gap closed, or with one that stands there twice."""
    for service, log in logs.items():
        # A refusal that was put on record is nobody's command; nobody was told that it would be there.
        ordered = [place for place, entry in enumerate(log) if entry.cause is None and ".access." not in entry.type]
        for place in dice.sample(ordered, 5):
            lost = log[place]
            later = [
                replace(entry, version=entry.version - 1) if entry.subject == lost.subject else entry
                for entry in log[place + 1 :]
            ]
            yield {**logs, service: [*log[:place], *later]}
            last = max(entry.version for entry in log if entry.subject == lost.subject)
            yield {**logs, service: [*log, replace(lost, id=uuid7(), version=last + 1)]}
