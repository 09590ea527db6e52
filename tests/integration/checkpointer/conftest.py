"""A log and an office of its own for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ops.supervisor import Running
from tests.integration.checkpointer.office import LOG, Log, Office, opened
from tests.integration.checkpointer.processes import own_port
from tests.integration.conftest import MakeDatabase


@pytest.fixture
async def office(make_database: MakeDatabase, servers: Running, tmp_path: Path) -> AsyncIterator[Office]:
    log = await Log.of(LOG, make_database, servers)
    async with opened(tmp_path, log) as made:
        yield made
    await log.close()


@pytest.fixture
def one_port() -> Iterator[int]:
    """Where a checkpointer of this test listens."""
    with own_port() as port:
        yield port
