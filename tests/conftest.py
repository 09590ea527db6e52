"""Options of long tests: each has a small default, and a flag for the large run."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("chaos", "how much is broken while how much is done (tests/chaos)")
    group.addoption("--chaos-seed", type=int, default=2023, help="decides who asks for what and what is killed when")
    group.addoption("--chaos-kills", type=int, default=20, help="how often a service is killed")
    group.addoption("--chaos-commands", type=int, default=500, help="how many commands are given meanwhile, at least")
