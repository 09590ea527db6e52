"""Questions to services of this machine, over connections that are kept as long as they are good."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from ops.demo_year.wire import IDLE_SECONDS, Wire
from tests.listening import listening

OK = b'HTTP/1.1 200 OK\r\nETag: "3"\r\nContent-Length: 2\r\n\r\n{}'
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Notes what is asked on which connection, and answers as it is told."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, bytes]] = []
        self.connections = 0
        self.answer: bytes | None = OK
        self.closes = False
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        mine = self.connections
        while head := await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b"":
            length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
            self.asked.append((mine, head + await reader.readexactly(length)))
            if self.answer is not None:
                writer.write(self.answer)
            if self.closes:
                break


@asynccontextmanager
async def a_server() -> AsyncIterator[Server]:
    server = Server()
    async with listening(server.serve) as port:
        server.url = f"http://127.0.0.1:{port}"
        yield server


async def test_one_connection_carries_question_after_question() -> None:
    async with a_server() as server, httpx.AsyncClient(transport=Wire()) as client:
        answers = [await client.post(f"{server.url}/v1/x?y=1", json={"a": number}) for number in range(3)]
    assert [(answer.status_code, answer.json(), answer.headers["etag"]) for answer in answers] == [(200, {}, '"3"')] * 3
    assert [number for number, _ in server.asked] == [1, 1, 1]
    assert server.asked[2][1].startswith(b"POST /v1/x?y=1 HTTP/1.1\r\n")
    assert server.asked[2][1].endswith(b'\r\n\r\n{"a":2}')


async def test_questions_asked_at_once_have_connections_of_their_own() -> None:
    async with a_server() as server, httpx.AsyncClient(transport=Wire()) as client:
        await asyncio.gather(*(client.get(server.url) for _ in range(3)))
        await asyncio.gather(*(client.get(server.url) for _ in range(3)))
    assert sorted(number for number, _ in server.asked) == [1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}and what nobody asked for",
    ],
    ids=["a farewell", "more than an answer"],
)
async def test_a_connection_that_is_no_good_any_more_is_not_asked_again(answer: bytes) -> None:
    async with a_server() as server, httpx.AsyncClient(transport=Wire()) as client:
        server.answer = answer
        assert (await client.get(server.url)).content == b"{}"
        assert (await client.get(server.url)).content == b"{}"
    assert [number for number, _ in server.asked] == [1, 2]


async def test_a_connection_that_was_idle_for_long_is_not_trusted() -> None:
    now = 0.0
    async with a_server() as server, httpx.AsyncClient(transport=Wire(lambda: now)) as client:
        await client.get(server.url)
        now = IDLE_SECONDS - 1
        await client.get(server.url)
        now += IDLE_SECONDS
        await client.get(server.url)
    assert [number for number, _ in server.asked] == [1, 1, 2]


@pytest.mark.parametrize(
    ("answer", "told"),
    [(None, "ended"), (OK[:20], "ended"), (OK[:-1], "ended"), (b"what is that\r\n\r\n", "not HTTP")],
    ids=["nothing", "half a head", "half a body", "nonsense"],
)
async def test_an_answer_that_does_not_come_whole_is_no_answer(answer: bytes | None, told: str) -> None:
    async with a_server() as server, httpx.AsyncClient(transport=Wire()) as client:
        server.answer, server.closes = answer, True
        with pytest.raises(httpx.RemoteProtocolError, match=told):
            await client.get(server.url)
        server.answer = OK
        assert (await client.get(server.url)).content == b"{}"


async def test_whoever_waits_too_long_hears_so_and_the_late_answer_is_nobodys() -> None:
    async with a_server() as server, httpx.AsyncClient(transport=Wire()) as client:
        server.answer = None
        with pytest.raises(httpx.ReadTimeout):
            await client.get(server.url, timeout=0.01)
        server.answer = OK
        await client.get(server.url)
    # The first question may have been given up before the server read it; the second goes another way in any case.
    assert server.asked[-1][0] == 2


async def test_nobody_listens_and_nothing_but_plain_http_is_asked() -> None:
    async with a_server() as server:
        url = server.url
    async with httpx.AsyncClient(transport=Wire()) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(url)
        with pytest.raises(httpx.UnsupportedProtocol):
            await client.get(url.replace("http:", "https:"))


async def test_bodies_in_pieces_are_read_and_sent_and_a_head_has_none() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"in "
        yield b"pieces"

    async with a_server() as server, httpx.AsyncClient(transport=Wire()) as client:
        server.answer = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n'
        assert (await client.get(server.url)).json() == {"a": 1}
        server.answer, server.closes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", True
        assert (await client.head(server.url)).headers["content-length"] == "2"
        server.answer, server.closes = OK, True
        await client.put(server.url, content=pieces())
    # What follows the head is not read by this server: its own length stands before each piece.
    assert b"transfer-encoding: chunked" in server.asked[-1][1].lower()
