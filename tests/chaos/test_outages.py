"""A database that is away, a whole system that goes and comes: nothing is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import takewhile

import pytest

from ops.database_server import PostgresAddress
from shared.bus import Bus
from shared.db import INFRASTRUCTURE, Database, Scope, Sql
from shared.topology import COUNSELLING, RETURNS, SERVICES, durable
from tests.chaos.checker import Entry
from tests.chaos.journeys import Journey, some_journeys
from tests.chaos.system import System
from tests.integration.bus.house import until
from tests.listening import listening

COMMANDS = 120
SERVANTS = ("provision", "identity", *(service.name for service in SERVICES))
FOLLOWER = durable(RETURNS, COUNSELLING)


def journeys_of(request: pytest.FixtureRequest, strand: int) -> tuple[list[Journey], list[Journey]]:
    """New journeys in two parts: what counselling does before anybody else is needed, and the rest."""
    seed = request.config.getoption("--chaos-seed")
    funds, journeys = some_journeys((seed + 1) * 10_000 + strand, COMMANDS)
    first = [list(takewhile(lambda step: step.service == COUNSELLING.name, journey)) for journey in journeys]
    rest = [journey[len(begun) :] for journey, begun in zip(journeys, first, strict=True)]
    return first, [funds, *rest]


async def test_events_and_clients_wait_until_the_database_is_back(
    system: System, request: pytest.FixtureRequest
) -> None:
    running = system.running
    first, rest = journeys_of(request, 2)
    *first, last = (journey for journey in first if journey)
    await running.stop("returns")
    await system.clients.run("database-before", first)
    async with system.bus(RETURNS) as bus:

        async def events_wait() -> bool:
            return await _outstanding(bus) > len(first)

        await until(events_wait)
        await running.stop("postgres")
        delivered = await _deliveries(bus)
        starting = asyncio.create_task(running.start("returns"))
        asking = asyncio.create_task(system.clients.run("database-meanwhile", [last]))
        await until(lambda: "database-meanwhile-0-0" in system.history.asked)
        asked = system.history.asked["database-meanwhile-0-0"]
        await until(lambda: len([attempt for attempt in asked.attempts if attempt.status]) >= 2)
        # Whoever does not know yet whether their database was set back takes no events either.
        assert await _deliveries(bus) == delivered
    answered = [attempt for attempt in asked.attempts if attempt.status]
    assert {attempt.status for attempt in answered} == {503}
    assert all(int(attempt.retry_after or "") > 0 for attempt in answered)
    assert not starting.done()

    await running.start("postgres")
    for service in SERVICES:
        assert await system.ask(service.name, "SELECT source, tries FROM cursor WHERE tries > 0") == []
    await starting
    await asking
    assert [receipt.repeated for receipt in asked.receipts] == [False]
    await system.caller.drained()
    for service in SERVICES:
        assert await system.ask(service.name, "SELECT source, idx FROM dead_letter") == []
    await system.clients.run("database-funds", rest[:1])
    await system.clients.run("database-after", rest[1:])
    assert await system.wrong() == []


async def test_the_same_commands_once_more_change_nothing_after_everything_was_restarted(
    system: System, request: pytest.FixtureRequest
) -> None:
    running = system.running
    first, rest = journeys_of(request, 3)
    await system.clients.run("restart-first", first)
    await system.clients.run("restart-funds", rest[:1])
    await system.clients.run("restart-rest", rest[1:])
    await system.caller.drained()
    logs = await _all_but_refusals(system)
    pids = {name: running.pid(name) for name in ("postgres", "nats", *SERVANTS)}

    await asyncio.gather(*(running.stop(name) for name in SERVANTS))
    for name in ("nats", "postgres"):
        await running.stop(name)
    for name in ("postgres", "nats"):
        await running.start(name)
    await asyncio.gather(*(running.start(name) for name in SERVANTS))
    assert not set(pids.values()) & {running.pid(name) for name in pids}

    receipts = await system.clients.once_more()
    assert len(receipts) >= COMMANDS
    assert all(receipt.repeated for receipt in receipts)
    await system.caller.drained()
    assert await _all_but_refusals(system) == logs
    assert await system.wrong() == []


async def _all_but_refusals(system: System) -> dict[str, list[Entry]]:
    """The logs without refusals: how often one was repeated enters a log a minute after it, whatever is asked meanwhile."""
    return {name: [entry for entry in log if ".access." not in entry.type] for name, log in (await system.logs()).items()}


async def test_a_connection_that_heard_the_farewell_and_not_the_end_of_the_line_is_an_outage(system: System) -> None:
    server = system.running.postgres
    passed_on: list[bytes] = []
    async with _line_that_stays_open(server, passed_on) as port:
        near = PostgresAddress("127.0.0.1", port, server.user, server.password)
        database = Database(near.url, "farewell", size=1)
        await database.open()
        ping = Sql("SELECT 1")
        async with database.unit_of_work(Scope("nobody")) as unit:
            await unit.row(ping)
        await system.ask(
            "returns", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'farewell'"
        )
        await until(lambda: b"57P01" in b"".join(passed_on))
        with pytest.raises(INFRASTRUCTURE):
            async with database.unit_of_work(Scope("nobody")) as unit:
                await unit.row(ping)
        async with database.unit_of_work(Scope("nobody")) as unit:
            assert await unit.row(ping) is not None
        await database.close()


async def _outstanding(bus: Bus) -> int:
    info = await bus.api(f"CONSUMER.INFO.{COUNSELLING.stream}.{FOLLOWER}")
    pending, unacknowledged = info["num_pending"], info["num_ack_pending"]
    assert isinstance(pending, int)
    assert isinstance(unacknowledged, int)
    return pending + unacknowledged


async def _deliveries(bus: Bus) -> int:
    told = (await bus.api(f"CONSUMER.INFO.{COUNSELLING.stream}.{FOLLOWER}"))["delivered"]
    assert isinstance(told, dict)
    return int(told["consumer_seq"])


@asynccontextmanager
async def _line_that_stays_open(server: PostgresAddress, passed_on: list[bytes]) -> AsyncIterator[int]:
    """A port from which everything reaches the server and comes back, except that somebody has hung up."""
    far: list[asyncio.StreamWriter] = []

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: list[bytes]) -> None:
        while data := await reader.read(65536):
            kept.append(data)
            writer.write(data)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(server.host, server.port)
        far.append(far_writer)
        await asyncio.gather(pass_on(reader, far_writer, []), pass_on(far_reader, writer, passed_on))

    async with listening(connected) as port:
        yield port
    for one in far:
        one.transport.abort()
