"""Counselling's API for each test, with a database of its own behind it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from shared.epochs import FileEpochs
from shared.private import PersonKeys
from tests.integration.conftest import MakeDatabase
from tests.integration.counselling.desk import Desk
from tests.integration.returns.api import COUNSELLING, runtime_of_counselling


@pytest.fixture
async def desk(make_database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Desk]:
    database = await make_database("counselling")
    epochs = FileEpochs(tmp_path / "epochs")
    epochs.begin()
    COUNSELLING.state.runtime = runtime_of_counselling(database, PersonKeys("counselling", epochs))
    transport = httpx.ASGITransport(app=COUNSELLING)
    async with httpx.AsyncClient(transport=transport, base_url="http://counselling.test") as client:
        yield Desk(database, client)
