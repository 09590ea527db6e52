"""Counselling's API for each test, with a database of its own behind it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.integration.conftest import MakeDatabase
from tests.integration.counselling.desk import Desk
from tests.integration.returns.api import COUNSELLING, runtime_of_counselling


@pytest.fixture
async def desk(make_database: MakeDatabase) -> AsyncIterator[Desk]:
    database = await make_database("counselling")
    COUNSELLING.state.runtime = runtime_of_counselling(database)
    transport = httpx.ASGITransport(app=COUNSELLING)
    async with httpx.AsyncClient(transport=transport, base_url="http://counselling.test") as client:
        yield Desk(database, client)
