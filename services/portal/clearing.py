"""What the portal does by itself while it runs: each minute it clears what it kept long enough."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import structlog

from services.portal.sessions import Sessions

EVERY_SECONDS: Final = 60.0

log = structlog.get_logger("sessions")


@contextlib.asynccontextmanager
async def clearing(sessions: Sessions) -> AsyncIterator[None]:
    """Clears meanwhile what these sessions kept long enough, at once and then each minute; whatever hinders it, it goes on."""
    task = asyncio.create_task(_clear(sessions), name="clearing")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _clear(sessions: Sessions) -> None:
    while True:
        try:
            await sessions.clear()
        except Exception as fault:  # noqa: BLE001 -- what is not cleared now is cleared in a minute
            log.warning("not_cleared", kind=type(fault).__name__)
        await asyncio.sleep(EVERY_SECONDS)
