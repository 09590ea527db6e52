"""Every check that the project has to pass, in one order, with one result."""

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
        more = tuple(extra) if name == "pytest" else ()
        code = subprocess.run((*command, *more), cwd=PROJECT, check=False).returncode
        print(f"avrr test: {name} {'passed' if code == 0 else 'FAILED'} in {time.monotonic() - started:.0f} s", flush=True)
        if code != 0:
            failed.append(name)
    return 1 if failed else 0


def drives_browser(extra: Sequence[str]) -> bool:
    """Whether tests in a browser are among those that these arguments of pytest choose."""
    named = [PROJECT / argument.partition("::")[0] for argument in extra if not argument.startswith("-")]
    chosen = [path.resolve() for path in named if path.exists()]
    return not chosen or any(
        path.is_relative_to(BROWSER_TESTS) or BROWSER_TESTS.is_relative_to(path) for path in chosen
    )
