"""Runs the parts of the bench that measure a system of their own, one after the other, and says what holds."""

import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal, get_args

from ops.bench import commanding, footprint, profiled, propagation, reading, soak
from ops.bench.figures import Figure, lines
from ops.bench.ground import ground

Part = Literal["command", "profile", "propagation", "growth", "export", "footprint", "soak"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)
# What takes less than a few minutes.
USUAL: Final[tuple[Part, ...]] = ("command", "profile", "propagation", "growth", "export", "footprint")


async def run_bench(parts: Sequence[Part], sizes: Sequence[int], events: int, seconds: float, minutes: float, say: Callable[[str], None]) -> list[Figure]:
    """Measures these parts, each in a system that nothing else was measured in; the figures as they come are told to ``say``."""
    found: list[Figure] = []
    for part in parts:
        with TemporaryDirectory(prefix="avrr-bench-") as folder:
            say(f"{part} …")
            mine = await _measured(part, Path(folder), list(sizes), events, seconds, minutes)
        for line in lines(mine)[0 if not found else 1 :]:
            say(line)
        found += mine
    return found


def machine() -> str:
    """What it runs on, without a name, and how much else runs there now: with more than a little no figure but a ratio says much."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} before it began"


async def _measured(part: Part, folder: Path, sizes: list[int], events: int, seconds: float, minutes: float) -> list[Figure]:
    data = folder / "data"
    if part == "footprint":
        return await footprint.footprint(data)
    async with ground(data) as made:
        if part == "command":
            return await commanding.command_path(made, seconds)
        if part == "profile":
            return await profiled.profile(made, seconds / 2, folder)
        if part == "propagation":
            return await propagation.propagation(made, 100, folder)
        if part == "growth":
            return await reading.growth(made, sizes)
        if part == "export":
            return await reading.export(made, events)
        return await soak.soak(made, 50, minutes, os.getpid())
