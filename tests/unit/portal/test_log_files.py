"""Several files on their way as one: whatever becomes of them, none stays open at its service."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import Message

from services.portal.client import Services
from services.portal.pages.frame import Page
from services.portal.pages.log_files import sent
from services.portal.pages.log_selection import SERVICES
from services.portal.sessions import Session
from tests.given import NOON

ANNA = Session(
    b"", "staff:anna", "Anna", frozenset({"auditor"}), "iom-bih", frozenset(), frozenset(), "phr", NOON, "token", None
)
SCOPE = {"type": "http", "method": "GET", "path": "/log", "query_string": b"", "headers": []}


class Pieces(httpx.AsyncByteStream):
    """What a service sends, and whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"head\r\n"
        yield b"row\r\n"

    async def aclose(self) -> None:
        self.closed = True


class Behind(httpx.AsyncBaseTransport):
    """The services: each answers with a file, or not at all while it is not let go on."""

    def __init__(self, silent: str = "") -> None:
        self.silent = silent
        self.waits = asyncio.Event()
        self.answered: list[Pieces] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == self.silent:
            self.waits.set()
            await asyncio.Event().wait()
        self.answered.append(Pieces())
        return httpx.Response(200, stream=self.answered[-1])


async def all_of(behind: Behind) -> Response:
    services = Services(httpx.AsyncClient(transport=behind), {name: f"http://{name}" for name in SERVICES})
    asked = [(service, "/v1/log/export", {"format": "csv"}) for service in SERVICES]
    return await sent(Page(Request(SCOPE), ANNA, services), asked, "chain", "csv", "/log")


async def nothing_more() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def test_tables_are_joined_under_one_head_and_closed() -> None:
    behind, body = Behind(), b""

    async def send(message: Message) -> None:
        nonlocal body
        body += message.get("body", b"")

    answer = await all_of(behind)
    await answer(SCOPE, nothing_more, send)
    assert body == b"head\r\n" + b"row\r\n" * len(SERVICES)
    assert [pieces.closed for pieces in behind.answered] == [True] * len(SERVICES)


@pytest.mark.parametrize("number", [1, 2])
async def test_whoever_gives_up_while_a_service_is_silent_leaves_no_file_of_another_open(number: int) -> None:
    behind = Behind(silent=SERVICES[number])
    asking = asyncio.ensure_future(all_of(behind))
    await behind.waits.wait()
    assert [pieces.closed for pieces in behind.answered] == [False] * number
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert [pieces.closed for pieces in behind.answered] == [True] * number


@pytest.mark.parametrize("after", [0, 1, 3])
async def test_whoever_leaves_while_it_comes_leaves_none_open(after: int) -> None:
    behind, left = Behind(), after

    async def send(message: Message) -> None:
        nonlocal left
        if left == 0:
            raise ConnectionResetError
        left -= 1

    answer = await all_of(behind)
    with pytest.raises(ClientDisconnect):
        await answer({**SCOPE, "asgi": {"spec_version": "2.4"}}, nothing_more, send)
    assert [pieces.closed for pieces in behind.answered] == [True] * len(SERVICES)
