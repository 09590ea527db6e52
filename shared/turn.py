"""A turn that one process of all has: an advisory lock of the database, held by a session and given back with its end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import asyncpg
import structlog

from shared.db import INFRASTRUCTURE

# So often whoever waits asks again, and whoever has the turn asks whether it still does.
TURN_SECONDS: Final = 2.0
_CONNECT_SECONDS: Final = 5.0

log = structlog.get_logger("turn")


class Turn:
    """The turn to do one thing in one database; the next process takes over within seconds of its end."""

    def __init__(self, url: str, name: str, lock: bytes, answer_seconds: float = _CONNECT_SECONDS) -> None:
        """``lock`` is eight bytes that only this kind of turn has; ``name`` is what the session is called at the server."""
        self.held = False
        self._url = url
        self._name = name
        self._lock = int.from_bytes(lock)
        self._answer_seconds = answer_seconds
        self._session: asyncpg.Connection[asyncpg.Record] | None = None
        self._ended = asyncio.Event()
        self._asking = asyncio.Lock()

    @property
    def session(self) -> "asyncpg.Connection[asyncpg.Record]":
        """The session that has the turn; a programming error where none has."""
        if self._session is None or not self.held:
            raise LookupError("this process does not have the turn")
        return self._session

    async def taken(self) -> bool:
        """Whether this process has the turn, which it takes where nobody has it; raises what a connection raises."""
        async with self._asking:
            if not await self._lasts():
                session = self._session = self._session or await self._opened()
                try:
                    self.held = await session.fetchval("SELECT pg_try_advisory_lock($1)", self._lock)
                except BaseException:
                    self.given_back()
                    raise
            return self.held

    def given_back(self) -> None:
        """Ends the session, and with it the turn; a connection that is broken needs no farewell."""
        self.held = False
        session, self._session = self._session, None
        if session is not None:
            session.terminate()

    @contextlib.asynccontextmanager
    async def working(self, work: Callable[[], AbstractAsyncContextManager[None]]) -> AsyncIterator[None]:
        """Does the work, while the block runs, for as long as this process has the turn; a turn that was lost is waited for anew."""
        task = asyncio.create_task(self._for_ever(work), name=f"turn: {self._name}")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _for_ever(self, work: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        while True:
            try:
                while not await self.taken():  # noqa: ASYNC110 -- nothing tells when a lock is free
                    await asyncio.sleep(TURN_SECONDS)
                async with work():
                    while await self._lasts():
                        with contextlib.suppress(TimeoutError):
                            async with asyncio.timeout(TURN_SECONDS):
                                await self._ended.wait()
            except Exception as error:  # noqa: BLE001 -- whoever stops waiting never has a turn again
                log.warning("turn_lost", name=self._name, kind=type(error).__name__)
            finally:
                self.given_back()
            await asyncio.sleep(TURN_SECONDS)

    async def _lasts(self) -> bool:
        """Whether the session that took the turn is there still; one that is not takes the turn with it."""
        if self._session is None or not self.held:
            return False
        try:
            await self._session.execute("SELECT 1")
        except INFRASTRUCTURE:
            self.given_back()
            return False
        return True

    async def _opened(self) -> "asyncpg.Connection[asyncpg.Record]":
        session = await asyncpg.connect(
            self._url, timeout=_CONNECT_SECONDS, command_timeout=self._answer_seconds,
            server_settings={
                "application_name": self._name,
                "timezone": "UTC",
                # A lock must not outlive a machine that has vanished.
                "tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3",
            },
        )  # fmt: skip
        self._ended = ended = asyncio.Event()
        session.add_termination_listener(lambda _: ended.set())
        return session
