"""Carries out what is to go wrong, one thing after the other, each while commands are under way."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Final

import httpx
from pydantic import BaseModel

from ops.repairs import rebuild_stream
from ops.system import addresses
from shared.endpoints import Readiness
from shared.topology import AUDIT, BY_NAME
from tests.chaos.apart import Apart
from tests.chaos.plan import CLIENTS, Fault
from tests.chaos.small_disk import SmallDisk
from tests.chaos.system import System
from tests.integration.bus.house import until

READY_SECONDS: Final = 120.0
# What lasts does so until so many commands more were answered, or nobody is answered any more for so long.
LASTS_COMMANDS: Final = 25
LASTS_SECONDS: Final = 4.0
# As far as a clock jumps; tokens live for five minutes.
JUMP_SECONDS: Final = 900.0
# A relay compares its log and its stream each second.
_JUST_NOW_SECONDS: Final = 2.0


class _Relay(BaseModel):
    alarm: str | None
    fault: str | None
    compared_seconds_ago: float | None


@dataclass
class Breaker:
    """What is to go wrong in a system; the next comes only when what the last one broke is ready again."""

    system: System
    apart: Apart
    disk: SmallDisk | None
    plan: Sequence[Fault]
    dice: Random
    say: Callable[[str], None]
    allowed: int = 0
    done: list[Fault] = field(default_factory=list)
    left_out: list[Fault] = field(default_factory=list)
    under_way: list[int] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._let_flow()

    async def turn(self) -> None:
        """Lets a command begin unless so many have that the faults to come would find nobody working."""
        await until(lambda: len(self.system.history.asked) < self.allowed, READY_SECONDS)

    async def run(self) -> None:
        """Everything that is planned."""
        for fault in self.plan:
            await until(partial(self._is_time_for, fault), READY_SECONDS)
            under_way = self.system.history.under_way
            told = await self._broken(fault)
            self.say(f"{time.monotonic() - self.begun:7.1f} s  {fault.what:28}{told}, {under_way} commands under way")
            self.under_way.append(under_way)
            self._let_flow()

    def undo(self) -> None:
        """What lasts ends, so that after a trial that broke off it can be seen what is wrong."""
        self.apart.network.mend(lost=True)
        if self.disk is not None:
            self.disk.free()

    async def _broken(self, fault: Fault) -> str:
        match fault.kind:
            case "kill":
                told = await self._kill(fault.part)
            case "wipe":
                told = await self._wipe()
            case "cut":
                told = await self._cut()
            case "jump":
                told = self._jump()
            case "full" if self.disk is not None:
                told = await self._fill(self.disk)
            case "full":
                self.left_out.append(fault)
                return "NOT TRIED: this user may not mount a disk"
        self.done.append(fault)
        return told

    async def _kill(self, part: str) -> str:
        running = self.system.running
        before = running.pid(part)
        await running.kill(part)
        # The supervisor would give whoever dies often longer and longer pauses.
        await running.start(part)
        assert running.pid(part) not in (before, None)
        return f"pid {before}"

    async def _wipe(self) -> str:
        running = self.system.running
        before = running.pid("nats")
        await running.kill("nats", for_good=True)
        shutil.rmtree(self.system.settings.data_folder / "nats" / "store")
        await self._lasts()
        await running.start("nats")
        return f"pid {before} and all it had stored"

    async def _cut(self) -> str:
        lines = len(self.apart.network.lines)
        assert lines, "nobody reaches the broker by the line that is to be cut"
        lost = self.dice.random() < 0.5
        self.apart.network.cut()
        await self._lasts()
        self.apart.network.mend(lost=lost)
        return f"{lines // 2} lines, what was on its way {'lost' if lost else 'came later'}"

    def _jump(self) -> str:
        ahead = self.dice.uniform(-JUMP_SECONDS, JUMP_SECONDS)
        self.apart.clock.set_ahead(ahead)
        return f"to {ahead:+.0f} s of the true time"

    async def _fill(self, disk: SmallDisk) -> str:
        disk.fill()
        await self._lasts()
        disk.free()
        # What an operator does then (docs/alerts.md): a broker stores nothing again by itself, and may have kept a part of a stream.
        for part in ("postgres", "nats"):
            await self.system.running.restart(part)
        rebuilt: set[str] = set()
        await until(partial(self._relayed, rebuilt), READY_SECONDS)
        return f"and emptied, PostgreSQL and NATS started again, {' and '.join(sorted(rebuilt)) or 'no stream'} rebuilt"

    async def _relayed(self, rebuilt: set[str]) -> bool:
        """Whether every relay has found log and stream equal just now; a stream that it cannot go on with is made anew."""
        agree = True
        found = addresses(self.system.running, "replay").services
        for name, url in {AUDIT.name: found[AUDIT.name], **self.apart.workers}.items():
            try:
                answer = await self.system.client.get(f"{url}/readyz")
            except httpx.TransportError:
                return False
            if not answer.is_success:
                return False
            relay = _Relay.model_validate(Readiness.model_validate_json(answer.content).worker["relay"])
            if relay.alarm is not None and name not in rebuilt:
                await rebuild_stream(self.system.settings, BY_NAME[name].stream)
                rebuilt.add(name)
            seconds = relay.compared_seconds_ago
            agree &= relay.alarm is None and relay.fault is None and seconds is not None and seconds < _JUST_NOW_SECONDS
        if not agree:
            await asyncio.sleep(_JUST_NOW_SECONDS / 10)
        return agree

    async def _lasts(self) -> None:
        history = self.system.history
        enough = history.answered + LASTS_COMMANDS
        with contextlib.suppress(TimeoutError):
            await until(lambda: history.answered >= enough, LASTS_SECONDS)

    def _is_time_for(self, fault: Fault) -> bool:
        history = self.system.history
        if history.answered >= fault.after and history.under_way == 0:
            # Between two looks all were answered that had been let begin, so a few more are, or nobody would go on.
            self.allowed = max(self.allowed, len(history.asked) + CLIENTS)
        return history.answered >= fault.after and history.under_way > 0

    def _let_flow(self) -> None:
        # The fault after the next still needs commands to fall among.
        later = self.plan[len(self.under_way) + 1 :]
        self.allowed = later[0].after if later else 1 << 60
