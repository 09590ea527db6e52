"""One trial: commands flow, everything breaks, and then each command must have been done once and everything must fit together."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Final, get_args

from ops.settings import OpsSettings
from shared.ids import uuid7
from shared.topology import LOGS, SERVICES
from tests.chaos.apart import Apart
from tests.chaos.archive import unlike_the_logs
from tests.chaos.breaking import Breaker
from tests.chaos.checker import Finding, Kind, Logs, differences, told_in_part
from tests.chaos.history import Asked, History
from tests.chaos.journeys import some_journeys
from tests.chaos.machine_clock import MachineClock
from tests.chaos.network import Network
from tests.chaos.plan import CLIENTS, Trial, planned
from tests.chaos.small_disk import small_disk
from tests.chaos.system import System, open_system

# Of so many answers one is lost on its way, besides those that die with who gives them.
ONE_UNHEARD_OF: Final = 40
# How many findings are told one by one.
_TOLD: Final = 50


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a trial: what is wrong in it, and why it proves less than it should."""

    summary: str
    findings: tuple[Finding, ...]
    too_little: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether everything that was planned was carried out, and nothing is wrong."""
        return not self.findings and not self.too_little


async def tried(trial: Trial, folder: Path, say: Callable[[str], None]) -> Outcome:
    """Carries out a trial on a system of its own in this new folder, and says what it does as it does it."""
    dice = Random(trial.seed)
    async with AsyncExitStack() as stack:
        disk = stack.enter_context(small_disk(folder / "data"))
        apart = await stack.enter_async_context(processes_apart(folder))
        history = History(deaf=lambda _: dice.random() * ONE_UNHEARD_OF < 1)
        system = await stack.enter_async_context(open_system(OpsSettings(data=folder / "data"), apart, history))
        funds, journeys = some_journeys(trial.seed, trial.commands)
        given = sum(map(len, journeys))
        await system.clients.run("funds", [funds])
        breaker = Breaker(system, apart, disk, planned(trial, given, history.answered), Random(trial.seed), say)
        broke_off: tuple[str, ...] = ()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(breaker.run())
                group.create_task(system.clients.run("chaos", journeys, CLIENTS, breaker.turn))
        except ExceptionGroup as failed:
            broke_off = tuple(f"broke off: {reason}" for reason in _reasons(failed))
            breaker.undo()
        found = await everything_wrong(system)
        blind = tuple(
            f"a loss or a repetition that was planted in the log of {service} was not found"
            for service, logs in _planted(history.asked.values(), await system.logs(), Random(trial.seed))
            if not differences(history.asked.values(), logs)
        )
    return _outcome(trial, given, breaker, history, found, (*broke_off, *blind))


@asynccontextmanager
async def processes_apart(folder: Path) -> AsyncIterator[Apart]:
    """What breaks the parts of a system one by one, with its files in this folder."""
    async with Network().open() as network:
        yield Apart(network, MachineClock(folder / "clock"))


async def everything_wrong(system: System) -> list[Finding]:
    """All that is not as it must be in logs, streams, rows, checkpoints and the archive, once everybody has followed everything."""
    found = await system.findings()
    try:
        others = await unlike_the_logs(system)
    except TimeoutError:
        others = ["the archive does not catch up"]
    for log in LOGS:
        if log not in SERVICES:
            others += await system.unlike_its_checkpoint(log)
    return found + [Finding("other", text) for text in others]


def _outcome(trial: Trial, given: int, breaker: Breaker, history: History, found: list[Finding], besides: tuple[str, ...]) -> Outcome:
    done, intended = trial.carried_out(breaker.done), trial.intended
    left_out = tuple(fault.what for fault in breaker.left_out)
    missing = {kind: times for kind, times in (intended - done).items() if kind not in left_out}
    too_little = [f"{times} {kind} too few" for kind, times in missing.items()]
    if min(breaker.under_way, default=0) == 0:
        too_little.append("something broke while nobody worked")
    too_little += besides
    kinds = Counter(finding.kind for finding in found)
    killed = Counter(fault.part for fault in breaker.done if fault.kind == "kill")
    summary = "; ".join(
        (
            f"chaos: seed {trial.seed}, {given} commands",
            ", ".join(f"{done[kind]} of {times} {kind}" for kind, times in intended.items()),
            f"killed {', '.join(f'{part} {times}' for part, times in sorted(killed.items()))}",
            f"{min(breaker.under_way, default=0)} to {max(breaker.under_way, default=0)} commands under way each time",
            f"{history.asked_again} asked again, {history.done_unheard} of them had been done",
            *(("LEFT OUT: " + ", ".join(left_out),) if left_out else ()),
            *too_little,
            ", ".join(f"{kinds[kind]} {kind}" for kind in get_args(Kind)),
            "passed" if not found and not too_little else "FAILED",
        )
    )
    return Outcome(summary, tuple(found), tuple(too_little), left_out)


def told(outcome: Outcome) -> Iterator[str]:
    """Lines for whoever started it: what is wrong, and last the summary."""
    for finding in outcome.findings[:_TOLD]:
        yield f"{finding.kind}: {finding.text}"
    if len(outcome.findings) > _TOLD:
        yield f"and {len(outcome.findings) - _TOLD} more"
    yield outcome.summary


def _reasons(failed: BaseException) -> Iterator[str]:
    if isinstance(failed, BaseExceptionGroup):
        for one in failed.exceptions:
            yield from _reasons(one)
    else:
        yield f"{type(failed).__name__}: {failed}"


def _planted(asked: Collection[Asked], logs: Logs, dice: Random) -> Iterator[tuple[str, Logs]]:
    """The same logs with an event of a command missing and the gap closed, or with one that stands there twice."""
    in_part = told_in_part(asked, logs)
    for service, log in logs.items():
        # A refusal that was put on record is nobody's command; nobody was told that it would be there.
        ordered = [
            place
            for place, entry in enumerate(log)
            if entry.cause is None and ".access." not in entry.type and (service, entry.correlation) not in in_part
        ]
        for place in dice.sample(ordered, 3):
            lost = log[place]
            later = [
                replace(entry, version=entry.version - 1) if entry.subject == lost.subject else entry
                for entry in log[place + 1 :]
            ]
            yield service, {**logs, service: [*log[:place], *later]}
            last = max(entry.version for entry in log if entry.subject == lost.subject)
            yield service, {**logs, service: [*log, replace(lost, id=uuid7(), version=last + 1)]}
