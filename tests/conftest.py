"""Options of long tests, each with a small default and a flag for the large run, and what such tests have to tell."""

import fcntl
import gc
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog
from hypothesis import settings

from ops.chaos import QUICK_COMMANDS, QUICK_KILLS
from shared.starting import begin
from tests.given import forget

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

# Outside a service's own process errors are written for people, without the values of each frame: these are long to write
# and may be what no test may print.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)

# How long an example takes says how busy the machine is, and nothing about what is tested. The same examples each time: what
# stands in the way of a change is the change. New ones are looked for by `./avrr test --hypothesis-profile=search`.
settings.register_profile("avrr", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile("avrr")

_TOLD = pytest.StashKey[list[str]]()
# What people do in a browser, and what is sent at random, have running systems of their own beside that of the rest, each in
# another process.
_LONGEST = ("pages", "mission", "random", "chaos")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("chaos", "how much is broken while how much is done (tests/chaos)")
    group.addoption("--bank-lines", type=int, default=50, help="how many lines a statement of the bank has (tests/integration/reintegration/test_settlement.py)")
    group.addoption("--chaos-seed", type=int, default=2023, help="decides who asks for what and what is killed when")
    group.addoption("--chaos-kills", type=int, default=QUICK_KILLS, help="how often a process is killed (tests/chaos/test_quick.py)")
    group.addoption("--releases", type=int, default=60, help="how many tranches are paid while parts are killed")
    group.addoption("--by-bank", type=int, default=18, help="how many tranches the bank pays while parts are killed")
    group.addoption("--erasure-kills", type=int, default=6, help="how often a part is killed while somebody is erased")
    group.addoption("--chaos-commands", type=int, default=QUICK_COMMANDS, help="how many commands are given meanwhile, at least")
    group = parser.getgroup("erasure", "how many persons there are of whom a tenth is erased (tests/e2e/test_erasure.py)")
    group.addoption("--erasure-persons", type=int, default=100, help="how many persons, at least ten")
    group = parser.getgroup("restored", "how much of the year is set back to its autumn (tests/e2e/test_restored_year.py)")
    group.addoption("--restored-year", action="store_true", help="all of it in place of a few households' journeys")
    group = parser.getgroup("invariants", "how many orders are tried (tests/unit/returns/test_invariants.py)")
    group.addoption("--thorough", action="store_true", help="5,000 stories of 50 orders in place of 200 of 30")
    group = parser.getgroup("verifying", "how many rows are verified (tests/integration/counselling/test_verifying.py)")
    group.addoption("--verified-rows", type=int, default=2_000, help="how many rows")
    group = parser.getgroup("withdrawals", "how many cases are withdrawn while others push them (tests/e2e/test_withdrawals.py)")
    group.addoption("--withdrawals", type=int, default=8, help="how many cases")
    group = parser.getgroup("hostile", "how often somebody tries to approve what they may not (tests/integration/reintegration/test_hostile.py)")
    group.addoption("--hostile", type=int, default=2000, help="how many attempts")
    group = parser.getgroup("manipulations", "how often an export is changed (tests/unit/ops/audit/test_manipulations.py)")
    group.addoption("--manipulations", type=int, default=300, help="how often")
    group = parser.getgroup("checkpoints", "how often whoever signs checkpoints is killed (tests/integration/checkpointer)")
    group.addoption("--checkpoint-kills", type=int, default=2, help="how often")
    group.addoption("--checkpoint-events", type=int, default=2_000, help="how many events a log has that is read for the first time")
    group.addoption("--checkpoint-seconds", type=int, default=2, help="how long fifty events a second are appended")
    group = parser.getgroup("payments", "how many payments go to the bank together (tests/integration/reintegration/test_batches.py)")
    group.addoption("--bank-sequences", type=int, default=10, help="how many sequences of orders and of what the bank says (tests/integration/reintegration/test_money_adds_up.py)")
    group.addoption("--payments", type=int, default=20, help="how many payments, in five currencies")
    group = parser.getgroup("schemathesis", "how much is sent that nobody thought of (tests/e2e/test_schemathesis.py)")
    group.addoption("--schemathesis-examples", type=int, default=5, help="how many requests for each operation and role")
    group = parser.getgroup("surveys", "how many interviews are scored twice (tests/unit/reintegration/test_scoring.py)")
    group.addoption("--answer-sets", type=int, default=300, help="how many sets of answers")
    group = parser.getgroup("canaries", "of how many people is looked for what may be told to nobody (tests/e2e/test_canaries.py)")
    group.addoption("--canaries", type=int, default=100, help="how many persons, five to a household")


def pytest_sessionstart() -> None:
    """A process that has the memory of another, as those have that try changed code, begins anew."""
    forget()


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Of several processes one collects before the others, who find what it has compiled.

    What is there afterwards stays to the end, and is not looked at again whenever Python looks for what can go.
    """
    gc.disable()
    try:
        if sys.pycache_prefix is None or not hasattr(session.config, "workerinput"):
            return (yield)
        Path(sys.pycache_prefix).mkdir(parents=True, exist_ok=True)
        with Path(sys.pycache_prefix, "collected").open("a+") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            turn.seek(0)
            if turn.read():
                fcntl.flock(turn, fcntl.LOCK_UN)
            try:
                return (yield)
            finally:
                turn.write("by somebody")
    finally:
        # What was made in vain goes first, and complains now if it has to.
        gc.collect()
        begin()


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Bytes are named by their argument: a file may be made anew by each worker, which must collect the same names."""
    del config
    return argname if isinstance(val, bytes) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Says what stays together in a run on several processes: a file, and all tests that share one running system.

    Comes before xdist's own look at the marks, after which they would say nothing. What takes longest goes first, so
    that no process is left with it at the end.
    """
    running = {_file(item) for item in items if "mission" in getattr(item, "fixturenames", ())}
    groups = {item: _group(_file(item), running) for item in items}
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: _LONGEST.index(groups[item]) if groups[item] in _LONGEST else len(_LONGEST))


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _group(file: str, running: set[str]) -> str:
    if file.startswith("tests/chaos/"):
        return "chaos"
    # A few fixtures of other tests have the same name and are made anew for each of them.
    if file not in running or file.startswith("tests/integration/"):
        return file
    if file.startswith("tests/browser/"):
        return "pages"
    return "random" if file == "tests/e2e/test_schemathesis.py" else "mission"


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
