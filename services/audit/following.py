"""A stream into the archive: batch after batch in order, faults waited out, and nothing passed over."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final

import asyncpg
import structlog

from services.audit import archive
from services.audit.archive import Entry, Taken
from shared.bus import ACK_WAIT, Bus, BusFault, Delivery
from shared.consumer import FAULTS
from shared.db import Database, Scope, Sql
from shared.tlog.refusals import LogRefused
from shared.tlog.tiles import Growing
from shared.topology import AUDIT, Service, durable

# Few enough that a statement ends in a fraction of a second, and its bytes (32 KiB each at most) fit in memory.
MOST_IN_A_BATCH: Final = 500
# Nobody's next step waits for the archive. Of a flow each of its transactions takes a fifth of a second's events: one for each
# event took the machine more than the command that the event came of.
APART_SECONDS: Final = 0.2
# Who died with deliveries in hand leaves those behind them to whoever comes next, until the broker hands all out again. A
# hole that stays when it has is none that something still to come would fill.
TIMES_A_HOLE_IS_LOOKED_AT: Final = 3

# What the database answers where it is the entry that it does not take, and would not however often it was asked.
_NEVER_TAKEN: Final = (
    asyncpg.DataError, asyncpg.CheckViolationError, asyncpg.NotNullViolationError, asyncpg.ProgramLimitExceededError
)  # fmt: skip

# What is answered where the archive's own tables have something else than it left there, or nothing.
_DAMAGED: Final = (asyncpg.UniqueViolationError, asyncpg.RestrictViolationError, LogRefused)

_POSITION = Sql("SELECT last_idx, stopped FROM cursor WHERE source = :log")

log = structlog.get_logger("archive")


class Archiver:
    """Archives one log out of its stream; figures as of `shared.consumer.Consumer`.

    Of several that archive one log, in several processes, each takes what the others have not: the cursor's row lock
    makes them take turns.
    """

    def __init__(
        self, source: Service, database: Database, bus: Bus, pauses: Sequence[float] = (1.0, 2.0, 5.0),
        redelivered_after: float = ACK_WAIT + 1.0,
    ) -> None:
        self.position = -1
        self.stopped: str | None = None
        self.fault: str | None = None
        self._source = source
        self._database = database
        self._bus = bus
        self._pauses = tuple(pauses)
        self._redelivered_after = redelivered_after
        self._scope = Scope(f"service:{AUDIT.name}")
        self._tree: Growing | None = None
        self._holes = 0
        self._caught_up: float | None = None

    @property
    def caught_up(self) -> float | None:
        """The event loop's time at which the source said how long its log is, and all of it was archived."""
        heard = self._bus.heard(self._source.head)
        if heard is not None and heard.text.isdecimal() and int(heard.text) <= self.position + 1:
            self._caught_up = heard.at
        return self._caught_up

    async def run(self, stop: asyncio.Event) -> None:
        """Archives until ``stop`` is set, and finishes the batch at hand; whatever fails is tried again for ever."""
        while not stop.is_set():
            try:
                await self._follow(stop)
            except Exception as error:  # noqa: BLE001 -- an archive that ends misses everything from then on
                self._trouble(error)
                await _stopped_within(stop, self._pauses[0])
            else:
                # What was handed out and not acknowledged comes again from its beginning, in order.
                await _stopped_within(stop, self._redelivered_after)

    async def _follow(self, stop: asyncio.Event) -> None:
        await self._look()
        deliveries = self._bus.deliveries(self._source.stream, durable(AUDIT, self._source), stop, pull=MOST_IN_A_BATCH)
        async with contextlib.aclosing(deliveries.batches(MOST_IN_A_BATCH, APART_SECONDS)) as coming:
            async for batch in coming:
                with batch[-1].held():
                    if not await self._receive(batch, stop):
                        return

    async def _look(self) -> None:
        row = await self._database.alone(_POSITION, log=self._source.name)
        self.position, self.stopped = (row["last_idx"], row["stopped"]) if row is not None else (-1, None)

    async def _receive(self, batch: Sequence[Delivery], stop: asyncio.Event) -> bool:
        """Whether the stream goes on in order; otherwise it has to be bound anew."""
        faults = 0
        while True:
            try:
                taken = await self._take(batch)
                break
            except FAULTS as error:
                self._trouble(error)
                self._tree = None
                await self._database.dispose()
                if await _stopped_within(stop, self._pauses[min(faults, len(self._pauses) - 1)]):
                    return False
                faults += 1
        self.fault = None
        self._tree = taken.tree
        self.position = taken.last
        self._say(taken.stopped)
        done = [delivery for delivery in batch if delivery.sequence - 1 <= taken.last]
        if taken.stopped is None and done:
            with contextlib.suppress(BusFault):
                # If the word is lost they come again, and are compared with what was archived.
                await done[-1].ack()
        return taken.stopped is None and not taken.hole

    async def _take(self, batch: Sequence[Delivery]) -> Taken:
        entries: list[Entry] = []
        for delivery in sorted(batch, key=lambda one: one.sequence):
            entry = Entry.of(delivery.sequence - 1, delivery.data)
            if entry is None:
                break
            if not entries or entries[-1].idx != entry.idx:
                entries.append(entry)
        unreadable = len({delivery.sequence for delivery in batch}) > len(entries)
        name = self._source.name
        if not entries:
            await self._database.attempt(self._scope, lambda unit: archive.stop(unit, name, "unreadable"))
            return Taken(self.position, "unreadable")
        while True:
            try:
                taken = await self._kept(entries)
                break
            except _NEVER_TAKEN:
                if len(entries) == 1:
                    await self._database.attempt(self._scope, lambda unit: archive.stop(unit, name, "unreadable"))
                    return Taken(self.position, "unreadable")
                entries, unreadable = entries[: len(entries) // 2], True
            except _DAMAGED:
                await self._database.attempt(self._scope, lambda unit: archive.stop(unit, name, "damaged"))
                return Taken(self.position, "damaged")
        self._holes = self._holes + 1 if taken.hole else 0
        if taken.hole and self._holes >= TIMES_A_HOLE_IS_LOOKED_AT:
            await self._database.attempt(self._scope, lambda unit: archive.stop(unit, name, "gap"))
            return Taken(taken.last, "gap", hole=True, tree=taken.tree)
        # What comes before the one that is no event is archived; then it is met again, alone at the front.
        return taken if not unreadable or taken.stopped else Taken(taken.last, hole=True, tree=taken.tree)

    async def _kept(self, entries: Sequence[Entry]) -> Taken:
        name = self._source.name
        return await self._database.attempt(self._scope, lambda unit: archive.take(unit, name, entries, self._tree))

    def _say(self, stopped: str | None) -> None:
        if stopped == self.stopped:
            return
        if stopped is None:
            log.info("archive_resumed", source=self._source.name, position=self.position)
        else:
            log.error("archive_stopped", source=self._source.name, reason=stopped, position=self.position)
        self.stopped = stopped

    def _trouble(self, error: BaseException) -> None:
        fault = type(error).__name__
        if fault != self.fault:
            self.fault = fault
            log.warning("archive_waits", source=self._source.name, kind=fault)


async def _stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
    return stop.is_set()
