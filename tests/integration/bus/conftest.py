"""Two services without a domain: one that only has a log, one that follows it, between a real broker and database."""

import itertools
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from ops.settings import OpsSettings
from ops.supervisor import Running
from tests.integration.bus.house import House, make_database

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
async def own_servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """Servers that may be killed and wiped, which no other test shares."""
    folder = tmp_path_factory.mktemp("bus")
    async with Running(OpsSettings(data=folder / "data"), other_ports={}, quiet=True, say=lambda _: None) as running:
        yield running


@pytest.fixture
async def house(own_servers: Running) -> AsyncIterator[House]:
    await own_servers.stop("nats")
    store = Path(own_servers.settings.data_folder / "nats" / "store")
    shutil.rmtree(store, ignore_errors=True)
    await own_servers.start("nats")
    admin = await asyncpg.connect(own_servers.postgres.url)
    names = [f"bus_{role}_{next(_NUMBERS)}" for role in ("source", "follower")]
    urls = [await make_database(admin, own_servers.postgres, name) for name in names]
    async with House(own_servers, store, *urls) as built:
        yield built
    for name in names:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()
