"""The programs a supervisor runs beside the servers, and how it is told that one has ended."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ops.process import Process, Processes, inherited_environment
from ops.readiness import is_up
from ops.settings import CannotStart

# A small server that starts everything at once may need as long as that for the last of them.
READY_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Child:
    """A program to run; `env` is added to what it inherits, from which avrr's own variables are removed.

    It counts as ready when `ready_url` answers 200 or that people have to do something first, or as soon as it runs when there is none.
    What is not `vital` may end while everything else goes on, and is started again.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    ready_url: str | None = None
    vital: bool = True


class Ended(Exception):
    """Something that should run has ended; `lines` are the last it said."""

    def __init__(self, name: str, code: int, lines: Sequence[str]) -> None:
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        super().__init__(f"{name} {how}")
        self.name = name
        self.code = code
        self.lines = tuple(lines)


class Part(Protocol):
    """Anything that can be started again and again: a server or a child."""

    @property
    def name(self) -> str:
        """Under which it is addressed."""

    @property
    def stop_signal(self) -> signal.Signals:
        """What asks it to end in good order."""

    async def start(self) -> Process:
        """Starts it and returns when it is ready."""


class Program:
    """A child as a part of the system."""

    stop_signal = signal.SIGTERM

    def __init__(self, child: Child, processes: Processes, quiet: bool) -> None:
        self.name = child.name
        self._child = child
        self._processes = processes
        self._quiet = quiet

    async def start(self) -> Process:
        """Starts it and returns when it is ready; `Ended` when it ends before, with its last lines."""
        environment = {**inherited_environment(), **self._child.env}
        process = await self._processes.spawn(self.name, self._child.argv, environment, to_file=self._quiet)
        try:
            await self._ready(process)
        except BaseException:
            await process.kill()
            raise
        return process

    async def _ready(self, process: Process) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + READY_SECONDS
        while self._child.ready_url is not None:
            answers = await is_up(self._child.ready_url)
            # Looked at after the answer: a child that found its port taken must not pass for the one that has it.
            if process.returncode is not None:
                raise Ended(self.name, await process.wait(), process.tail())
            if answers:
                return
            if loop.time() > until:
                raise CannotStart("not_ready", f"{self.name} was not ready after {READY_SECONDS:.0f} s")
            await asyncio.sleep(0.05)
