"""What a system takes of memory while nobody asks anything of it, and how long it takes to start again."""

import asyncio
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Final

from ops.bench.figures import Figure
from ops.settings import OpsSettings
from ops.system import make_system

MOST_MEGABYTES: Final = 1300.0
MOST_SECONDS: Final = 15.0
# Until what a start leaves behind has been done and nothing but what is always done goes on.
_IDLE_SECONDS: Final = 20


async def footprint(folder: Path) -> list[Figure]:
    """A system on a folder that was there before: from nothing running to all of it ready, and then its memory while it is idle."""
    settings = OpsSettings(data=folder)
    async with make_system(settings, say=lambda _: None):
        pass
    begun = time.monotonic()
    async with make_system(settings, say=lambda _: None):
        seconds = time.monotonic() - begun
        await asyncio.sleep(_IDLE_SECONDS)
        shares = memory_below(os.getpid())
    return [
        Figure("footprint", "warm start until every part is ready", seconds, "s", most=MOST_SECONDS),
        Figure("footprint", "memory of all processes while idle", sum(shares.values()), "MB", most=MOST_MEGABYTES),
        *(Figure("footprint", f"memory of {name}", share, "MB") for name, share in sorted(shares.items())),
    ]


def memory_below(pid: int) -> dict[str, float]:
    """The megabytes of each process that one started, and that these started, by what they are; what several share is counted in parts."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            # One that ended while it was looked at.
            continue
    found: dict[str, float] = defaultdict(float)
    below = {pid}
    while more := {child for child, parent in parents.items() if parent in below} - below:
        below |= more
    for child in below - {pid}:
        try:
            rollup = (Path("/proc") / str(child) / "smaps_rollup").read_text()
            said = (Path("/proc") / str(child) / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        found[_name(said)] += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024
    return found


def _name(said: list[bytes]) -> str:
    words = [word.decode(errors="replace") for word in said if word]
    if "-m" in words:
        return words[words.index("-m") + 1].removeprefix("services.").removeprefix("ops.").removesuffix(".app")
    program = words[0].split(" ")[0].rstrip(":") if words else "other"
    return Path(program).name
