"""Every check that the project has to pass, in one order, with one result."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ops.browser import ensure_browser
from ops.settings import CannotStart

PROJECT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
BROWSER_TESTS = PROJECT / "tests" / "browser"
# Each process of the tests starts servers of its own; more of them than this would only wait for each other.
MOST_PROCESSES = 4

GATES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ruff", (str(BIN / "ruff"), "check", "--quiet", ".")),
    ("mypy", (str(BIN / "mypy"),)),
    ("import contracts", (str(BIN / "lint-imports"), "--no-cache")),
    ("pytest", (str(BIN / "pytest"),)),
)


def run_gates(extra: Sequence[str]) -> int:
    """Runs every gate even if one fails, so that one run tells all; 0 only if all passed."""
    failed: list[str] = []
    if drives_browser(extra):
        try:
            ensure_browser()
        except CannotStart as refusal:
            print(f"avrr test: browser FAILED: {refusal.sentence}", flush=True)
            failed.append("browser")
    for name, command in GATES:
        started = time.monotonic()
        more = (*side_by_side(extra), *extra) if name == "pytest" else ()
        code = subprocess.run((*command, *more), cwd=PROJECT, check=False).returncode
        print(f"avrr test: {name} {'passed' if code == 0 else 'FAILED'} in {time.monotonic() - started:.0f} s", flush=True)
        if code != 0:
            failed.append(name)
    return 1 if failed else 0


def drives_browser(extra: Sequence[str]) -> bool:
    """Whether tests in a browser are among those that these arguments of pytest choose."""
    chosen = _chosen(extra)
    return not chosen or any(
        path.is_relative_to(BROWSER_TESTS) or BROWSER_TESTS.is_relative_to(path) for path in chosen
    )


def side_by_side(extra: Sequence[str]) -> tuple[str, ...]:
    """The arguments by which pytest uses every core for a whole run; a few tests begin sooner in one process."""
    processes = min(os.cpu_count() or 1, MOST_PROCESSES)
    return () if processes == 1 or _chosen(extra) else ("-n", str(processes), "--dist", "loadgroup")


def _chosen(extra: Sequence[str]) -> list[Path]:
    named = [PROJECT / argument.partition("::")[0] for argument in extra if not argument.startswith("-")]
    return [path.resolve() for path in named if path.exists()]
