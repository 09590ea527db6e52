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
from shared.db import Busy, Database, Scope, SetBack, Sql, UnitOfWork, Write
from shared.ids import uuid7
from shared.messages import Envelope
from shared.metrics import Metrics
from shared.outgoing import Outgoing
from shared.settings import Settings
from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.notes import MOST_NOTE_BYTES, Note
from shared.tlog.refusals import LogRefused
from shared.topology import Service

Finder = Literal["operator", "stream", "checkpointer", "archive", "follower"]

# Is told how many entries somebody outside knows of, and who does.
FoundLonger = Callable[[int, Finder], Awaitable[None]]

LOOK_SECONDS: Final = 1.0
# What was signed is asked for less often: the stream, which is compared each second, knows the same.
ASK_SECONDS: Final = 10.0
# Nobody's start waits longer for a broker or a checkpointer that is away.
_PATIENCE: Final = 1.0
# What auditors still read of a log that was set back; each reading is on record in it.
LOG_READS: Final = frozenset(
    {"read_events", "read_verification", "search_log", "read_event", "read_chain", "export_log", "read_forms"}
)

_WAITS = Sql("SELECT id, kept, known, finder, accepted_at IS NOT NULL AS accepted FROM restored WHERE opened_at IS NULL")
_HEAD = Sql("SELECT size FROM log_head")
_FOUND = Sql(
    "INSERT INTO restored (id, kept, known, finder) SELECT :id, h.size, greatest(h.size, :known), :finder "
    "FROM log_head h WHERE NOT EXISTS (SELECT FROM restored WHERE opened_at IS NULL)"
)
# What was signed stays signed: of a history that two persons accepted as lost it is no news.
_ACCEPTED = Sql("SELECT coalesce(max(known), 0) AS known, count(*) AS restores FROM restores WHERE accepted_at IS NOT NULL")
_KNOWN_MORE = Sql("UPDATE restored SET known = :known WHERE opened_at IS NULL AND accepted_at IS NULL AND known < :known")

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


async def mark(database: Database, service: str, known: int, finder: Finder) -> Mark | None:
    """Leaves word in the database, by the worker's login, that it was set back; a second word says no more than what is known.

    ``known`` is how many entries somebody outside knows of; fewer than the log has are taken for as many.
    """

    async def work(unit: UnitOfWork) -> None:
        unit.write(Write(_FOUND, {"id": uuid7(), "known": known, "finder": finder}, rows=None))
        await unit.flush()
        unit.write(Write(_KNOWN_MORE, {"known": known}, rows=None))

    await database.attempt(Scope(f"service:{service}"), work)
    return await marked(database)


async def told_by_stream(bus: Bus, service: Service, size: Callable[[], Awaitable[int]]) -> int | None:
    """How many entries the service's stream holds, if these are more than its log has and the first of them says that it is of
    this service; None otherwise. What somebody else wrote there is for the relay to stop at.
    """
    # The stream first, the log's size afterwards: the log only grows.
    state = await bus.stream_state(service.stream)
    kept = await size()
    if state.last <= kept:
        return None
    written = await bus.message(service.stream, kept + 1)
    try:
        ours = written is not None and Envelope.model_validate_json(written).source == f"urn:avrr:{service.name}"
    except ValidationError:
        ours = False
    return state.last if ours else None


async def told_by_checkpoint(
    client: httpx.AsyncClient, url: str, service: Service, size: Callable[[], Awaitable[int]],
    accepted: Callable[[], Awaitable[tuple[int, int]]],
) -> int | None:  # fmt: skip
    """How many entries were signed of the service's log, if these are more than it has and that is news; None otherwise.

    Whose signature it is does not matter: that somebody says so is reason enough to have people look. ``accepted`` is how many
    entries were known of when two persons accepted a restore last, and how often they did: what was signed under a name that the
    log had before stays signed, and of the name that it has since everything counts.
    """
    answer = await client.get(f"{url.rstrip('/')}/{service.name}/checkpoint")
    if answer.status_code != httpx.codes.OK or len(answer.content) > MOST_NOTE_BYTES:
        return None
    try:
        said = Checkpoint.of(Note.of(answer.content))
    except LogRefused:
        return None
    origin = Origin.of(said.origin)
    known, restores = await accepted()
    if origin.log != service.name or (origin.generation <= restores and said.size <= known):
        return None
    return said.size if said.size > await size() else None


class Standing:
    """Whether the service's own database waits for two persons; looked at all the time, by each of its processes.

    ``waits`` is the mark; ``is_open`` is set while orders are taken, ``is_shut`` while they are not.
    """

    def __init__(self, service: Service, settings: Settings, database: Database, metrics: Metrics) -> None:
        self.waits: Mark | None = None
        self.is_open = asyncio.Event()
        self.is_shut = asyncio.Event()
        self.is_shut.set()
        self._known = False
        self._service = service
        self._settings = settings
        self._database = database
        Gauge(
            "avrr_set_back", "1 where the database was set back and orders wait for two persons", registry=metrics.registry
        ).set_function(lambda: float(self.waits is not None))

    def admit(self, actor: Actor, method: str, operation: str) -> None:
        """Raises `SetBack` for what waits meanwhile; auditors and the archive go on reading logs, `Busy` while nothing is known."""
        if self.is_open.is_set():
            return
        if not self._known:
            raise Busy
        reads = method in ("GET", "HEAD") and (self._service.archives or operation in LOG_READS)
        if not reads or not actor.roles & {Role.AUDITOR, Role.ARCHIVE}:
            raise SetBack

    async def found(self, known: int, finder: Finder) -> None:
        """Leaves word that somebody knows of more entries than the log has, and shuts this process."""
        self._take(await mark(self._database, self._service.name, known, finder))

    async def look(self) -> None:
        """Reads whether the database waits; one of `FAULTS` where it does not answer."""
        self._take(await marked(self._database))

    async def size(self) -> int:
        """How many entries the log has."""
        row = await self._database.alone(_HEAD)
        assert row is not None
        return int(row["size"])

    @contextlib.asynccontextmanager
    async def running(self, *, works: bool) -> AsyncIterator[None]:
        """Looks once before the block, and each second while it runs; whoever ``works`` asks those outside as well."""
        with contextlib.suppress(*FAULTS):
            await self.look()
        if works and self.waits is None:
            await self._ask_stream()
        async with Outgoing(timeout=_PATIENCE, trust_env=False, follow_redirects=False) as client:
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
                if works and self.waits is None and loop.time() - asked >= ASK_SECONDS:
                    asked = loop.time()
                    await self._ask_checkpointer(client)
            except FAULTS:
                continue
            except Exception as error:  # noqa: BLE001 -- whoever stops looking never opens again
                log.warning("not_looked", service=self._service.name, kind=type(error).__name__)

    async def _ask_stream(self) -> None:
        with contextlib.suppress(*FAULTS):
            async with asyncio.timeout(_PATIENCE), Bus.of(self._settings, self._service.name) as bus:
                await bus.ready()
                known = await told_by_stream(bus, self._service, self.size)
                if known is not None:
                    await self.found(known, "stream")

    async def _ask_checkpointer(self, client: httpx.AsyncClient) -> None:
        if self._settings.checkpointer_url is None:
            return
        with contextlib.suppress(*FAULTS, httpx.HTTPError):
            url = self._settings.checkpointer_url
            known = await told_by_checkpoint(client, url, self._service, self.size, self._accepted)
            if known is not None:
                await self.found(known, "checkpointer")

    async def _accepted(self) -> tuple[int, int]:
        row = await self._database.alone(_ACCEPTED)
        assert row is not None
        return int(row["known"]), int(row["restores"])

    def status(self) -> dict[str, object]:
        """What readiness tells of it."""
        waits = self.waits
        told = {"kept": waits.kept, "known": waits.known, "finder": waits.finder, "accepted": waits.accepted} if waits else None
        return {"set_back": told}

    def _take(self, waits: Mark | None) -> None:
        before, self.waits, self._known = self.waits, waits, True
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


async def tell_of_stream(bus: Bus, service: Service, size: int, found: FoundLonger) -> None:
    """What a relay does that finds its stream longer than its log of this size."""

    async def known_size() -> int:
        return size

    with contextlib.suppress(BusFault):
        known = await told_by_stream(bus, service, known_size)
        if known is not None:
            await found(known, "stream")
