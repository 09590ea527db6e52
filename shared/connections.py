"""One client's connection: how much and how slowly somebody may speak before a request of theirs is whole."""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shared.files.media import LARGEST_SANCTIONS_LIST
from shared.ids import uuid7
from shared.problems import problem
from shared.surroundings import PRIVATE_HEADERS

# A token of somebody with many countries is the longest header, some four kilobytes.
MAX_HEAD_BYTES: Final = 32 * 1024
# The longest file, with the frames of a body that comes in small pieces, and whatever else HTTP lets a client say
# around one; of what is not read only as much comes as the window between two machines holds.
MAX_REQUEST_BYTES: Final = 2 * LARGEST_SANCTIONS_LIST
HEAD_SECONDS: Final = 10.0
# Half of what a process may usually have open, so that there is always something left for the database.
MAX_CONNECTIONS: Final = 500


class _HeadTooLong(Exception):
    """Tells the parser to stop."""


class BoundedConnection(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it, which sets no bounds to the head of a request, nor to waiting for it.

    A head longer than `MAX_HEAD_BYTES` is answered 431, and what is not HTTP 400. A connection is closed on which no
    head is whole within `HEAD_SECONDS`, or one request longer than `MAX_REQUEST_BYTES`, and each beyond
    `MAX_CONNECTIONS`. All of that is before there is a request, so the answers get their private headers here.
    """

    _received = 0
    _in_head = False
    _too_long = False
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for a request."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no longer."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Has what came parsed, and looks whether what is not yet whole has become too long."""
        super().data_received(data)
        self._received += len(data)
        if self.transport.is_closing():
            return
        if self._in_head and self._received > MAX_HEAD_BYTES:
            self._too_long = True
            self.send_400_response("")
        elif self._received > MAX_REQUEST_BYTES:
            self.transport.abort()
        elif not self._answering():
            self._wait()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head, self._received = True, 0

    def on_headers_complete(self) -> None:
        """The head is whole: from here on whoever answers it sets the bounds."""
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD_BYTES:
            self._too_long = True
            raise _HeadTooLong
        self._in_head = False
        self._wait_no_more()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuses what is no request, and closes the connection; the parser's own words are not passed on."""
        answer = problem(400, "unreadable", "What was sent cannot be read.")
        if self._too_long:
            answer = problem(431, "head_too_large", "The address and headers are longer than any that are needed.")
        headers = [
            *answer.raw_headers, *PRIVATE_HEADERS,
            (b"x-correlation-id", str(uuid7()).encode()), (b"connection", b"close"),
        ]  # fmt: skip
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(STATUS_LINE[answer.status_code] + lines + b"\r\n" + bytes(answer.body))
        self.transport.close()

    def _answering(self) -> bool:
        # Before the first request there is none, whatever the declared type says.
        cycle = vars(self)["cycle"]
        return cycle is not None and not cycle.response_complete

    def _wait(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _wait_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
