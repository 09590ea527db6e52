"""A mission of its own for each test of returns, and the API in front of it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.integration.conftest import MakeDatabase
from tests.integration.returns.api import (
    APP,
    COUNSELLING,
    Api,
    Register,
    asking,
    runtime,
    runtime_of_counselling,
)
from tests.integration.returns.mission import Mission


@pytest.fixture
async def mission(make_database: MakeDatabase) -> Mission:
    return Mission(await make_database("returns"))


@pytest.fixture
async def register(mission: Mission, make_database: MakeDatabase) -> Register:
    """Counselling's register of persons, which the API asks about consents."""
    database = await make_database("counselling")
    COUNSELLING.state.runtime = runtime_of_counselling(database)
    return Register(mission, database)


@pytest.fixture
async def api(mission: Mission, register: Register) -> AsyncIterator[Api]:
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(app=COUNSELLING)) as behind,
        httpx.AsyncClient(transport=httpx.ASGITransport(app=APP), base_url="http://returns.test") as client,
    ):
        APP.state.runtime = runtime(mission, asking(behind))
        yield Api(client)
