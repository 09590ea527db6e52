"""What tests of the whole system call; they share one, which ends with the last of them."""

import pytest

from tests.running import Mission, mission

__all__ = ["Mission", "mission"]

SECONDS_PER_EXAMPLE = 12


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Gives each role as long as its requests may take; said before a test begins, or it would not count."""
    seconds = 360 + SECONDS_PER_EXAMPLE * config.getoption("--schemathesis-examples")
    for item in items:
        if item.path.name == "test_schemathesis.py":
            item.add_marker(pytest.mark.timeout(seconds))
