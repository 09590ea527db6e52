"""An archive beside a source and a broker that may be killed and wiped."""

from collections.abc import AsyncIterator

import pytest

from ops.supervisor import Running
from tests.integration.audit.archived_log import ArchivedLog
from tests.integration.audit.archiving import Archiving
from tests.integration.audit.signed_log import Signed
from tests.integration.bus.conftest import house, own_servers
from tests.integration.bus.house import House
from tests.integration.conftest import MakeDatabase

__all__ = ["house", "own_servers"]


@pytest.fixture
async def archiving(house: House, make_database: MakeDatabase) -> AsyncIterator[Archiving]:
    async with Archiving.between(house, make_database) as made:
        yield made


@pytest.fixture
async def archived(servers: Running, make_database: MakeDatabase) -> AsyncIterator[ArchivedLog]:
    address = servers.postgres
    async with ArchivedLog.opened(make_database, lambda name: address.url_for(name, address.user, address.password)) as made:
        yield made


@pytest.fixture
async def signed(archived: ArchivedLog) -> Signed:
    """Six entries that are archived and signed, and nothing is wrong."""
    made = Signed(archived)
    await made.sign(6)
    await archived.archive()
    assert await made.alarms() == []
    return made
