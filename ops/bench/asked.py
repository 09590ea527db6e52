"""What `./avrr bench` is asked for: which parts, and where the figures go."""

import json
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import typer

from ops.bench import pages
from ops.bench.figures import page
from ops.bench.run import PARTS, USUAL, Part, machine, run_bench
from ops.settings import CannotStart, read_settings
from ops.system import read_addresses


async def bench_asked(
    asked: Sequence[str], json_file: Path | None, page_file: Path | None, sizes: Sequence[int], events: int, seconds: float,
    minutes: float, times: int,
) -> int:  # fmt: skip
    """Measures and tells; 1 if a bound is not kept. `CannotStart` if a part is unknown, or goes with no other and was asked for with one."""
    if "pages" in asked:
        if len(asked) > 1:
            raise CannotStart("bench_parts", "The pages are those of the system that runs, all other parts those of one of their own: ask for pages alone.")
        return await _pages(json_file, times)
    parts: list[Part] = [part for part in PARTS if part in asked] or list(USUAL)
    unknown = sorted({*asked} - {*PARTS})
    if unknown:
        raise CannotStart("bench_parts", f"There is no part {', '.join(unknown)}: {', '.join(PARTS)} or pages.")
    where = machine()
    figures = await run_bench(parts, sorted(sizes), events, seconds, minutes, typer.echo)
    if json_file is not None:
        json_file.write_text(json.dumps([one.as_json() for one in figures], indent=2) + "\n")
    if page_file is not None:
        page_file.write_text(page(figures, where, f"{datetime.now(UTC):%d %B %Y}", shlex.join(["./avrr", *sys.argv[1:]])))
    missed = [f"{one.section}: {one.name}" for one in figures if one.holds == "no"]
    typer.echo(f"Not kept: {'; '.join(missed) or 'none'}.")
    return 1 if missed else 0


async def _pages(json_file: Path | None, times: int) -> int:
    timings = await pages.time_pages(read_addresses(read_settings()).portal, times, say=typer.echo)
    if json_file is not None:
        json_file.write_text(json.dumps([timing.as_json() for timing in timings], indent=2) + "\n")
    slow = [timing.name for timing in timings if timing.p95 > pages.MOST_MILLISECONDS]
    typer.echo(f"Over {pages.MOST_MILLISECONDS} ms at p95: {', '.join(slow) or 'none'}.")
    return 1 if slow else 0
