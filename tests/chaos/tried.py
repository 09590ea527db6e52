"""Runs a program of the system as it is, by the clock of a machine that is being tried, and with the fault that was planted in it.

`python -m tests.chaos.tried MODULE`: neither is a setting of the program itself, so nobody can turn it on where the system runs for real.
"""

import importlib
import os
import runpy
import sys
import time
from pathlib import Path
from typing import Final

from tests.chaos.machine_clock import MachineClock

# Where a program reads `datetime.now`; each asks the machine that is being tried instead.
_READ_TIME: Final = {
    "services": ("shared.clock",), "ops.identity": ("ops.identity.app", "ops.identity.staff"), "ops.checkpointer": ("ops.checkpointer.__main__",),
}


def main() -> None:
    """Sets the clock, plants the fault, and goes on as the program itself."""
    module = sys.argv[1]
    clock = MachineClock(Path(os.environ["CHAOS_CLOCK"]))
    time.time = clock.seconds
    for name in next((names for start, names in _READ_TIME.items() if module.startswith(start)), ()):
        importlib.import_module(name).datetime = clock  # type: ignore[attr-defined]
    if fault := os.environ["CHAOS_PLANTED"]:
        importlib.import_module("tests.chaos.planted").PLANTED[fault]()
    del sys.argv[1]
    if module == "ops.checkpointer":
        # The one that reads the time where it begins, and run as itself it would read it there anew.
        importlib.import_module("ops.checkpointer.__main__").main(sys.argv[1:], os.environ)
    else:
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
