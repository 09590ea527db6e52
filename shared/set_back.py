"""Whether a service's database was set back to an earlier time: found by whoever outside it knows more of its log, and waited out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

import httpx
import structlog
from prometheus_client import Gauge
from pydantic import ValidationError

from shared.actors import Actor, Role
from shared.bus import Bus, BusFault
from shared.consumer import FAULTS
from shared.db import Busy, Database, NotYetTold, Scope, SetBack, Sql, UnitOfWork, Write
from shared.ids import uuid7
from shared.last_known import LastKnown, Memory, MemoryDamaged, judged, place_of
from shared.messages import Envelope
from shared.metrics import Metrics
from shared.outgoing import Outgoing
from shared.settings import Settings
from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.notes import MOST_NOTE_BYTES, Note
from shared.tlog.refusals import LogRefused
from shared.tlog.tree import leaf_hash
from shared.topology import Service

Finder = Literal["operator", "stream", "checkpointer", "archive", "follower"]

LOOK_SECONDS: Final = 1.0
# What was signed is asked for less often: the stream, which is compared each second, knows the same.
ASK_SECONDS: Final = 10.0
# Nobody's start waits longer for a broker or a checkpointer that is away.
_STREAM_SECONDS: Final = 1.0
_CHECKPOINTER_SECONDS: Final = 1.0
# What auditors still read of a log that was set back; each reading is on record in it.
LOG_READS: Final = frozenset(
    {"read_events", "read_verification", "search_log", "read_event", "read_chain", "export_log", "read_forms"}
)

_WAITS = Sql("SELECT id, kept, known, finder, accepted_at IS NOT NULL AS accepted FROM restored WHERE opened_at IS NULL")
_ENTRY = Sql(
    "SELECT (SELECT coalesce(max(idx) + 1, 0) FROM event_log) AS size, (SELECT leaf_hash FROM event_log WHERE idx = :idx) AS leaf_hash"
)
_FOUND = Sql(
    "INSERT INTO restored (id, kept, known, finder) "
    "SELECT :id, least(h.size, :kept), greatest(least(h.size, :kept), :known), :finder "
    "FROM log_head h WHERE NOT EXISTS (SELECT FROM restored WHERE opened_at IS NULL)"
)
# What was signed stays signed: of a history that two persons accepted as lost it is no news.
_ACCEPTED = Sql("SELECT coalesce(max(known), 0) AS known, count(*) AS restores FROM restores WHERE accepted_at IS NOT NULL")
# It is over without ever having been opened, which is told by both times being one.
_NO_LONGER_ACCEPTED = Sql("UPDATE restored SET opened_at = accepted_at WHERE opened_at IS NULL AND accepted_at IS NOT NULL")
_KNOWN_MORE = Sql("UPDATE restored SET known = :known WHERE opened_at IS NULL AND accepted_at IS NULL AND known < :known")

_ALL: Final = 2**62

log = structlog.get_logger("set_back")


@dataclass(frozen=True, slots=True)
class Mark:
    """A setting back that waits: of ``known`` entries the log kept so many; ``accepted`` by two persons, or not yet."""

    id: UUID
    kept: int
    known: int
    finder: Finder
    accepted: bool


async def marked(database: Database) -> Mark | None:
    """The setting back that a database waits for, None if it was not set back or all of that is over."""
    row = await database.alone(_WAITS)
    return Mark(*row.values()) if row is not None else None


async def mark(
    database: Database, service: str, known: int, finder: Finder, kept: int | None = None, *, anew: bool = False
) -> Mark | None:
    """Leaves word in the database, by the worker's login, that it was set back; a second word says no more than what is known.

    ``known`` is how many entries somebody outside knows of, of which ``kept`` are in the log: all that it has, where nobody says
    otherwise; fewer than were kept are taken for as many. ``anew`` is said by whoever knows that it was set back since: what two
    persons accepted of it and was not opened yet is no longer accepted, and nobody is let in between.
    """

    async def work(unit: UnitOfWork) -> None:
        if anew:
            unit.write(Write(_NO_LONGER_ACCEPTED, {}, rows=None))
            await unit.flush()
        unit.write(Write(_FOUND, {"id": uuid7(), "known": known, "finder": finder, "kept": _ALL if kept is None else kept}, rows=None))
        await unit.flush()
        unit.write(Write(_KNOWN_MORE, {"known": known}, rows=None))

    await database.attempt(Scope(f"service:{service}"), work)
    return await marked(database)


async def entry_of(database: Database, service: Service, idx: int) -> tuple[int, bytes | None]:
    """How many entries a log has, and the hash of the one at an index, None where it has none there."""
    async with database.unit_of_work(Scope(f"service:{service.name}", log=True)) as unit:
        row = await unit.row(_ENTRY, idx=idx)
    assert row is not None
    return int(row["size"]), bytes(row["leaf_hash"]) if row["leaf_hash"] is not None else None


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody outside says of a log: whether anything was ``said``; of how many entries they ``know``, if the log lacks some
    of these, and how many of them it ``kept``.
    """

    said: bool
    known: int | None = None
    kept: int | None = None


async def told_by_stream(bus: Bus, service: Service, own: Callable[[int], Awaitable[tuple[int, bytes | None]]]) -> Word:
    """What the service's stream says of its log, of which ``own`` tells the size and the hash of the entry at an index.

    Sizes alone do not tell: what was written after a database was set back may have made its log longer than the stream. So the
    last entry of both is compared, and where it differs the last one that they have in common is looked for. What the log lacks
    has to say that it is of this service; what somebody else wrote is for the relay to stop at.
    """
    # The stream first, the log afterwards: the log only grows.
    state = await bus.stream_state(service.stream)
    if not state.messages:
        # It was never filled, or lost everything.
        return Word(said=False)
    size, _ = await own(-1)

    async def held(place: int, above: int) -> tuple[int, bool] | None:
        """The next message from ``place`` down to ``above``, and whether it is the entry of the log; None where there are only holes."""
        for at in range(place, max(above, state.first - 1), -1):
            leaf = await bus.message(service.stream, at)
            if leaf is not None:
                return at, leaf_hash(leaf) == (await own(at - 1))[1]
        return None

    kept, differs = 0, min(state.last, size) + 1
    middle = differs - 1
    while differs - kept > 1:
        found = await held(middle, kept)
        # What cannot be compared is not taken for kept.
        kept, differs = (kept, middle) if found is None else (found[0], differs) if found[1] else (kept, found[0])
        middle = (kept + differs) // 2
    if kept == state.last:
        return Word(said=True)
    written = None
    for at in range(max(kept + 1, state.first), state.last + 1):
        written = await bus.message(service.stream, at)
        if written is not None:
            break
    try:
        ours = written is not None and Envelope.model_validate_json(written).source == f"urn:avrr:{service.name}"
    except ValidationError:
        ours = False
    return Word(said=True, known=state.last, kept=kept) if ours else Word(said=False)


async def told_by_checkpoint(
    client: httpx.AsyncClient, url: str, service: Service, size: Callable[[], Awaitable[int]],
    accepted: Callable[[], Awaitable[tuple[int, int]]],
) -> Word:  # fmt: skip
    """What was signed of the service's log, if that is news.

    Whose signature it is does not matter: that somebody says so is reason enough to have people look. ``accepted`` is how many
    entries were known of when two persons accepted a restore last, and how often they did: what was signed under a name that the
    log had before stays signed, and of the name that it has since everything counts. That nothing is missing is said only where
    the checkpointer stands by what it signed, and under no later name than the log knows restores of.
    """
    answer = await client.get(f"{url.rstrip('/')}/{service.name}/checkpoint")
    if answer.status_code != httpx.codes.OK or len(answer.content) > MOST_NOTE_BYTES:
        return Word(said=False)
    try:
        said = Checkpoint.of(Note.of(answer.content))
    except LogRefused:
        return Word(said=False)
    origin = Origin.of(said.origin)
    known, restores = await accepted()
    if origin.log != service.name or (origin.generation <= restores and said.size <= known):
        return Word(said=False)
    if said.size > await size():
        return Word(said=True, known=said.size)
    return Word(said=origin.generation <= restores + 1 and await _stands_by(client, url, service))


async def _stands_by(client: httpx.AsyncClient, url: str, service: Service) -> bool:
    """Whether the checkpointer found the log as it signed it a moment ago: one in alarm, or late, still shows what it signed last."""
    answer = await client.get(f"{url.rstrip('/')}/readyz")
    if answer.status_code not in (httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE) or len(answer.content) > MOST_NOTE_BYTES:
        return False
    try:
        return service.name not in answer.json()["logs"]
    except (ValueError, LookupError, TypeError):
        return False


class Standing:
    """Whether the service's own database waits for two persons; looked at all the time, by each of its processes.

    ``waits`` is the mark; ``is_open`` is set while orders are taken, ``is_shut`` while they are not. A process that starts takes
    none before it was ``told`` once that nothing is missing: by the stream, by what was signed, or by what its service remembers
    outside the database. Where that is more than the log has, ``lacks`` says how many entries it knows of, and nobody else is heard.
    """

    def __init__(self, service: Service, settings: Settings, database: Database, metrics: Metrics) -> None:
        self.waits: Mark | None = None
        self.told = False
        self.lacks: int | None = None
        self.is_open = asyncio.Event()
        self.is_shut = asyncio.Event()
        self.is_shut.set()
        self._known = False
        self._memory = Memory(settings.memory_folder)
        self._last: LastKnown | None = None
        # What of it is on disk; whether that was looked at, and could not be read.
        self._kept: LastKnown | None = None
        self._recalled = self._damaged = False
        self._service = service
        self._settings = settings
        self._database = database
        Gauge(
            "avrr_set_back", "1 where the database was set back and orders wait for two persons", registry=metrics.registry
        ).set_function(lambda: float(self.waits is not None or self.lacks is not None))

    def admit(self, actor: Actor, method: str, operation: str) -> None:
        """Raises `SetBack` for what waits meanwhile, `NotYetTold` while nobody has said whether it has to, and `Busy` while the
        database does not answer; auditors and the archive go on reading logs.
        """
        if self.is_open.is_set():
            return
        if not self._known:
            raise Busy
        reads = method in ("GET", "HEAD") and (self._service.archives or operation in LOG_READS)
        if not reads or not actor.roles & {Role.AUDITOR, Role.ARCHIVE}:
            raise SetBack if self.waits is not None else NotYetTold

    async def found(self, known: int, finder: Finder, kept: int | None = None) -> None:
        """Leaves word that somebody knows of entries that the log has not, and shuts this process."""
        self._take(await mark(self._database, self._service.name, known, finder, kept))

    async def compare(self, bus: Bus) -> None:
        """Holds the log against the service's stream; where that cannot be read nothing is told."""
        with contextlib.suppress(BusFault):
            said = await told_by_stream(bus, self._service, self._entry)
            if said.known is not None:
                await self.found(said.known, "stream", said.kept)
            elif said.said:
                self._heard()

    async def look(self) -> None:
        """Reads whether the database waits, and holds it against what is remembered; one of `FAULTS` where it does not answer."""
        waits = await marked(self._database)
        if self._settings.memory_folder is None:
            self._take(waits)
            return
        # Where a mark is gone without having been accepted, that was set back too, and it was told nothing of what is there now.
        self.told = self.told and waits is None
        if waits is None:
            await self._remember()
        elif self._last is None or self._last.identity:
            # Of what is remembered meanwhile no more counts than which setting back was over last, so that a later one ends the waiting.
            place = await place_of(self._database, self._service.name, None)
            self._last = LastKnown("", place.now.restored, 0, "")
        self._take(waits)

    async def size(self) -> int:
        """How many entries the log has."""
        return (await self._entry(-1))[0]

    async def _entry(self, idx: int) -> tuple[int, bytes | None]:
        return await entry_of(self._database, self._service, idx)

    @contextlib.asynccontextmanager
    async def running(self, *, works: bool) -> AsyncIterator[None]:
        """Looks once before the block, and each second while it runs; whoever ``works`` asks those outside as well."""
        # Without a place to remember at, nobody waits to be told; it is as before, and only what is found shuts.
        self.told = self._settings.memory_folder is None
        with contextlib.suppress(*FAULTS):
            await self.look()
        if works and self.waits is None:
            await self._ask_stream()
        async with Outgoing(timeout=_CHECKPOINTER_SECONDS, trust_env=False, follow_redirects=False) as client:
            if works and self.waits is None:
                await self._ask_checkpointer(client)
            task = asyncio.create_task(self._keep_looking(client, works=works), name="whether the database was set back")
            try:
                yield
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _keep_looking(self, client: httpx.AsyncClient, *, works: bool) -> None:
        loop = asyncio.get_running_loop()
        asked = loop.time()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
                if works and self.waits is None and not self.told:
                    # While it is open its relay looks at the stream.
                    await self._ask_stream()
                if works and self.waits is None and (not self.told or loop.time() - asked >= ASK_SECONDS):
                    asked = loop.time()
                    await self._ask_checkpointer(client)
            except FAULTS:
                continue
            except Exception as error:  # noqa: BLE001 -- whoever stops looking never opens again
                log.warning("not_looked", service=self._service.name, kind=type(error).__name__)

    async def _ask_stream(self) -> None:
        with contextlib.suppress(*FAULTS):
            async with asyncio.timeout(_STREAM_SECONDS), Bus.of(self._settings, self._service.name) as bus:
                await bus.ready()
                await self.compare(bus)

    async def _ask_checkpointer(self, client: httpx.AsyncClient) -> None:
        if self._settings.checkpointer_url is None:
            return
        with contextlib.suppress(*FAULTS, httpx.HTTPError):
            said = await told_by_checkpoint(client, self._settings.checkpointer_url, self._service, self.size, self._accepted)
            if said.known is not None:
                await self.found(said.known, "checkpointer")
            elif said.said:
                self._heard()

    async def _accepted(self) -> tuple[int, int]:
        row = await self._database.alone(_ACCEPTED)
        assert row is not None
        return int(row["known"]), int(row["restores"])

    def status(self) -> dict[str, object]:
        """What readiness tells of it."""
        waits = self.waits
        told = {"kept": waits.kept, "known": waits.known, "finder": waits.finder, "accepted": waits.accepted} if waits else None
        says = None
        if waits is None and self.lacks is not None:
            says = f"{self.lacks} entries are remembered here, and the log lacks some of them: ./avrr restored mark --service {self._service.name} --known {self.lacks}"
        elif waits is None and not self.told:
            says = (
                f"{'what is remembered here is damaged; ' if self._damaged else ''}neither stream nor checkpointer can say whether the database was set back, and by what is remembered here alone nobody can. "
                f"If what they knew is lost for good, two persons accept that: ./avrr restored mark --service {self._service.name}"
            )
        return {"set_back": told, "lacks": self.lacks, "not_known_whether_set_back": says}

    def _take(self, waits: Mark | None) -> None:
        before, self.waits, self._known = self.waits, waits, True
        if waits is None and not self.told:
            self.is_open.clear()
            self.is_shut.set()
            return
        if waits is None:
            self.is_shut.clear()
            self.is_open.set()
            if before is not None:
                log.info("opened_again", service=self._service.name)
            return
        self.is_open.clear()
        self.is_shut.set()
        if before is None:
            log.error("database_set_back", service=self._service.name, kept=waits.kept, known=waits.known, finder=waits.finder)

    def _heard(self) -> None:
        """Somebody outside answered, and knows of no more than the log has."""
        if self._recalled and self.lacks is None and not self.told:
            self.told = True
            self._take(self.waits)

    async def _remember(self) -> None:
        """Holds the log against what is remembered of it, and remembers the log once nothing is missing."""
        try:
            memory, damaged = self._last or await self._memory.recall(), False
        except MemoryDamaged:
            memory, damaged = None, True
        if damaged and not self._damaged:
            log.error("memory_damaged", service=self._service.name)
        self._damaged = damaged
        place = await place_of(self._database, self._service.name, memory)
        self._recalled, verdict = True, judged(memory, place)
        if verdict == "set_back" and memory is not None:
            if self.lacks is None:
                log.error("database_lacks_what_is_remembered", service=self._service.name, size=place.now.size, remembered=memory.size)
            self.told, self.lacks = False, memory.size
            return
        self.lacks = None
        if verdict == "same" or (place.now.size == 0 and not damaged):
            self.told = True
        if self.told:
            self._last = place.now
            if place.now != self._kept and await self._memory.keep(place.now):
                self._kept = place.now
