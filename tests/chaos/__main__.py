"""Runs one trial and prints what happened; `./avrr chaos` starts it (docs/chaos.md)."""

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
from pathlib import Path

import structlog

from ops.children import Ended
from tests.chaos.plan import Trial
from tests.chaos.running import told, tried


def main() -> None:
    """One trial as the arguments say; ends with 1 where something is wrong or less went wrong than was planned."""
    parser = argparse.ArgumentParser(prog="avrr chaos")
    for name in ("seed", "commands", "kills"):
        parser.add_argument(f"--{name}", type=int, required=True)
    given = parser.parse_args()
    trial = Trial(given.seed, given.commands, given.kills)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    folder = Path(tempfile.mkdtemp(prefix="avrr-chaos-"))
    try:
        outcome = asyncio.run(tried(trial, folder, lambda line: print(line, flush=True)))
    except Ended as ended:
        sys.exit("\n".join((*ended.lines, f"avrr: {ended}")))
    print(*told(outcome), sep="\n", flush=True)
    if not outcome.passed:
        sys.exit(1)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
