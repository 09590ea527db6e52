"""What a service does beside its API: relays its own log, follows those it wants to hear of."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Protocol

import structlog

from shared.bus import Bus
from shared.consumer import Apply, Concerns, Consumer, everything
from shared.db import Database
from shared.metrics import Metrics
from shared.relay import Relay
from shared.set_back import Standing
from shared.settings import Settings
from shared.topology import BY_NAME, Service

STOP_SECONDS = 5.0


class Follower(Protocol):
    """What follows one log, and the figures that tell how; `Consumer` says what each of them means."""

    position: int
    stopped: str | None

    @property
    def fault(self) -> str | None:
        """What is being waited out, by the kind of its error."""

    @property
    def caught_up(self) -> float | None:
        """The event loop's time at which the source said how long its log is, and there was nothing left to take."""

    async def run(self, stop: asyncio.Event) -> None:
        """Follows until ``stop`` is set."""


class Beside(Protocol):
    """What a service does all the time beside its API and its followers."""

    def running(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Does it while the block runs."""

    def status(self) -> Mapping[str, object]:
        """What readiness tells of it."""


# Makes what follows one log in place of reactions.
Following = Callable[[Service, Database, Bus], Follower]

log = structlog.get_logger("worker")


class Worker:
    """Relay and consumers of one service, sharing one connection to the broker.

    ``database`` is the worker's login and open while the worker runs; ``wake`` is set after each commit that grew
    the log.
    """

    def __init__(
        self, service: Service, settings: Settings, database: Database, wake: asyncio.Event, apply: Apply,
        concerns: Concerns = everything, following: Following | None = None, standing: Standing | None = None,
    ) -> None:  # fmt: skip
        heads = tuple(BY_NAME[name].head for name in service.follows)
        self._began: float | None = None
        self.bus = Bus.of(settings, service.name, hears=heads)
        self.relay = Relay(
            settings.worker_login, self.bus, service, wake,
            differs=partial(standing.compare, self.bus) if standing is not None else None,
        )  # fmt: skip
        self._standing = standing
        self.consumers: Mapping[str, Follower] = {
            name: following(BY_NAME[name], database, self.bus)
            if following
            else Consumer(BY_NAME[name], service, database, self.bus, apply, concerns=concerns)
            for name in service.follows
        }

    async def run(self, stop: asyncio.Event) -> None:
        """Works until ``stop`` is set; the event at hand is finished first."""
        self._began = asyncio.get_running_loop().time()
        async with self.bus:
            while not stop.is_set():
                if self._standing is not None:
                    await _either(stop, self._standing.is_open)
                if not stop.is_set():
                    await self._work(stop)

    async def _work(self, stop: asyncio.Event) -> None:
        """Works until ``stop`` is set, or until it shows that the database was set back."""
        halt = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.relay.run(halt), name="relay")
            for name, consumer in self.consumers.items():
                group.create_task(consumer.run(halt), name=f"follower of {name}")
            await (stop.wait() if self._standing is None else _either(stop, self._standing.is_shut))
            halt.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Works while the block runs, and is given a few seconds to finish the events at hand when it ends."""
        stop = asyncio.Event()
        task = asyncio.create_task(self.run(stop), name="worker")
        task.add_done_callback(_say_if_failed)
        try:
            yield
        finally:
            stop.set()
            done, _ = await asyncio.wait({task}, timeout=STOP_SECONDS)
            if not done:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task

    def measured(self, metrics: Metrics) -> None:
        """Tells the figures that alert rules look at; of a process that does not work, or waits for its turn, they are 0."""
        relay = self.relay
        metrics.told({
            "avrr_bus_away": ("1 while a process that works cannot reach the broker", lambda: float(self._began is not None and not self.bus.connected)),
            "avrr_relay_active": ("1 in the process that relays the log", lambda: float(relay.active)),
            "avrr_relay_alarm": ("1 where the stream holds something else than the log", lambda: float(relay.alarm is not None)),
            "avrr_relay_lag_events": ("entries of the log that are not in the stream", lambda: relay.lag),
            "avrr_relay_lag_seconds": ("for how long the oldest of them has waited", relay.lag_seconds),
            "avrr_relay_compared_age_seconds": ("since log and stream were last found to agree", relay.compared_ago),
        })  # fmt: skip
        for name, consumer in self.consumers.items():
            metrics.told(
                {"avrr_cursor_caught_up_age_seconds": ("since all of another log was taken", partial(self._caught_up_ago, consumer))},
                source=name,
            )

    def heads(self) -> dict[str, int]:
        """How long each log is that is followed, as its own relay said last."""
        heard = {name: self.bus.heard(BY_NAME[name].head) for name in self.consumers}
        return {name: int(one.text) for name, one in heard.items() if one is not None and one.text.isdecimal()}

    def _caught_up_ago(self, consumer: Follower) -> float:
        now = asyncio.get_running_loop().time()
        if self._began is None:
            return 0.0
        return now - (self._began if consumer.caught_up is None else consumer.caught_up)

    def status(self) -> dict[str, object]:
        """What readiness and metrics tell of this process; times are seconds ago, None if never."""
        relay = self.relay
        return {
            "connected": self.bus.connected,
            "relay": {
                "active": relay.active,
                "published": relay.published,
                "lag": relay.lag,
                "alarm": relay.alarm,
                "fault": relay.fault,
                "compared_seconds_ago": _ago(relay.last_ok),
            },
            "sources": {
                name: {
                    "position": consumer.position,
                    "stopped": consumer.stopped,
                    "fault": consumer.fault,
                    "caught_up_seconds_ago": _ago(consumer.caught_up),
                }
                for name, consumer in self.consumers.items()
            },
        }


async def _either(one: asyncio.Event, other: asyncio.Event) -> None:
    """Returns once one of both is set."""
    waits = [asyncio.create_task(event.wait()) for event in (one, other)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def _ago(moment: float | None) -> float | None:
    return None if moment is None else round(asyncio.get_running_loop().time() - moment, 3)


def _say_if_failed(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("worker_ended", exc_info=error)
