"""The log to the stream: publishes what the stream misses, and nothing if the stream holds something else."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from shared import tracing
from shared.bus import Bus, BusFault, SequenceTaken
from shared.db import INFRASTRUCTURE
from shared.leaves import told_by
from shared.tlog.tree import leaf_hash
from shared.topology import Service
from shared.turn import Turn

POLL_SECONDS = 1.0
BATCH = 256

# Held by the session that publishes; each service has a database, and therefore a lock, of its own.
_LOCK = b"avrr-log"
_ANSWER_SECONDS = 10.0
_VERSION = re.compile(r"\.v\d+$")
# No kind of event is half as long, and a broker hangs up on whoever says a line of four kilobytes.
_LONGEST = 200

_COMPARE = (
    "SELECT h.size, e.leaf_hash, (SELECT extract(epoch FROM clock_timestamp() - n.at)::float8 FROM event_log n WHERE n.idx = $1::bigint + 1) AS waits "
    "FROM log_head h LEFT JOIN event_log e ON e.idx = $1::bigint"
)
_READ = "SELECT idx, id, type, leaf FROM event_log WHERE idx >= $1 ORDER BY idx LIMIT $2"

log = structlog.get_logger("relay")


class _Recheck(Exception):
    """The stream is not where the relay believed it to be."""


class Relay:
    """Keeps a service's stream equal to its log; of several, the one that holds the database's lock is active.

    Figures for health and metrics: ``active``; ``published``, the events known to be in the stream, and ``lag``,
    those of the log that are not yet; ``alarm``, why the stream can't be continued (None if it can); ``fault``, what
    the relay waits for at the moment (None if nothing); ``last_ok``, the event loop's time of the last comparison
    that found stream and log in agreement. ``differs`` is called where the stream holds what the log does not, or has holes where it may.
    """

    def __init__(
        self,
        database_url: str,
        bus: Bus,
        service: Service,
        wake: asyncio.Event,
        poll_seconds: float = POLL_SECONDS,
        differs: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.active = False
        self.published = 0
        self.lag = 0
        self.alarm: str | None = None
        self.fault: str | None = None
        self.last_ok: float | None = None
        self._began: float | None = None
        # When the first entry was logged that is not in the stream, as far as the last comparison saw it.
        self._behind_since: float | None = None
        self._database_url = database_url
        self._bus = bus
        self._service = service
        self._wake = wake
        self._poll_seconds = poll_seconds
        self._differs = differs

    async def run(self, stop: asyncio.Event) -> None:
        """Relays until ``stop`` is set; whatever fails is tried again for ever."""
        self._began = asyncio.get_running_loop().time()
        ending = asyncio.create_task(stop.wait())
        ending.add_done_callback(lambda _: self._wake.set())
        try:
            while not stop.is_set():
                try:
                    await self._session(stop)
                except INFRASTRUCTURE as error:
                    self._trouble("database_down", error)
                except Exception as error:  # noqa: BLE001 -- a relay that ends stops every follower
                    self._trouble("unexpected", error)
                self.active = False
                await self._rest(stop)
        finally:
            ending.cancel()

    def lag_seconds(self) -> float:
        """For how long the oldest entry of the log has waited that is not in the stream; 0 if there is none."""
        if self._behind_since is None or not self.lag:
            return 0.0
        return max(asyncio.get_running_loop().time() - self._behind_since, 0.0)

    def compared_ago(self) -> float:
        """Seconds since log and stream were found to agree, or since the start; 0 while another relay is the active one."""
        if self._began is None or not (self.active or self.fault is not None):
            return 0.0
        return asyncio.get_running_loop().time() - (self._began if self.last_ok is None else self.last_ok)

    async def _session(self, stop: asyncio.Event) -> None:
        turn = Turn(self._database_url, f"{self._service.name}-relay", _LOCK, _ANSWER_SECONDS)
        try:
            while not (stop.is_set() or await turn.taken()):
                # Another relay is active, and what it finds is for it to say.
                self.fault = self.alarm = None
                await self._rest(stop)
            if stop.is_set():
                return
            self.active = True
            await turn.session.add_listener("log", lambda *_: self._wake.set())
            await self._follow(turn.session, stop)
        finally:
            turn.given_back()

    async def _follow(self, connection: "asyncpg.Connection[asyncpg.Record]", stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        position: int | None = None
        compared = 0.0
        while not stop.is_set():
            self._wake.clear()
            try:
                if position is None or loop.time() - compared >= self._poll_seconds:
                    position = await self._compare(connection)
                    compared = loop.time()
                until = compared + self._poll_seconds
                if position is not None:
                    while not stop.is_set() and loop.time() < until:
                        after = await self._publish(connection, position, until, stop)
                        if after == position:
                            break
                        position = after
                self.fault = None
            except (SequenceTaken, _Recheck):
                position = None
                if loop.time() - compared < self._poll_seconds / 10:
                    # Nothing was published between two comparisons: somebody else writes as fast as we do.
                    await asyncio.sleep(self._poll_seconds / 10)
                continue
            except BusFault as fault:
                position = None
                self._trouble("bus_down", fault)
            if position is None:
                await self._rest(stop)
            elif loop.time() < until:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(until):
                        await self._wake.wait()

    async def _compare(self, connection: "asyncpg.Connection[asyncpg.Record]") -> int | None:
        # The stream first, the log's size afterwards: the log only grows, so a longer stream is not a race.
        stream = self._service.stream
        state = await self._bus.stream_state(stream)
        last = await self._bus.message(stream, state.last) if state.messages else None
        row = await connection.fetchrow(_COMPARE, state.last - 1)
        size, expected = (row["size"], row["leaf_hash"]) if row is not None else (0, None)
        waits = row["waits"] if row is not None else None
        self._behind_since = None if waits is None else asyncio.get_running_loop().time() - waits
        alarm: str | None = None
        if state.last > size:
            alarm = "stream_longer_than_log"
        elif state.messages != state.last or (state.messages and (state.first != 1 or last is None)):
            alarm = "stream_has_holes"
        elif last is not None and leaf_hash(last) != expected:
            alarm = "stream_holds_another_event"
        if alarm != self.alarm:
            if alarm is None:
                log.info("relay_resumed", stream=stream, at=state.last)
            else:
                log.error("relay_stopped", stream=stream, reason=alarm, stream_size=state.last, log_size=size)
            self.alarm = alarm
        # Holes hide whether something differs as well.
        if alarm is not None and self._differs is not None:
            await self._differs()
        self.lag = max(size - state.last, 0)
        # Whatever is wrong with the stream, followers learn how far they are behind the log itself.
        await self._bus.say(self._service.head, str(size))
        if alarm is not None:
            return None
        self.published = state.last
        self.last_ok = asyncio.get_running_loop().time()
        return state.last

    async def _publish(
        self, connection: "asyncpg.Connection[asyncpg.Record]", position: int, until: float, stop: asyncio.Event
    ) -> int:
        loop = asyncio.get_running_loop()
        rows = await connection.fetch(_READ, position, BATCH)
        for number, row in enumerate(rows):
            if stop.is_set() or loop.time() >= until:
                break
            if row["idx"] != position:
                raise RuntimeError("the log has a gap")
            subject = subject_of(self._service, row["type"])
            with _published(row):
                sequence = await self._bus.publish(subject, row["leaf"], event_id=row["id"], after=position)
            if sequence != position + 1:
                raise _Recheck
            position = sequence
            self.published = position
            self.lag = max(self.lag, len(rows) - number) - 1
        if not rows or self.lag == 0:
            self.lag = 0
            self._behind_since = None
        return position

    async def _rest(self, stop: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._poll_seconds):
                await stop.wait()

    def _trouble(self, fault: str, error: Exception) -> None:
        if fault != self.fault:
            self.fault = fault
            log.warning("relay_waits", stream=self._service.stream, reason=fault, kind=type(error).__name__)


def _published(row: asyncpg.Record) -> contextlib.AbstractContextManager[object]:
    if not tracing.is_on():
        return contextlib.nullcontext()
    return tracing.publishing(row["id"], row["type"], str(told_by(row["leaf"]).get("correlationid")))


def subject_of(service: Service, type: str) -> str:
    """The NATS subject of an event type: the type without its version.

    A type that can't be a subject of this service must not block the events behind it: it goes to ``….other``.
    Nobody filters by subject; followers read the type in the leaf.
    """
    subject = _VERSION.sub("", type)
    if len(subject) <= _LONGEST and re.fullmatch(rf"avrr\.{service.name}(\.[A-Za-z0-9_-]+)+", subject):
        return subject
    return f"avrr.{service.name}.other"
