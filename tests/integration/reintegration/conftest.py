"""A house of its own for each test of reintegration."""

import pytest

from tests.integration.conftest import MakeDatabase
from tests.integration.reintegration.office import House


@pytest.fixture
async def house(make_database: MakeDatabase) -> House:
    return House(await make_database("reintegration"))
