"""Somebody of this process who listens at a port while a block runs, and of whom nothing is left behind it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Hear = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

# So many turns of the loop after it let go of the port, whoever had been taken on before has been handed to a protocol.
_TURNS = 10


@asynccontextmanager
async def listening(hear: Hear, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port, at which each connection is ``hear``d; when the block ends, so does whatever still hears, and every connection.

    A connection ends with whoever heard it, however they ended: a stream that nobody closes stays half open behind a client that hung up, and
    is told of in whichever test runs when it is thrown away. A client who went in the middle of something is no fault of the test's.
    """
    heard: dict[asyncio.Task[object], asyncio.StreamWriter] = {}
    over = False

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        heard[task] = writer
        try:
            if not over:
                await hear(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except asyncio.CancelledError:
            if not over:
                raise
        finally:
            writer.close()
            del heard[task]

    server = await asyncio.start_server(one, "127.0.0.1", port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        over = True
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        for task, writer in list(heard.items()):
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*heard, return_exceptions=True)
