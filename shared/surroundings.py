"""What surrounds every request: host, bounds, correlation id, private headers, one log line, an answer to any fault."""

import asyncio
import re
import time
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.ids import uuid7
from shared.metrics import OUR_ERROR, Answered
from shared.problems import problem, refusal_of
from shared.uploads import UPLOAD_SECONDS, upload_of

# The longest command, a plan of thirty lines, needs some ten kilobytes.
MAX_BODY_BYTES: Final = 256 * 1024
# How long a reader of an answer that has begun may take for each piece of it.
STALL_SECONDS: Final = 60.0
PRIVATE_HEADERS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_OUR_FAULT = "Something went wrong on our side. It has been noted."
# An id of the caller's, and nothing that somebody could mean by it: it stands in the log for ever.
_CORRELATION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HOST = re.compile(r"([a-z0-9.\-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")
# It is asked to learn whether the process answers at all, most of all when it has much to do.
_NEVER_TOO_MANY = "/healthz"

log = structlog.get_logger("http")


class AnswerCutShort(Exception):
    """Something failed after an answer had begun, so that it can only be broken off; the log says what."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """For which hosts a process answers, how many requests at a time, and for how many seconds each may last."""

    hosts: frozenset[str] = frozenset({"localhost", "127.0.0.1", "[::1]"})
    in_flight: int = 200
    seconds: float = 10.0


class Surroundings:
    """Pure ASGI: a correlation id for each request, one structured log line, headers that keep answers private.

    Requests for another host, beyond those that may be in flight, or with a body longer than `MAX_BODY_BYTES` as it
    comes, are refused; a route that takes a file reads as many bytes as it says, and its time begins when they are
    there, or after `UPLOAD_SECONDS`. A request that lasts too long is cancelled, and its transaction with it; an answer that has
    begun may last, as long as somebody reads it. What nobody else caught is answered here as a 500, with the same
    headers and the same line.
    """

    def __init__(self, app: ASGIApp, metrics: Answered, bounds: Bounds) -> None:
        self.app = app
        self.metrics = metrics
        self.bounds = bounds
        self.in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        correlation = correlation_of(scope)
        scope.setdefault("state", {})["correlation_id"] = correlation
        started = time.perf_counter()
        began = asyncio.get_running_loop().time()
        status = length = 0

        async def bounded() -> Message:
            nonlocal length
            message = await receive()
            length += len(message.get("body", b""))
            upload = upload_of(scope.get("route"))
            if length > (upload.most_bytes if upload else MAX_BODY_BYTES):
                raise HTTPException(413)
            if upload and not deadline.expired():
                now = asyncio.get_running_loop().time()
                deadline.reschedule(min(now, began + UPLOAD_SECONDS) + self.bounds.seconds)
            return message

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()), *PRIVATE_HEADERS, (b"x-correlation-id", correlation.encode())
                ]  # fmt: skip
            await send(message)

        async def going_on(message: Message) -> None:
            if not deadline.expired():
                deadline.reschedule(asyncio.get_running_loop().time() + STALL_SECONDS)
            await answer(message)

        try:
            async with asyncio.timeout(self.bounds.seconds) as deadline:
                await self._pass_on(scope, bounded, going_on)
        except Exception as error:
            timed_out = deadline.expired()
            # Further out the framework would answer without our headers, and the server would log the error's text.
            if timed_out:
                log.warning("timed_out", begun=bool(status))
            else:
                log.exception("internal_error", kind=type(error).__name__, exc_info=error)
            if status:
                if not timed_out:
                    # No answer is left that could say it.
                    self.metrics.refused(OUR_ERROR)
                raise AnswerCutShort from None
            await (_timed_out() if timed_out else problem(500, OUR_ERROR, _OUR_FAULT))(scope, receive, answer)
        finally:
            operation = getattr(scope.get("route"), "name", "none")
            seconds = time.perf_counter() - started
            self.metrics.answered(operation, status, seconds)
            if (code := refusal_of(scope)) is not None:
                self.metrics.refused(code)
            log.info(
                "request", operation=operation, method=scope["method"], status=status,
                ms=round(seconds * 1000, 1), correlation_id=correlation,
            )

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        if host_of(scope) not in self.bounds.hosts:
            await problem(400, "host_unknown", "Nobody of this name answers here.")(scope, receive, send)
            return
        if scope["path"] == _NEVER_TOO_MANY:
            await self.app(scope, receive, send)
            return
        if self.in_flight >= self.bounds.in_flight:
            await problem(503, "overloaded", "Too much is asked at once. Try again in a moment.")(scope, receive, send)
            return
        self.in_flight += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.in_flight -= 1


def _timed_out() -> Response:
    return problem(503, "timed_out", "This took too long and was given up. Try again under the same key.")


def correlation_of(scope: Scope) -> str:
    """The id under which a request is known everywhere: the one it came with, if that is an id, or a new one."""
    stated = [value for name, value in scope["headers"] if name == b"x-correlation-id"]
    text = stated[0].decode("latin-1") if len(stated) == 1 else ""
    return text if _CORRELATION.fullmatch(text) else str(uuid7())


def host_of(scope: Scope) -> str | None:
    """The host that a request names, without its port; None if it names none, or several, or what is none."""
    named = [value for name, value in scope["headers"] if name == b"host"]
    found = _HOST.fullmatch(named[0].decode("latin-1").lower()) if len(named) == 1 else None
    return found[1] if found else None
