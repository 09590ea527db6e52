"""A small trial with a fault planted in one process: what the checks of the large one say of it."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from ops.settings import CannotStart, OpsSettings
from ops.system import make_system
from ops.verification import verify_system
from shared.topology import SERVICES
from tests.chaos.apart import NOT_NEEDED, Apart
from tests.chaos.checker import Finding, findings
from tests.chaos.history import Asked, History
from tests.chaos.journeys import Journey, some_journeys
from tests.chaos.machine_clock import MachineClock
from tests.chaos.network import Network
from tests.chaos.planted import IN_FOLLOWERS
from tests.chaos.system import System, open_system

COMMANDS: Final = 60
# Of each journey the first answer to its first command is lost, and to every so-manieth after it, so that they are asked for again: whatever
# came in which order, whoever forgets what it answered is asked again for what it cannot do twice.
_ONE_UNHEARD_OF: Final = 5
# While commands are given it is looked each second whether the fault can be seen already: most faults stop everybody.
_LOOK_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 240.0
# Afterwards who follows others has so long to get as far as they can.
_DRAIN_SECONDS: Final = 5.0


async def prepared_in(folder: Path) -> Path:
    """The data of a system whose databases and streams are there and empty, for `found_of` to begin with."""
    async with make_system(OpsSettings(data=folder), clock="replay", say=lambda _: None, recast=lambda _, __: ()):
        return folder


async def found_of(fault: str, expected: str, prepared: Path, folder: Path) -> list[Finding]:
    """All that is wrong with this fault in one of three services, as soon as what is ``expected`` is part of it, or after all commands."""
    shutil.copytree(prepared, folder / "data")
    history = History(deaf=_is_lost)
    async with Network().open() as network:
        planted = {"returns" if fault in IN_FOLLOWERS else "counselling": fault}
        apart = Apart(network, MachineClock(folder / "clock"), planted, NOT_NEEDED | {"audit", "checkpointer", "witness"}, together=True)
        async with open_system(OpsSettings(data=folder / "data"), apart, history) as system:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LONGEST_SECONDS), _given(system) as giving:
                    await _seen(system, expected, giving)
            with contextlib.suppress(CannotStart, TimeoutError):
                async with asyncio.timeout(_DRAIN_SECONDS):
                    await system.workers.drained()
            return await _wrong(system)


def _is_lost(asked: Asked) -> bool:
    place = int(asked.key.rpartition("-")[2])
    return len(asked.attempts) == 1 and place % _ONE_UNHEARD_OF == 0


async def _seen(system: System, expected: str, giving: list[asyncio.Task[None]]) -> None:
    """Returns once the same is seen in two looks, since for a moment what is on its way looks as if it were lost, or nobody gives anything."""
    before: set[str] = set()
    while not all(task.done() for task in giving):
        await asyncio.wait(giving, timeout=_LOOK_SECONDS)
        now = {finding.text for finding in await _wrong(system) if expected in finding.text}
        if before & now:
            return
        before = now


@asynccontextmanager
async def _given(system: System) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Every journey, each as far as it gets while the block runs."""
    funds, journeys = some_journeys(1, COMMANDS)

    async def give(number: int, journey: Journey) -> None:
        # What is refused for good is in the history, where the checks look for it.
        with contextlib.suppress(ExceptionGroup):
            await system.clients.run(f"planted-{number}", [journey], 1)

    giving = [asyncio.create_task(give(number, journey)) for number, journey in enumerate((funds, *journeys))]
    try:
        yield giving
    finally:
        for task in giving:
            task.cancel()
        await asyncio.gather(*giving, return_exceptions=True)


async def _wrong(system: System) -> list[Finding]:
    found = findings(system.history.asked.values(), await system.logs())
    others: list[str] = []
    for service in SERVICES:
        others += await system.unlike_its_stream(service)
        others += await system.standing_still(service)
    others += [line async for line, differences in verify_system(system.settings, None) if differences]
    return found + [Finding("other", text) for text in others]
