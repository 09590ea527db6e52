"""A cable between a client and a server that a test can cut and mend."""

import asyncio
import contextlib
from contextlib import AsyncExitStack
from typing import Self

from tests.listening import listening


class Line:
    """Passes TCP on from a port of its own; while it is cut, connections die and new ones are refused."""

    def __init__(self, host: str, port: int) -> None:
        self._far = (host, port)
        self._stands = AsyncExitStack()
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    async def mend(self) -> None:
        self.port = await self._stands.enter_async_context(listening(self._connected, self.port))

    async def cut(self) -> None:
        await self._stands.aclose()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._far)
        except OSError:
            return
        try:
            await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))
        finally:
            far_writer.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()
