"""Options of long tests, each with a small default and a flag for the large run, and what such tests have to tell."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.running import mission as mission  # noqa: PLC0414 -- a fixture is known where its name is

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

_TOLD = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("chaos", "how much is broken while how much is done (tests/chaos)")
    group.addoption("--chaos-seed", type=int, default=2023, help="decides who asks for what and what is killed when")
    group.addoption("--chaos-kills", type=int, default=20, help="how often a service is killed")
    group.addoption("--chaos-commands", type=int, default=500, help="how many commands are given meanwhile, at least")
    group = parser.getgroup("schemathesis", "how much is sent that nobody thought of (tests/e2e/test_schemathesis.py)")
    group.addoption("--schemathesis-examples", type=int, default=10, help="how many requests for each operation and role")


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Bytes are named by their argument: a file may be made anew by each worker, which must collect the same names."""
    del config
    return argname if isinstance(val, bytes) else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Says what stays together in a run on several processes: a file, and all tests that share one running system."""
    for item in items:
        file = item.nodeid.partition("::")[0]
        shared = "chaos" if file.startswith("tests/chaos/") else "mission" if _asks_for(item, "mission") else file
        item.add_marker(pytest.mark.xdist_group(shared))


def _asks_for(item: pytest.Item, fixture: str) -> bool:
    return fixture in getattr(item, "fixturenames", ())


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Adds a line to the end of the run's report, also when everything passed."""
    return request.config.stash.setdefault(_TOLD, []).append


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process that ran a part of the tests hands on what they had to tell."""
    output: dict[str, object] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["told"] = session.config.stash.get(_TOLD, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: "WorkerController") -> None:
    """Takes what the tests of one process had to tell."""
    told: list[str] = getattr(node, "workeroutput", {}).get("told", [])
    node.config.stash.setdefault(_TOLD, []).extend(told)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(_TOLD, []):
        terminalreporter.write_line(line)
