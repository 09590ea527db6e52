"""What tests of the whole system call; they share one, which ends with the last of them."""

from pathlib import Path

import pytest

from tests.running import Mission, mission

__all__ = ["Mission", "mission"]

SECONDS = 600
SECONDS_PER_EXAMPLE = 12
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Gives each role as long as its requests may take; said before a test begins, or it would not count.

    Whichever test is the first with the system waits until all of it has started, beside whatever else starts then.
    """
    seconds = 360 + SECONDS_PER_EXAMPLE * config.getoption("--schemathesis-examples")
    for item in items:
        if item.path.name == "test_schemathesis.py":
            item.add_marker(pytest.mark.timeout(seconds))
        elif item.path.is_relative_to(_HERE) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SECONDS))
