"""The line between the services and the broker, which can go dead, and can lose what was on its way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.listening import listening


class Network:
    """A port on this machine behind which the broker is. ``lines`` are the connections that stand."""

    def __init__(self) -> None:
        self.url = ""
        self.lines: set[asyncio.StreamWriter] = set()
        self._place = ("", 0)
        self._flows = asyncio.Event()
        self._flows.set()

    def leads_to(self, url: str) -> None:
        """Where the broker is."""
        found = urlsplit(url)
        assert found.hostname is not None
        assert found.port is not None
        self._place = (found.hostname, found.port)

    def cut(self) -> None:
        """Nothing gets through any more, in neither direction, and nobody is told."""
        self._flows.clear()

    def mend(self, *, lost: bool) -> None:
        """Everything gets through again: what was on its way too, unless it was ``lost`` with the connections it was on."""
        if lost:
            for line in list(self.lines):
                line.transport.abort()
        self._flows.set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Network"]:
        """Lets others connect while the block runs."""
        async with listening(self._connected) as port:
            self.url = f"nats://127.0.0.1:{port}"
            try:
                yield self
            finally:
                self.mend(lost=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines.add(writer)
        try:
            await self._flows.wait()
            far_reader, far_writer = await asyncio.open_connection(*self._place)
            self.lines.add(far_writer)
            try:
                # Whichever side hangs up first, the other one is told.
                there, back = (asyncio.create_task(self._carry(*ends)) for ends in ((reader, far_writer), (far_reader, writer)))
                await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
                there.cancel()
                back.cancel()
                await asyncio.gather(there, back, return_exceptions=True)
            finally:
                self.lines.discard(far_writer)
                far_writer.transport.abort()
        except OSError:
            # The broker is away, which whoever connects finds out by the end of the line.
            pass
        finally:
            self.lines.discard(writer)
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
