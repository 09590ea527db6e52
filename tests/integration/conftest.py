"""Real PostgreSQL and NATS for the tests, started once a run; each test that asks gets databases of its own."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from ops import databases
from ops.settings import OpsSettings
from ops.supervisor import Running
from shared.blind_index import FileIndexKeys
from shared.db import Database
from shared.epochs import FileEpochs
from shared.private import PersonKeys
from shared.topology import BY_NAME, LOGS

PASSWORDS = {role: f"invented-for-tests-{role}" for role in databases.role_names()}


@dataclass(frozen=True)
class ServiceDatabase:
    """One service's freshly migrated database and the pools of its logins."""

    logins: databases.Logins
    api: Database
    worker: Database
    verify: Database
    person_keys: PersonKeys


MakeDatabase = Callable[[str], Awaitable[ServiceDatabase]]


@pytest.fixture(scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    folder: Path = tmp_path_factory.mktemp("avrr", numbered=True)
    async with Running(OpsSettings(data=folder / "data"), services=(), other_ports={}, quiet=True) as running:
        yield running


@pytest.fixture(scope="session")
async def admin(servers: Running) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """The administrator's connection, by which databases come and go."""
    connection = await asyncpg.connect(servers.postgres.url)
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
async def roles(servers: Running, admin: "asyncpg.Connection[asyncpg.Record]") -> Running:
    """The servers, with every service's roles on them."""
    # Invented passwords need no protection from guessing, for which each of thousands of connections would pay twice.
    if admin.get_server_version().major >= 16:
        await admin.execute("SET scram_iterations = 1")
    for service in LOGS:
        await databases.make_roles(admin, service, PASSWORDS)
    return servers


@pytest.fixture(scope="session")
async def template(
    roles: Running, admin: "asyncpg.Connection[asyncpg.Record]"
) -> Callable[[str], Awaitable[str]]:
    """Answers with a service's migrated database, made when first asked for, which others are copied from."""
    made: set[str] = set()

    async def migrated(service: str) -> str:
        name = f"template_{service}"
        if service not in made:
            await databases.make_database(admin, BY_NAME[service], name)
            logins = databases.logins(roles.postgres, BY_NAME[service], PASSWORDS, name)
            await asyncio.to_thread(databases.upgrade, service, logins.migrate)
            made.add(service)
        return name

    return migrated


_NUMBERS = itertools.count(1)
Template = Callable[[str], Awaitable[str]]


@asynccontextmanager
async def making(
    servers: Running, admin: "asyncpg.Connection[asyncpg.Record]", template: Template, folder: Path
) -> AsyncIterator[MakeDatabase]:
    """Makes services' databases, empty and migrated, with epoch keys of their own; they are gone when the block ends."""
    made: list[tuple[str, ServiceDatabase]] = []

    async def make(service: str) -> ServiceDatabase:
        name = f"test_{service}_{next(_NUMBERS)}"
        # A copy of the files takes a seventh of the time that writing all of it to the log does, and a checkpoint.
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {await template(service)} STRATEGY FILE_COPY")
        await databases.make_database(admin, BY_NAME[service], name)
        logins = databases.logins(servers.postgres, BY_NAME[service], PASSWORDS, name)
        epochs = FileEpochs(folder / "epochs" / name)
        epochs.begin()
        index = FileIndexKeys(folder / "epochs" / name)
        index.begin()
        database = ServiceDatabase(
            logins,
            # A disk that many tests write to may keep whoever is first for longer than the others would wait.
            Database(logins.api, f"{service}-api", queue_seconds=60.0),
            Database(logins.worker, f"{service}-worker", 4, queue_seconds=60.0),
            Database(logins.verify, f"{service}-verify", 2, queue_seconds=60.0),
            PersonKeys(service, epochs, index),
        )
        database.api.keys = database.worker.keys = database.verify.keys = database.person_keys
        for pool in (database.api, database.worker, database.verify):
            await pool.open()
        made.append((name, database))
        return database

    yield make
    for name, database in made:
        for pool in (database.api, database.worker, database.verify):
            await pool.close()
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def make_database(
    servers: Running, admin: "asyncpg.Connection[asyncpg.Record]", template: Template, tmp_path: Path
) -> AsyncIterator[MakeDatabase]:
    """Makes databases for one test."""
    async with making(servers, admin, template, tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
async def same_database(
    servers: Running, admin: "asyncpg.Connection[asyncpg.Record]", template: Template,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[MakeDatabase]:  # fmt: skip
    """Answers all tests of a file with the same database of a service, if they leave it as they found it."""
    found: dict[str, ServiceDatabase] = {}
    async with making(servers, admin, template, tmp_path_factory.mktemp("same")) as make:

        async def same(service: str) -> ServiceDatabase:
            if service not in found:
                found[service] = await make(service)
            return found[service]

        yield same
