"""Every check that the project has to pass, in one order, with one result."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ops.browser import ensure_browser
from ops.settings import CannotStart

PROJECT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
BROWSER_TESTS = PROJECT / "tests" / "browser"
# Each process of the tests starts servers of its own; more of them than this would only wait for each other.
MOST_PROCESSES = 4
# Where a file system in memory is and what it must have left for the data of all those servers.
MEMORY = Path("/dev/shm")  # noqa: S108 -- a folder of its own is made in it, with a name that nobody can foresee
ENOUGH_BYTES = 8 * 2**30

# A registry that is away for a moment is waited for: nobody stands in front of a run of tests.
LET_NPM_TRY: Mapping[str, str] = {"npm_config_fetch_retries": "5", "npm_config_fetch_retry_maxtimeout": "20000"}

# What only reads the sources; it runs beside the tests.
READING: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ruff", (str(BIN / "ruff"), "check", "--quiet", ".")),
    ("mypy", (str(BIN / "mypy"),)),
    ("import contracts", (str(BIN / "lint-imports"), "--no-cache")),
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
    with working_folder(extra) as folder, compiled_once() as environment, ThreadPoolExecutor(1) as beside:
        read = [beside.submit(_passed, name, command, environment, quiet=True) for name, command in READING]
        tests = _passed("pytest", (str(BIN / "pytest"), *side_by_side(extra), *folder, *extra), environment)
        failed += [name for (name, _), passed in zip(READING, read, strict=True) if not passed.result()]
        if not tests:
            failed.append("pytest")
    if failed:
        print(f"avrr test: FAILED: {', '.join(failed)}", flush=True)
    return 1 if failed else 0


def _passed(name: str, command: Sequence[str], environment: Mapping[str, str], *, quiet: bool = False) -> bool:
    """Runs one gate and says how it ended; of a quiet one nothing is printed before, so that two don't mix their lines."""
    started = time.monotonic()
    ended = subprocess.run(
        command, cwd=PROJECT, check=False, env=environment, text=True,
        stdout=subprocess.PIPE if quiet else None, stderr=subprocess.STDOUT if quiet else None,
    )  # fmt: skip
    verdict = "passed" if ended.returncode == 0 else "FAILED"
    told = f"\n{ended.stdout}" if quiet and ended.returncode != 0 else "\n" if quiet else ""
    print(f"{told}avrr test: {name} {verdict} in {time.monotonic() - started:.0f} s", flush=True)
    return ended.returncode == 0


@contextlib.contextmanager
def working_folder(extra: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The arguments by which pytest puts its folders into memory, if there is enough; they are gone afterwards.

    Every command of every server under test waits for its disk, as it has to: a power cut must lose nothing. No test
    cuts the power, so that the waiting proves nothing.
    """
    if any(argument.startswith("--basetemp") for argument in extra) or not _enough_memory():
        yield ()
        return
    with tempfile.TemporaryDirectory(prefix="avrr-test-", dir=MEMORY, ignore_cleanup_errors=True) as folder:
        yield (f"--basetemp={folder}/pytest",)


@contextlib.contextmanager
def compiled_once() -> Iterator[dict[str, str]]:
    """The environment in which what Python compiles is kept for all processes of this run, and gone afterwards.

    Tests start hundreds of processes. Where `PYTHONDONTWRITEBYTECODE` is set, as images of containers like to do, each
    of them would compile a thousand files for two seconds.
    """
    with tempfile.TemporaryDirectory(prefix="avrr-compiled-", ignore_cleanup_errors=True) as folder:
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        yield {**LET_NPM_TRY, **kept, "PYTHONPYCACHEPREFIX": folder}


def _enough_memory() -> bool:
    try:
        available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return min(shutil.disk_usage(MEMORY).free, available) >= ENOUGH_BYTES and os.access(MEMORY, os.W_OK)
    except (OSError, ValueError):
        return False


def drives_browser(extra: Sequence[str]) -> bool:
    """Whether tests in a browser are among those that these arguments of pytest choose."""
    chosen = _chosen(extra)
    return not chosen or any(
        path.is_relative_to(BROWSER_TESTS) or BROWSER_TESTS.is_relative_to(path) for path in chosen
    )


def side_by_side(extra: Sequence[str]) -> tuple[str, ...]:
    """The arguments by which pytest uses every core for a whole run; a few tests begin sooner in one process."""
    cores = os.cpu_count() or 1
    if cores == 1 or _chosen(extra):
        return ()
    # The process that has the running system waits for it most of the time, and leaves a core to one more.
    processes = min(cores + 1, MOST_PROCESSES)
    # In the order in which they were collected, which tests/conftest.py decides.
    return ("-n", str(processes), "--dist", "loadgroup", "--no-loadscope-reorder")


def _chosen(extra: Sequence[str]) -> list[Path]:
    named = [PROJECT / argument.partition("::")[0] for argument in extra if not argument.startswith("-")]
    return [path.resolve() for path in named if path.exists()]
