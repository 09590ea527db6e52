"""Another service's stream to our reactions: each event is applied once, in order, and none is dropped."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import asyncpg
import structlog

from shared import tracing
from shared.bus import Bus, BusFault, Delivery, Heard
from shared.db import CONTENTION, INFRASTRUCTURE, Busy, Database, Scope, SetBack, Sql, UnitOfWork, Write
from shared.delivered import Delivered
from shared.epochs import EpochsAway
from shared.errors import Refusal
from shared.messages import Envelope
from shared.topology import Service, durable

Apply = Callable[[UnitOfWork, Envelope, bytes], Awaitable[None]]
# Whether anything follows here of an event of this type.
Concerns = Callable[[str], bool]

# None of these is the event's fault: besides lost connections and locks, a database that is being restored, moved or
# migrated, or a vault that does not answer. They are waited out and never counted.
FAULTS = (
    *INFRASTRUCTURE,
    *CONTENTION,
    Busy,
    SetBack,
    BusFault,
    EpochsAway,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedFunctionError,
)

_TAKE = Sql("SELECT take(:source, :idx, :hash, :partitionkey) AS verdict")
# An event of which nothing follows here is taken by one statement. Whether it waits behind a dead letter of its key is
# known only when it is taken, so that the letter is part of it.
_PASS = Sql(
    "WITH taken AS (SELECT take(:source, :idx, :hash, :partitionkey) AS verdict), "
    "letter AS (INSERT INTO dead_letter (source, idx, partitionkey, leaf, reason) "
    "SELECT :source, :idx, :partitionkey, :leaf, :reason FROM taken WHERE verdict = 'parked') "
    "SELECT verdict FROM taken"
)
_POSITION = Sql("SELECT last_idx FROM cursor WHERE source = :source")
_COUNT = Sql("SELECT count_try(:source, :idx, cast(:by AS integer)) AS tries")
_STOP = Sql(
    "INSERT INTO cursor (source, last_idx, stopped) VALUES (:source, -1, :reason) "
    "ON CONFLICT (source) DO UPDATE SET stopped = excluded.stopped"
)
_KNOWN = Sql("INSERT INTO cursor (source, last_idx) VALUES (:source, -1) ON CONFLICT DO NOTHING")
_MARK = Sql(
    "UPDATE cursor SET caught_up_at = clock_timestamp() - cast(:ago AS interval) "
    "WHERE source = :source AND last_idx + 1 >= cast(:size AS bigint) AND stopped IS NULL RETURNING 1"
)
_BURY = Sql(
    "INSERT INTO dead_letter (source, idx, partitionkey, leaf, reason) "
    "VALUES (:source, :idx, :partitionkey, :leaf, :reason)"
)

# Rules that need fresh facts look at what is marked, so it must be much younger than what they accept.
MARK_SECONDS = 1.0
FIRST_MARK_SECONDS = 0.1

log = structlog.get_logger("consumer")


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds to wait: between the tries of a failing reaction, and before a redelivery after each fault in a row.

    A reaction is tried once more often than ``tries`` has pauses; one of which a statement takes too long so often as
    ``cancelled`` says, which is some ten minutes.
    """

    tries: tuple[float, ...] = (0.05, 0.1, 0.2, 0.35, 0.55, 0.75, 1.0)
    faults: tuple[float, ...] = (1.0, 2.0, 5.0)
    cancelled: int = 60


def everything(_: str) -> bool:
    """Whatever happens has a reaction, or one is to be looked for."""
    return True


class Consumer:
    """One service's follower of one other service; ``apply`` is its reaction, run inside the cursor's transaction.

    An event of which by its type nothing follows, as ``concerns`` says, is taken without it.

    Figures for health and metrics: ``position``, the last event taken (-1: none yet); ``stopped``, why the source
    stands still (None if it does not): *other*, *gap* or *unreadable*; ``fault``, what is being waited out;
    ``caught_up``, the event loop's time at which the source said how long its log is, and all of it was applied.
    """

    def __init__(
        self, source: Service, follower: Service, database: Database, bus: Bus, apply: Apply,
        pauses: Pauses | None = None, concerns: Concerns = everything,
    ) -> None:  # fmt: skip
        self.position = -1
        self.stopped: str | None = None
        self.caught_up: float | None = None
        self._source = source
        self._durable = durable(follower, source)
        self._scope = Scope(f"service:{follower.name}")
        self._database = database
        self._bus = bus
        self._apply = apply
        self._concerns = concerns
        self._pauses = pauses or Pauses()
        # Below it nothing needs to be asked of the database; forgotten whenever that could have changed.
        self._floor = -1
        self._met = -1
        # What keeps events from being taken, and what keeps it from being noted that all were.
        self._waits: str | None = None
        self._unmarked: str | None = None
        self._faults_in_a_row = 0
        self._given_back: int | None = None
        self._counted: int | None = None
        self._reason = "process_ended"
        # Which event a statement was cancelled for last, and how often; a process that starts anew counts anew.
        self._cancelled = (-1, 0)

    @property
    def fault(self) -> str | None:
        """What is being waited out, by the kind of its error."""
        return self._waits or self._unmarked

    async def run(self, stop: asyncio.Event) -> None:
        """Follows until ``stop`` is set, and finishes the event at hand; whatever fails is tried again for ever."""
        self._floor = -1
        marking = asyncio.create_task(self._mark(stop), name=f"marks {self._source.name}")
        try:
            while not stop.is_set():
                try:
                    await self._follow(stop)
                except Exception as error:  # noqa: BLE001 -- a follower that ends hears nothing any more
                    self._waits = self._trouble(error, self._waits)
                    await _stopped_within(stop, 1)
        finally:
            marking.cancel()
            await asyncio.wait({marking})

    async def _mark(self, stop: asyncio.Event) -> None:
        """Leaves word in the database when everything in the source's log was applied, for rules that need it.

        Measured is against the log, as the source's own relay says its size, not against the stream: an event that
        was never published counts as missing. Whatever keeps it from being noted is said once and tried again for ever.
        """
        while not stop.is_set():
            heard = self._bus.heard(self._source.head)
            if heard is not None and heard.text.isdecimal() and heard.at != self.caught_up:
                try:
                    if await self._database.attempt(self._scope, self._marks(heard)):
                        self.caught_up = heard.at
                    self._unmarked = None
                except Exception as error:  # noqa: BLE001 -- who marks no more makes everything stale for good
                    self._unmarked = self._trouble(error, self._unmarked)
            await _stopped_within(stop, MARK_SECONDS if self.caught_up is not None else FIRST_MARK_SECONDS)

    def _marks(self, heard: Heard) -> Callable[[UnitOfWork], Awaitable[bool]]:
        async def work(unit: UnitOfWork) -> bool:
            # Taken here, so that a wait for a connection or a lock does not make the facts look fresher.
            ago = timedelta(seconds=asyncio.get_running_loop().time() - heard.at)
            unit.write(Write(_KNOWN, {"source": self._source.name}, rows=None))
            return await unit.row(_MARK, source=self._source.name, size=int(heard.text), ago=ago) is not None

        return work

    async def _follow(self, stop: asyncio.Event) -> None:
        deliveries = self._bus.deliveries(self._source.stream, self._durable, stop)
        async with contextlib.aclosing(aiter(deliveries)) as coming:
            async for delivery in coming:
                with delivery.held():
                    try:
                        await self._receive(delivery, stop)
                    except BusFault:
                        # The word did not get through: the broker delivers again, and the cursor knows.
                        continue

    async def _receive(self, delivery: Delivery, stop: asyncio.Event) -> None:
        idx = delivery.sequence - 1
        if idx < self._met and delivery.num_delivered == 1:
            # The stream was made anew, and the cursor may have been set back with it.
            self._floor = -1
        self._met = idx
        if idx < self._floor:
            await self._done(delivery)
            return
        disposed = False
        while True:
            try:
                outcome = await self._try(delivery, stop)
                break
            except Exception as error:  # noqa: BLE001 -- what a reaction raised was dealt with: this is our own trouble
                self._waits = self._trouble(error, self._waits)
                self._floor = -1
                await self._uncount(idx)
                if disposed or stop.is_set():
                    await self._give_back(delivery, self._faults_in_a_row)
                    self._faults_in_a_row += 1
                    return
                # What failed may be no more than a connection that died while it lay in the pool.
                disposed = True
                await self._database.dispose()
        self._faults_in_a_row = 0
        self._waits = None
        if outcome == "stop":
            await self._give_back(delivery, 0)
        elif outcome == "taken":
            await self._done(delivery)

    async def _try(self, delivery: Delivery, stop: asyncio.Event) -> Literal["taken", "stop", "unfinished"]:
        event = Delivered.of(delivery)
        if event is None:
            await self._halt("unreadable")
            return "stop"
        if event.again and event.idx not in (self._given_back, self._counted):
            # Whoever had it before us is gone. If the event ends processes, this is how its tries are counted.
            tries = await self._count(event.idx)
            if tries > len(self._pauses.tries) + 1:
                await self._bury(event)
                return "taken"
            self._counted = event.idx if tries else None
        while True:
            try:
                verdict = None if self._concerns(event.envelope.type) else await self._passed(event)
                if verdict is None:
                    with self._traced(event.envelope):
                        verdict = await self._database.attempt(self._scope, lambda unit: self._take(unit, event))
            except asyncpg.QueryCanceledError as error:
                if not await self._cancelled_for_good(event.idx):
                    raise
                self._reason = reason_of(error)
                await self._bury(event)
                return "taken"
            except FAULTS:
                raise
            except Exception as error:  # noqa: BLE001 -- whatever a reaction raises must not stop the source
                self._reason = reason_of(error)
                tries = await self._count(event.idx)
                log.warning(
                    "reaction_failed", source=self._source.name, idx=event.idx, tries=tries, reason=self._reason
                )
                if tries > len(self._pauses.tries):
                    await self._bury(event)
                    return "taken"
                if await _stopped_within(stop, self._pauses.tries[max(tries, 1) - 1]):
                    return "unfinished"
                continue
            return await self._accept(event, verdict)

    def _traced(self, event: Envelope) -> contextlib.AbstractContextManager[object]:
        return tracing.taking(event.id, event.type, event.correlationid, self._source.name)

    async def _passed(self, event: Delivered) -> str | None:
        """What an event of which nothing follows is, or None if that takes a closer look."""
        letter = self._letter(event, "parked")
        try:
            row = await self._database.alone(_PASS, **letter.values, hash=event.hash)
        except CONTENTION:
            return None
        return None if row is None or row["verdict"] == "seen" else str(row["verdict"])

    async def _take(self, unit: UnitOfWork, event: Delivered) -> str:
        verdict = await self._verdict(unit, event)
        if verdict == "new":
            await self._apply(unit, event.envelope, event.hash)
        elif verdict == "parked":
            unit.write(self._letter(event, "parked"))
        elif verdict == "seen":
            row = await unit.row(_POSITION, source=self._source.name)
            self.position = row["last_idx"] if row is not None else -1
        return verdict

    async def _verdict(self, unit: UnitOfWork, event: Delivered) -> str:
        row = await unit.row(
            _TAKE,
            source=self._source.name,
            idx=event.idx,
            hash=event.hash,
            partitionkey=event.envelope.partitionkey,
        )
        assert row is not None
        return str(row["verdict"])

    async def _accept(self, event: Delivered, verdict: str) -> Literal["taken", "stop"]:
        self._counted = None
        if verdict in ("other", "gap"):
            self._floor = -1
            self._say_stopped(verdict)
            return "stop"
        if verdict != "seen":
            self.position = event.idx
        self._floor = self.position
        if self.stopped is not None:
            log.info("source_resumed", source=self._source.name, idx=event.idx)
            self.stopped = None
        return "taken"

    async def _bury(self, event: Delivered) -> None:
        async def work(unit: UnitOfWork) -> str:
            verdict = await self._verdict(unit, event)
            if verdict in ("new", "parked"):
                unit.write(self._letter(event, self._reason))
            return verdict

        verdict = await self._database.attempt(self._scope, work)
        if verdict in ("new", "parked"):
            log.error("dead_letter", source=self._source.name, idx=event.idx, reason=self._reason)
            await self._accept(event, verdict)

    def _letter(self, event: Delivered, reason: str) -> Write:
        return Write(
            _BURY,
            {
                "source": self._source.name, "idx": event.idx, "partitionkey": event.envelope.partitionkey,
                "leaf": event.leaf, "reason": reason,
            },
        )  # fmt: skip

    async def _count(self, idx: int) -> int:
        """Counts a try that was not counted before it began, and says how many there were."""
        by = 0 if self._counted == idx else 1
        self._counted = None
        return await self._add(idx, by)

    async def _cancelled_for_good(self, idx: int) -> bool:
        """Whether the event's own statements are what takes too long: so often, while the database answered otherwise."""
        await self._add(idx, 0)
        self._cancelled = (idx, self._cancelled[1] + 1 if self._cancelled[0] == idx else 1)
        return self._cancelled[1] >= self._pauses.cancelled

    async def _uncount(self, idx: int) -> None:
        # A try that met a fault was none; if the database is what failed, the count stays open in this process.
        if self._counted == idx:
            with contextlib.suppress(*FAULTS):
                await self._add(idx, -1)
                self._counted = None

    async def _add(self, idx: int, by: int) -> int:
        async def work(unit: UnitOfWork) -> int:
            row = await unit.row(_COUNT, source=self._source.name, idx=idx, by=by)
            return int(row["tries"]) if row is not None else 0

        return await self._database.attempt(self._scope, work)

    async def _halt(self, reason: str) -> None:
        async def work(unit: UnitOfWork) -> None:
            unit.write(Write(_STOP, {"source": self._source.name, "reason": reason}))

        if self.stopped != reason:
            await self._database.attempt(self._scope, work)
            self._say_stopped(reason)

    def _say_stopped(self, reason: str) -> None:
        if self.stopped != reason:
            self.stopped = reason
            log.error("source_stopped", source=self._source.name, reason=reason, position=self.position)

    async def _done(self, delivery: Delivery) -> None:
        self._given_back = None
        self._reason = "process_ended"
        await delivery.ack()

    async def _give_back(self, delivery: Delivery, times: int) -> None:
        self._given_back = delivery.sequence - 1
        pauses = self._pauses.faults
        await delivery.nak(pauses[min(times, len(pauses) - 1)])

    def _trouble(self, error: BaseException, before: str | None) -> str:
        fault = type(error).__name__
        if fault != before:
            log.warning("source_waits", source=self._source.name, kind=fault)
        return fault


def reason_of(error: Exception) -> str:
    """Why a reaction failed, as it may be kept: a refusal's code, or what kind of error it was."""
    # The text of an exception may hold what must not be kept; a refusal's code never does.
    return f"refused: {error.code}" if isinstance(error, Refusal) else type(error).__name__


async def _stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
    return stop.is_set()
