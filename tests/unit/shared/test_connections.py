"""What one connection may send: heads and requests have an end, silence has one, and what is no HTTP is answered."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from shared import connections
from shared.connections import MAX_HEAD_BYTES, MAX_REQUEST_BYTES, BoundedConnection
from tests.unit.shared.test_http import HEADERS

SECONDS = 20


@dataclass(frozen=True)
class Server:
    """A server on a port of its own, and what its application was asked."""

    port: int
    state: ServerState
    asked: list[str]
    let_go: asyncio.Event

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def say(self, *pieces: bytes) -> tuple[int, dict[str, str], bytes]:
        """What is answered to this until the connection is closed: status, headers and body; 0 if nothing."""
        reader, writer = await self.connect()
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            said = await asyncio.wait_for(reader.read(), SECONDS)
        except ConnectionError:
            return 0, {}, b""
        finally:
            writer.close()
        head, _, body = said.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines)
        return int(first.split()[1]) if first else 0, fields, body


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    asked: list[str] = []
    let_go = asyncio.Event()
    let_go.set()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["path"])
        while (await receive()).get("more_body"):
            pass
        await let_go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    config = Config(app, log_config=None, lifespan="off", http=BoundedConnection, ws="none")
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    make: Callable[[], BoundedConnection] = lambda: BoundedConnection(config, state, {})  # noqa: E731
    listening = await loop.create_server(make, "127.0.0.1", 0)
    yield Server(listening.sockets[0].getsockname()[1], state, asked, let_go)
    listening.close()
    for connection in list(state.connections):
        assert isinstance(connection, BoundedConnection)
        connection.transport.abort()


def request(path: str = "/", *headers: str, body: bytes = b"") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def test_an_ordinary_request_passes(server: Server) -> None:
    status, _, body = await server.say(request("/one", "Content-Length: 3", body=b"abc"))
    assert (status, body, server.asked) == (200, b"ok", ["/one"])


async def test_a_head_that_just_fits_passes_in_however_many_pieces(server: Server) -> None:
    whole = request("/", "X-Long: " + "x" * (MAX_HEAD_BYTES - 200))
    status, _, _ = await server.say(*(whole[at : at + 4096] for at in range(0, len(whole), 4096)))
    assert status == 200


@pytest.mark.parametrize(
    "said",
    [
        request("/" + "x" * MAX_HEAD_BYTES),
        request("/", "X-Long: " + "x" * MAX_HEAD_BYTES),
        request("/", *(f"X-{number}: {'x' * 100}" for number in range(MAX_HEAD_BYTES // 100))),
        request("/" + "x" * MAX_HEAD_BYTES)[:-2],
        b"GET / HTTP/1.1\r\nX-Endless: " + b"x" * (4 * MAX_HEAD_BYTES),
    ],
    ids=["address", "header", "headers", "unfinished", "endless"],
)
async def test_a_head_that_is_too_long_is_refused_before_anybody_is_asked(
    server: Server, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody is hung up on for being slow here.
    monkeypatch.setattr(connections, "HEAD_SECONDS", 1000.0)
    status, fields, body = await server.say(*(said[at : at + 8192] for at in range(0, len(said), 8192)))
    # Whoever still sends when the answer is written may lose it with the connection.
    assert status in (431, 0)
    assert server.asked == []
    if status:
        assert json.loads(body)["code"] == "head_too_large"
        assert HEADERS.items() <= fields.items()


@pytest.mark.parametrize("said", [b"\x16\x03\x01\x02\x00", b"HELLO\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\n\r\n"])
async def test_what_is_no_http_is_answered_like_everything_else(server: Server, said: bytes) -> None:
    status, fields, body = await server.say(said)
    assert (status, json.loads(body)["code"]) == (400, "unreadable")
    assert HEADERS.items() <= fields.items()
    assert fields["connection"] == "close"
    assert int(fields["content-length"]) == len(body)
    assert server.asked == []


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: loc", b"\r\n"])
async def test_whoever_says_no_whole_head_in_time_is_hung_up_on(
    server: Server, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.05)
    assert await server.say(said) == (0, {}, b"")
    assert server.asked == []


async def test_a_request_that_is_being_answered_is_not_hung_up_on(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Long enough for the head of the one to be said, on a machine that does something else meanwhile.
    monkeypatch.setattr(connections, "HEAD_SECONDS", 1.0)
    server.let_go.clear()
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(server.say(request()))
        # Silence is ended in the meantime.
        await server.say(b"")
        server.let_go.set()
    assert asked.result()[0] == 200


async def test_what_follows_a_body_has_an_end_too(server: Server) -> None:
    head = request("/", "Transfer-Encoding: chunked", body=b"0\r\n")
    trailer = b"X-Endless: " + b"x" * 65536 + b"\r\n"
    status, _, _ = await server.say(head, *[trailer] * (2 * MAX_REQUEST_BYTES // len(trailer)))
    assert status == 0


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 4", "Transfer-Encoding: chunked"), ("Transfer-Encoding: chunked", "Content-Length: 4"),
        ("Content-Length: 4", "Content-Length: 40"), ("Transfer-Encoding: chunked, identity",), ("Content-Length: +4",),
    ],
    ids=["length and pieces", "pieces and length", "two lengths", "another end", "no number"],
)
async def test_a_request_of_which_two_ends_are_told_is_none(server: Server, headers: tuple[str, ...]) -> None:
    status, _, _ = await server.say(request("/", *headers, body=b"0\r\n\r\nPOST /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    assert (status, server.asked) == (400, [])


async def test_beyond_so_many_connections_the_next_is_closed_at_once(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 2)
    held = [await server.connect() for _ in range(2)]
    for _, writer in held:
        writer.write(request()[:10])
    while len(server.state.connections) < 2:  # noqa: ASYNC110 -- the server tells nobody when it accepts.
        await asyncio.sleep(0)
    assert (await server.say(request()))[0] == 0
    assert server.asked == []
    for reader, writer in held:
        writer.write(request()[10:])
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
