"""The system that these tests break: one for all of them, because what went wrong in one must show in the next."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ops.settings import OpsSettings
from tests.chaos.system import System, open_system

START_SECONDS = 90
SECONDS_PER_KILL = 10
SECONDS_PER_COMMAND = 0.2
SECONDS_PER_RELEASE = 2


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    seconds = (
        START_SECONDS
        + SECONDS_PER_KILL * sum(config.getoption(f"--{what}-kills") for what in ("chaos", "erasure"))
        + SECONDS_PER_COMMAND * config.getoption("--chaos-commands")
        + SECONDS_PER_RELEASE * config.getoption("--releases")
        + SECONDS_PER_RELEASE * config.getoption("--by-bank")
    )
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(seconds))


# Not for the session, for the same reason as the mission of other folders.
@pytest.fixture(scope="package")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    async with open_system(OpsSettings(data=tmp_path_factory.mktemp("chaos") / "data")) as opened:
        yield opened
