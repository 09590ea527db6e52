"""A mission of its own for each test of returns."""

import pytest

from tests.integration.conftest import MakeDatabase
from tests.integration.returns.mission import Mission


@pytest.fixture
async def mission(make_database: MakeDatabase) -> Mission:
    return Mission(await make_database("returns"))
