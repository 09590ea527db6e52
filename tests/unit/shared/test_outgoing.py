"""Whatever a dying process does to a connection, whoever asks it hears one family of errors."""

import asyncio
import socket
import struct
from collections.abc import Sequence

import httpx
import pytest
import uvloop
from anyio.abc import SocketStream

from shared.outgoing import Outgoing

_RESET_AT_CLOSE = struct.pack("ii", 1, 0)


async def _answers_of_a_server_that_resets(client: httpx.AsyncClient, requests: int) -> Sequence[object]:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        server.setblocking(False)

        async def resetting() -> None:
            while True:
                line, _ = await asyncio.get_running_loop().sock_accept(server)
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
                line.close()

        resets = asyncio.create_task(resetting())
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        answers: Sequence[object] = await asyncio.gather(*(client.get(address) for _ in range(requests)), return_exceptions=True)
        resets.cancel()
        await asyncio.gather(resets, return_exceptions=True)
    return answers


def test_a_connection_that_is_reset_while_it_is_made_is_a_transport_error() -> None:
    async def asked() -> Sequence[object]:
        async with Outgoing(trust_env=False) as client:
            return [answer for _ in range(10) for answer in await _answers_of_a_server_that_resets(client, 50)]

    assert [answer for answer in uvloop.run(asked()) if not isinstance(answer, httpx.TransportError)] == []


class _WithoutASocket(SocketStream):
    """What anyio holds under uvloop when the socket was gone before anybody asked about it."""

    @property
    def _raw_socket(self) -> socket.socket:
        gone: dict[str, socket.socket] = {}
        return gone.get("socket")  # type: ignore[return-value]

    async def receive(self, max_bytes: int = 65536) -> bytes:
        raise NotImplementedError

    async def send(self, item: bytes) -> None:
        raise NotImplementedError

    async def send_eof(self) -> None:
        raise NotImplementedError

    async def aclose(self) -> None:
        raise NotImplementedError


class _Gone(httpx.AsyncBaseTransport):
    """A transport that asks about such a socket, as httpcore does once it is connected."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise AssertionError(_WithoutASocket().extra_attributes)


async def test_a_socket_that_is_gone_before_it_was_used_is_a_refused_connection() -> None:
    async with Outgoing(transport=_Gone()) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("http://127.0.0.1:1/")


async def test_a_fault_of_our_own_stays_what_it_is() -> None:
    async def ours(request: httpx.Request) -> None:
        raise AttributeError("ours")

    async with Outgoing(transport=_Gone(), event_hooks={"request": [ours]}) as client:
        with pytest.raises(AttributeError, match="ours"):
            await client.get("http://127.0.0.1:1/")
