"""An archive beside a source and a broker that may be killed and wiped."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.audit.archiving import Archiving
from tests.integration.bus.conftest import house, own_servers
from tests.integration.bus.house import House
from tests.integration.conftest import MakeDatabase

__all__ = ["house", "own_servers"]


@pytest.fixture
async def archiving(house: House, make_database: MakeDatabase) -> AsyncIterator[Archiving]:
    async with Archiving.between(house, make_database) as made:
        yield made
