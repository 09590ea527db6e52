"""HTTP to the services of this machine for whoever asks thousands of times: a third of the work of httpx's own transport."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import httptools
import httpx

# The development provider, the least patient of all servers here, closes what was idle for five seconds.
IDLE_SECONDS: Final = 4.0

_Place = tuple[str, int]


class Wire(httpx.AsyncBaseTransport):
    """Plain HTTP/1.1 for `httpx.AsyncClient`: connections are kept, answers are read whole.

    Raises what httpx's own transport does: `httpx.ConnectError`, `ReadTimeout`, and `RemoteProtocolError` where a
    connection ends before its answer does.
    """

    def __init__(self, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._idle: dict[_Place, list[_Connection]] = {}
        self._elapsed = elapsed

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Asks, and answers when everything has come."""
        if request.url.scheme != "http":
            raise httpx.UnsupportedProtocol("only services of this machine are asked so")
        place = (request.url.host, request.url.port or 80)
        body = await request.aread()
        if "Transfer-Encoding" in request.headers:
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("read")):
                connection, status = await self._asked(place, _head(request) + body, bodiless=request.method == "HEAD")
        except TimeoutError:
            raise httpx.ReadTimeout("no answer in time", request=request) from None
        return httpx.Response(status, headers=connection.headers, stream=httpx.ByteStream(b"".join(connection.body)))

    async def ask(self, host: str, port: int, request: bytes) -> int:
        """The status that a request is answered with which is whole already, for whoever measures what answers and not what asks."""
        _, status = await self._asked((host, port), request, bodiless=False)
        return status

    async def _asked(self, place: _Place, request: bytes, *, bodiless: bool) -> "tuple[_Connection, int]":
        connection = self._kept(place) or await _opened(place)
        status = await connection.ask(request, bodiless=bodiless)
        if connection.reusable:
            connection.idle_since = self._elapsed()
            self._idle.setdefault(place, []).append(connection)
        return connection, status

    async def aclose(self) -> None:
        """Ends what is kept."""
        for connections in self._idle.values():
            for connection in connections:
                connection.end()
        self._idle.clear()

    def _kept(self, place: _Place) -> "_Connection | None":
        connections = self._idle.get(place, [])
        while connections:
            connection = connections.pop()
            if connection.reusable and self._elapsed() - connection.idle_since < IDLE_SECONDS:
                return connection
            connection.end()
        return None


class _Connection(asyncio.Protocol):
    """One connection, on which one question is asked at a time."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.reusable = True
        self.idle_since = 0.0
        self._bodiless = False
        self._parser = httptools.HttpResponseParser(self)
        self._answered: asyncio.Future[int] | None = None
        self._transport: asyncio.Transport | None = None

    async def ask(self, asked: bytes, *, bodiless: bool) -> int:
        """Sends a request and returns the status once headers and body are there; whoever gives up ends the connection."""
        assert self._transport is not None
        self.headers, self.body, self._bodiless = [], [], bodiless
        self._parser = httptools.HttpResponseParser(self)
        self._answered = asyncio.get_running_loop().create_future()
        self.reusable = False
        self._transport.write(asked)
        try:
            return await self._answered
        finally:
            self._answered = None
            if not self.reusable:
                self.end()

    def end(self) -> None:
        """Closes it."""
        self.reusable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone, and whoever waits hears of it."""
        self.reusable = False
        self._fail("the connection ended before its answer")

    def data_received(self, data: bytes) -> None:
        """A part of an answer; what nobody asked for ends the connection."""
        if self._answered is None:
            self.end()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.reusable = False
            self._fail("the answer is not HTTP")

    def on_message_begin(self) -> None:
        """An answer begins; a second one to the same question is nobody's, nor is what comes after it."""
        if self._answered is None or self._answered.done():
            raise ValueError("more than one answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header of the answer."""
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The answer to HEAD has a length and no body, which the parser would wait for."""
        if self._bodiless and self._answered is not None and not self._answered.done():
            self._answered.set_result(self._parser.get_status_code())

    def on_body(self, part: bytes) -> None:
        """A part of the body."""
        self.body.append(part)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if self._answered is not None and not self._answered.done():
            self.reusable = self._parser.should_keep_alive()
            self._answered.set_result(self._parser.get_status_code())

    def _fail(self, why: str) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(httpx.RemoteProtocolError(why))


async def _opened(place: _Place) -> _Connection:
    try:
        _, connection = await asyncio.get_running_loop().create_connection(_Connection, *place)
    except OSError as error:
        raise httpx.ConnectError(str(error.strerror)) from None
    return connection


def _head(request: httpx.Request) -> bytes:
    lines = [b" ".join((request.method.encode(), request.url.raw_path, b"HTTP/1.1"))]
    lines += [name + b": " + value for name, value in request.headers.raw]
    return b"\r\n".join((*lines, b"", b""))
