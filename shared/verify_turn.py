"""The turn to verify a service's rows: one process has it for as long as its session lasts, whatever a row or a clock says."""

import asyncio
import contextlib
from typing import Final

import asyncpg

from shared.db import INFRASTRUCTURE

_LOCK: Final = int.from_bytes(b"avrr-row")
_CONNECT_SECONDS: Final = 5.0


class VerifyTurn:
    """A session that holds the lock, by the login of a service's worker; the server gives it back when the session ends."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._session: asyncpg.Connection[asyncpg.Record] | None = None
        self._asking = asyncio.Lock()

    async def held(self) -> bool:
        """Whether this process has the turn, which it takes where nobody has it; raises what a connection raises."""
        async with self._asking:
            if self._session is not None:
                try:
                    await self._session.execute("SELECT 1")
                except INFRASTRUCTURE:
                    self.given_back()
                else:
                    return True
            return await self._taken()

    def given_back(self) -> None:
        """Ends the session, and with it the turn."""
        if self._session is not None:
            self._session.terminate()
            self._session = None

    async def _taken(self) -> bool:
        session = await asyncpg.connect(
            self._url, timeout=_CONNECT_SECONDS, command_timeout=_CONNECT_SECONDS,
            server_settings={
                "application_name": f"{self._name}-verify-turn",
                # A lock must not outlive a machine that has vanished.
                "tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3",
            },
        )  # fmt: skip
        try:
            if await session.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
                self._session = session
                return True
        finally:
            if self._session is not session:
                with contextlib.suppress(*INFRASTRUCTURE):
                    session.terminate()
        return False
