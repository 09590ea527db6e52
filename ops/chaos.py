"""Breaks a running system of its own in every way while commands flow, and looks for what was lost or done twice (docs/chaos.md)."""

import subprocess
import sys
from typing import Final

from ops.settings import PROJECT, CannotStart

# Also what `./avrr test` tries each time.
QUICK_COMMANDS: Final = 2_000
QUICK_KILLS: Final = 15


def run_chaos(commands: int, kills: int, seed: int) -> int:
    """Tries that; 0 if everything that was to break did and nothing is wrong. `CannotStart` where there are no sources to do it by."""
    harness = PROJECT / "tests" / "chaos"
    if not (harness / "__main__.py").exists():
        raise CannotStart("no_sources", "What breaks a system is part of avrr's tests: it runs from a checkout of its sources.")
    arguments = (f"--commands={commands}", f"--kills={kills}", f"--seed={seed}")
    return subprocess.run((sys.executable, "-m", "tests.chaos", *arguments), cwd=PROJECT, check=False).returncode
