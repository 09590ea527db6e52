"""A supervisor in a process of its own, for tests that end it: prints its children's ids, then runs until told."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from ops.children import Child
from ops.foreground import run
from ops.settings import OpsSettings
from ops.supervisor import Running

SLEEPER = Child("sleeper", (sys.executable, "-c", "import signal; signal.pause()"))
FAILING = Child("failing", (sys.executable, "-c", "import sys; print('out of paper'); sys.exit(3)"))
STUBBORN = Child(
    "stubborn",
    (
        sys.executable,
        "-c",
        """
import os, signal
signal.signal(signal.SIGTERM, lambda *_: os.write(1, b'not yet\\n'))
print('deaf', flush=True)
while True:
    signal.pause()
""",
    ),
)


async def main(folder: Path, kind: str) -> int:
    """Runs one system of that kind; the result is the exit code a command would have."""
    children = {"failing": [SLEEPER, FAILING], "stubborn": [STUBBORN]}.get(kind, [SLEEPER])

    async def prepare(_: Running) -> Sequence[Child]:
        return children

    async def work(_: Running) -> int:
        await asyncio.Event().wait()
        return 0

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    system = Running(
        OpsSettings(data=folder),
        prepare=prepare,
        services=(),
        other_ports={},
        say=say,
    )

    def greet(_: Running) -> None:
        for name in ("postgres", "nats", *(child.name for child in children if child is not FAILING)):
            say(f"pid {system.pid(name)}")
        say("running")

    return await run(system, work if kind == "work" else None, greet=greet)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]), sys.argv[2])))
