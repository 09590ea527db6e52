"""A bad network between a browser and this machine: a proxy that breaks connections and loses answers when told to."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.listening import listening

_CHUNK = 16 * 1024
_HERE = ("127.0.0.1", "localhost")


@dataclass
class Relay:
    """What becomes of what a browser asks: ``address`` is its proxy, ``lost`` counts answers that it never saw."""

    address: str = ""
    lost: int = 0
    broken: int = 0
    _losing: bool = False
    _every: int = 0
    _asked: int = 0

    @contextmanager
    def losing_answers(self) -> Iterator[None]:
        """Every form that is sent meanwhile reaches the portal, and no answer to it comes back."""
        self._losing = True
        yield
        self._losing = False

    @contextmanager
    def breaking(self, every: int) -> Iterator[None]:
        """The first request meanwhile and each so-manieth after it breaks its connection off and reaches nobody."""
        self._every, self._asked = every, 0
        yield
        self._every = 0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carries one connection of the browser to whom it asks for, for as long as both want."""
        upstream: asyncio.StreamWriter | None = None
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            target = urlsplit(head.split(b" ", 2)[1].decode("ascii"))
            if target.hostname not in _HERE:
                # What a browser asks of its maker, it asks in vain.
                return
            answers, upstream = await asyncio.open_connection(target.hostname, target.port)
            form = asyncio.Event()
            await asyncio.wait(
                [
                    asyncio.create_task(self._asks(head, reader, upstream, form)),
                    asyncio.create_task(self._answers(answers, writer, form)),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()
            if upstream is not None:
                upstream.transport.abort()

    async def _asks(
        self, head: bytes, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter, form: asyncio.Event
    ) -> None:
        chunk = head
        while chunk:
            if chunk.startswith((b"POST ", b"GET ")):
                self._asked += 1
                if self._every and self._asked % self._every == 1:
                    self.broken += 1
                    return
                (form.set if chunk.startswith(b"POST ") else form.clear)()
            upstream.write(chunk)
            await upstream.drain()
            chunk = await reader.read(_CHUNK)

    async def _answers(
        self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter, form: asyncio.Event
    ) -> None:
        while chunk := await answers.read(_CHUNK):
            if self._losing and form.is_set():
                self.lost += 1
                return
            writer.write(chunk)
            await writer.drain()


@asynccontextmanager
async def open_relay() -> AsyncIterator[Relay]:
    """A relay that carries everything until it is told otherwise."""
    relay = Relay()
    async with listening(relay.carry) as port:
        relay.address = f"http://127.0.0.1:{port}"
        yield relay
