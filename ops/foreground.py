"""A system in a terminal: Ctrl-C, exit codes, and one line for whatever went wrong."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from ops.children import Ended
from ops.settings import CannotStart
from ops.supervisor import Running

INTERRUPTED = 130


def complain_in_terminal(sentence: str) -> None:
    """One line on standard error."""
    print(f"avrr: {sentence}", file=sys.stderr, flush=True)


async def run(
    system: Running,
    work: Callable[[Running], Awaitable[int]] | None = None,
    *,
    greet: Callable[[Running], None] | None = None,
    complain: Callable[[str], None] = complain_in_terminal,
) -> int:
    """Runs a system until its work is done, a part ends, or somebody stops it; the result is the exit code.

    ``greet`` is called once everything is up.

    The first SIGINT or SIGTERM stops in good order, the second kills. Without `work` that is how such a
    system is meant to end: 0. Work or a start that was cut short is not a success: 130. A refusal or a part
    that ended: 1, with one line that says why.
    """
    interrupted = False
    up = False
    main = asyncio.current_task()
    if main is None:
        raise RuntimeError("run() is awaited inside a task")

    def stop() -> None:
        nonlocal interrupted
        if interrupted:
            system.kill_everything()
        elif not system.stopping:
            main.cancel()
        interrupted = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        async with system:
            up = True
            if greet is not None:
                greet(system)
            return await _work_or_failure(system, work, complain)
    except asyncio.CancelledError:
        if not interrupted:
            raise
        main.uncancel()
        return 0 if up and work is None else INTERRUPTED
    except CannotStart as refusal:
        complain(refusal.sentence)
        return 1
    except Ended as ended:
        _explain(ended, complain)
        return 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _work_or_failure(
    system: Running, work: Callable[[Running], Awaitable[int]] | None, complain: Callable[[str], None]
) -> int:
    if work is None:
        _explain(await asyncio.shield(system.failure), complain)
        return 1
    working = asyncio.ensure_future(work(system))
    try:
        either: set[asyncio.Future[Any]] = {working, system.failure}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if system.failure.done():
            _explain(system.failure.result(), complain)
            return 1
        return await working
    finally:
        if not working.done():
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working


def _explain(ended: Ended, complain: Callable[[str], None]) -> None:
    said = "".join(f"\n    {line}" for line in ended.lines)
    complain(f"{ended}; everything else is stopped too{'. Its last lines:' if said else ''}{said}")
