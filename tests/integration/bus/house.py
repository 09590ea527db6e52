"""The house that bus tests are made in: a source with a log, a follower with effects, and all that runs between."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Self
from uuid import UUID

import asyncpg
import rfc8785
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from migrations.kernel_1 import statements_of
from ops.database_server import PostgresAddress
from ops.embedded.nats import PROVISION
from ops.provision import Provision
from ops.settings import PROJECT
from ops.supervisor import Running
from shared.appending import Leaf
from shared.bus import Bus
from shared.consumer import Concerns, Consumer, Pauses, everything
from shared.db import Database, Scope, Sql, UnitOfWork, Write
from shared.ids import uuid7
from shared.messages import Envelope
from shared.relay import Relay
from shared.tables import service_metadata
from shared.topology import COUNSELLING, RETURNS
from shared.worker import Follower

SOURCE, FOLLOWER = COUNSELLING, RETURNS
NOBODY = Scope("nobody")
WORKER = "bus_test_worker"
HELD = "avrr.counselling.session.held.v1"
_TEMPLATE = "template_bus"
QUICK = Pauses(tries=(0.01,) * 7, faults=(0.1, 0.2))

_EFFECT = Sql("INSERT INTO effect (event_id, partitionkey, number) VALUES (:event_id, :partitionkey, :number)")


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 30.0) -> None:
    """Waits for something that is going to be true; TimeoutError if it does not come."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.01)


async def make_database(
    admin: "asyncpg.Connection[asyncpg.Record]", server: PostgresAddress, name: str
) -> str:
    """A database with the kernel's tables, and the address by which a worker without other rights reaches it."""
    if not await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", _TEMPLATE):
        await _make_template(admin, server)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY FILE_COPY")
    return server.url_for(name, WORKER, "invented-for-tests")


async def _make_template(admin: "asyncpg.Connection[asyncpg.Record]", server: PostgresAddress) -> None:
    await admin.execute(f"CREATE DATABASE {_TEMPLATE}")
    if not await admin.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", WORKER):
        await admin.execute(f"CREATE ROLE {WORKER} LOGIN PASSWORD 'invented-for-tests'")
    connection = await asyncpg.connect(server.url_for(_TEMPLATE, server.user, server.password))
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    tables = [str(sa.schema.CreateTable(table).compile(dialect=dialect)) for table in service_metadata().sorted_tables]
    # Columns of the log are made by functions, which are there before it.
    for statement in (*_sql("log_search_1.sql"), *tables, *_sql("log_1.sql"), *_sql("take_1.sql")):
        await connection.execute(statement)
    await connection.execute(
        "CREATE TABLE effect (place bigserial PRIMARY KEY, event_id uuid, partitionkey uuid, number integer);"
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {WORKER};"
        f"GRANT INSERT ON effect TO {WORKER}; GRANT USAGE ON SEQUENCE effect_place_seq TO {WORKER};"
        f"GRANT INSERT, UPDATE ON cursor TO {WORKER}; GRANT INSERT, DELETE ON dead_letter TO {WORKER}"
    )
    await connection.close()


def _sql(file: str) -> list[str]:
    return statements_of((PROJECT / "migrations" / "sql" / file).read_text())


class House:
    """Source and follower with their databases open; relay, consumer and provisioning run when asked for."""

    def __init__(self, servers: Running, store: Path, source_url: str, follower_url: str) -> None:
        self.servers = servers
        self.source_url = source_url
        self.follower_url = follower_url
        self.source = Database(source_url, "source")
        self.follower = Database(follower_url, "follower")
        self.wake = asyncio.Event()
        self.source.on_append = self.wake.set
        self.poison: set[int] = set()
        self.tried: list[int] = []
        self.before_effect: Callable[[int], Awaitable[None]] | None = None
        self._store = store
        self._number = 0
        self._open = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        for database in (self.source, self.follower):
            await database.open()
            self._open.push_async_callback(database.close)
        self.bus = await self._open.enter_async_context(self.make_bus(SOURCE.name))
        self.follower_bus = await self._open.enter_async_context(self.make_bus(FOLLOWER.name))
        await self.provision().ensure()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    def make_bus(self, user: str) -> Bus:
        heads = (SOURCE.head,) if user == FOLLOWER.name else ()
        return Bus(self.servers.nats.url, user, user, self.servers.nats.passwords[user], hears=heads)

    def provision(self) -> Provision:
        return Provision(self.servers.nats.url, PROVISION, self.servers.nats.passwords[PROVISION])

    def relay(self, url: str | None = None, wake: asyncio.Event | None = None) -> Relay:
        return Relay(url or self.source_url, self.bus, SOURCE, wake or self.wake, poll_seconds=0.2)

    def consumer(
        self, pauses: Pauses = QUICK, database: Database | None = None, concerns: Concerns = everything
    ) -> Consumer:
        return Consumer(SOURCE, FOLLOWER, database or self.follower, self.follower_bus, self.apply, pauses, concerns)

    async def apply(self, unit: UnitOfWork, envelope: Envelope, leaf_hash: bytes) -> None:
        """The follower's reaction: notes the event's number, unless the number is poison."""
        number = envelope.data["number"]
        assert isinstance(number, int)
        self.tried.append(number)
        if self.before_effect is not None:
            await self.before_effect(number)
        if number in self.poison:
            raise LookupError("a text that must not be kept")
        values = {"event_id": envelope.id, "partitionkey": envelope.partitionkey, "number": number}
        unit.write(Write(_EFFECT, values))

    @contextlib.asynccontextmanager
    async def running(self, *parts: Relay | Follower | Provision) -> AsyncIterator[None]:
        stop = asyncio.Event()
        tasks = [asyncio.create_task(part.run(stop)) for part in parts]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)

    def leaf(self, key: UUID, number: int, type: str = HELD) -> Leaf:
        """An event of the source."""
        now = datetime(2026, 1, 1, tzinfo=UTC)
        envelope = Envelope(
            id=uuid7(), source="urn:avrr:counselling", type=type, subject=uuid7(),
            partitionkey=key, time=now, dataschema="urn:avrr:schema:test", aggregateversion=1, actorid="somebody",
            actorrole="counsellor", actororg="iom", actorcountry="BA", actoracr="", authtime=None,
            correlationid="test", causationid=None, causeleafhash=None, data={"number": number},
        )  # fmt: skip
        body = rfc8785.dumps(envelope.model_dump(mode="json", exclude_none=True))
        return Leaf(envelope.id, envelope.type, envelope.subject, 1, body)

    async def happen(self, count: int = 1, key: UUID | None = None, type: str = HELD) -> list[int]:
        """That many events enter the source's log, each in a transaction; their numbers are their indexes."""
        numbers = []
        for _ in range(count):
            number = self._number
            async with self.source.unit_of_work(NOBODY) as unit:
                unit.append(self.leaf(key or uuid7(), number, type))
            self._number += 1
            numbers.append(number)
        return numbers

    async def log(self) -> list[bytes]:
        async with self.source.unit_of_work(NOBODY) as unit:
            return [bytes(row["leaf"]) for row in await unit.rows(Sql("SELECT leaf FROM event_log ORDER BY idx"))]

    async def effects(self, key: UUID | None = None) -> list[int]:
        """The numbers that took effect, in the order in which they did."""
        async with self.follower.unit_of_work(NOBODY) as unit:
            rows = await unit.rows(Sql("SELECT partitionkey, number FROM effect ORDER BY place"))
        return [row["number"] for row in rows if key in (None, row["partitionkey"])]

    async def took_effect(self, count: int) -> bool:
        return len(await self.effects()) >= count

    async def cursor(self) -> asyncpg.Record:
        async with self.follower.unit_of_work(NOBODY) as unit:
            row = await unit.row(Sql("SELECT * FROM cursor WHERE source = 'counselling'"))
        assert row is not None
        return row

    async def stream_equals_log(self) -> bool:
        """Whether the stream holds exactly the log's leaves, each under its index + 1."""
        log = await self.log()
        state = await self.bus.stream_state(SOURCE.stream)
        if (state.messages, state.last) != (len(log), len(log)):
            return False
        return [await self.bus.message(SOURCE.stream, idx + 1) for idx in range(len(log))] == log

    async def wipe_broker(self) -> None:
        """The broker dies and comes back with nothing: no message, no stream, no durable."""
        await self.servers.kill("nats")
        shutil.rmtree(self._store)
        await self.servers.start("nats")
