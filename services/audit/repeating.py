"""What the archive's watchers do again and again: what fails is told once, and tried again the next time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from typing import Protocol


class Faulty(Protocol):
    """What can fail: the kind of its latest fault, None after it went well."""

    fault: str | None


@contextlib.contextmanager
def waited_out(state: Faulty, waits: Callable[[str], object]) -> Iterator[None]:
    """Whatever fails in the block is kept in ``state``, and told by ``waits`` when it is another kind than before.

    A watcher that ended would find nothing from then on.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 -- see above
        fault = type(error).__name__
        if fault != state.fault:
            state.fault = fault
            waits(fault)
    else:
        state.fault = None


async def each(names: Iterable[str], work: Callable[[str], Awaitable[None]]) -> None:
    """One round over these logs, one after the other."""
    for name in names:
        await work(name)


@contextlib.asynccontextmanager
async def repeating(what: str, work: Callable[[], Awaitable[None]], every: float) -> AsyncIterator[None]:
    """Does the work, rests for so many seconds, and does it again, while the block runs."""

    async def run() -> None:
        while True:
            await work()
            await asyncio.sleep(every)

    async with beside(what, run):
        yield


@contextlib.asynccontextmanager
async def beside(what: str, run: Callable[[], Coroutine[None, None, None]]) -> AsyncIterator[None]:
    """Runs it while the block does."""
    task = asyncio.create_task(run(), name=what)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
