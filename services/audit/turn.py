"""The turn to watch: of several workers of the archive one compares, checks and asks, and the next one takes over."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final

import asyncpg
import structlog

from services.audit.repeating import beside
from shared.db import INFRASTRUCTURE

_LOCK: Final = int.from_bytes(b"avrr-see")
_CONNECT_SECONDS: Final = 5.0
# So often whoever waits asks again, and whoever has the turn asks whether it still does.
TURN_SECONDS: Final = 2.0

log = structlog.get_logger("watching")


class Turn:
    """The turn to watch, which one process of all has; the next one waits, and takes over within seconds of its end."""

    def __init__(self, url: str, name: str) -> None:
        self.held = False
        self._url = url
        self._name = name

    @contextlib.asynccontextmanager
    async def taking(self, work: Callable[[], contextlib.AbstractAsyncContextManager[None]]) -> AsyncIterator[None]:
        """Does the work, while the block runs, for as long as this process has the turn; a turn that was lost is waited for anew."""

        async def run() -> None:
            while True:
                try:
                    await self._session(work)
                except Exception as error:  # noqa: BLE001 -- whoever stops waiting never watches again
                    log.warning("turn_lost", kind=type(error).__name__)
                await asyncio.sleep(TURN_SECONDS)

        async with beside("the turn to watch", run):
            yield

    async def _session(self, work: Callable[[], contextlib.AbstractAsyncContextManager[None]]) -> None:
        connection = await asyncpg.connect(
            self._url, timeout=_CONNECT_SECONDS, command_timeout=_CONNECT_SECONDS,
            server_settings={
                "application_name": f"{self._name}-turn",
                # A lock must not outlive a machine that has vanished.
                "tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3",
            },
        )  # fmt: skip
        try:
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):  # noqa: ASYNC110 -- nothing tells when a lock is free
                await asyncio.sleep(TURN_SECONDS)
            ended = asyncio.Event()
            connection.add_termination_listener(lambda _: ended.set())
            self.held = True
            async with work():
                while not ended.is_set():
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(TURN_SECONDS):
                            await ended.wait()
                    await connection.execute("SELECT 1")
        finally:
            self.held = False
            # Ending the session gives the lock back; a connection that is broken needs no farewell.
            with contextlib.suppress(*INFRASTRUCTURE):
                await connection.close(timeout=2)
