"""Real PostgreSQL and NATS for the tests, started once a run; each test that asks gets databases of its own."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from ops import databases
from ops.settings import OpsSettings
from ops.supervisor import Running
from shared.db import Database
from shared.epochs import FileEpochs
from shared.private import PersonKeys
from shared.topology import BY_NAME, SERVICES

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
async def roles(servers: Running) -> Running:
    """The servers, with every service's roles on them."""
    admin = await asyncpg.connect(servers.postgres.url)
    for service in SERVICES:
        await databases.make_roles(admin, service, PASSWORDS)
    await admin.close()
    return servers


@pytest.fixture(scope="session")
async def template(roles: Running) -> Callable[[str], Awaitable[str]]:
    """Answers with a service's migrated database, made when first asked for, which others are copied from."""
    made: set[str] = set()

    async def migrated(service: str) -> str:
        name = f"template_{service}"
        if service not in made:
            admin = await asyncpg.connect(roles.postgres.url)
            await databases.make_database(admin, BY_NAME[service], name)
            await admin.close()
            logins = databases.logins(roles.postgres, BY_NAME[service], PASSWORDS, name)
            await asyncio.to_thread(databases.upgrade, service, logins.migrate)
            made.add(service)
        return name

    return migrated


_NUMBERS = itertools.count(1)


@pytest.fixture
async def make_database(
    servers: Running, template: Callable[[str], Awaitable[str]], tmp_path: Path
) -> AsyncIterator[MakeDatabase]:
    """Makes a service's database, empty and migrated, with epoch keys of its own; it is gone after the test."""
    made: list[tuple[str, ServiceDatabase]] = []

    async def make(service: str) -> ServiceDatabase:
        name = f"test_{service}_{next(_NUMBERS)}"
        admin = await asyncpg.connect(servers.postgres.url)
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {await template(service)}")
        await databases.make_database(admin, BY_NAME[service], name)
        await admin.close()
        logins = databases.logins(servers.postgres, BY_NAME[service], PASSWORDS, name)
        epochs = FileEpochs(tmp_path / "epochs" / name)
        epochs.begin()
        database = ServiceDatabase(
            logins,
            Database(logins.api, f"{service}-api"),
            Database(logins.worker, f"{service}-worker", 4),
            Database(logins.verify, f"{service}-verify", 2),
            PersonKeys(service, epochs),
        )
        for pool in (database.api, database.worker, database.verify):
            await pool.open()
        made.append((name, database))
        return database

    yield make
    admin = await asyncpg.connect(servers.postgres.url)
    for name, database in made:
        for pool in (database.api, database.worker, database.verify):
            await pool.close()
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()
