"""What surrounds every request: its correlation id, bounds, private headers, one log line, and an answer to any fault."""

import re
import time

import structlog
from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.ids import uuid7
from shared.metrics import Metrics
from shared.problems import problem

# The longest command, a plan of thirty lines, needs some ten kilobytes.
MAX_BODY_BYTES = 256 * 1024
_OUR_FAULT = "Something went wrong on our side. It has been noted."
_CORRELATION = re.compile(r"^[A-Za-z0-9\-]{8,64}$")

log = structlog.get_logger("http")


class AnswerCutShort(Exception):
    """Something failed after an answer had begun, so that it can only be broken off; the log says what."""


class Surroundings:
    """Pure ASGI: a correlation id for each request, one structured log line, headers that keep answers private.

    A body longer than `MAX_BODY_BYTES`, counted as it comes, is refused. What nobody else caught is answered here as
    a 500, with the same headers and the same line.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        stated = headers.get(b"x-correlation-id", b"").decode("latin-1")
        correlation = stated if _CORRELATION.match(stated) else str(uuid7())
        scope.setdefault("state", {})["correlation_id"] = correlation
        started = time.perf_counter()
        status = length = 0

        async def bounded() -> Message:
            nonlocal length
            message = await receive()
            length += len(message.get("body", b""))
            if length > MAX_BODY_BYTES:
                raise HTTPException(413)
            return message

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-correlation-id", correlation.encode()),
                    (b"cache-control", b"no-store"),
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"no-referrer"),
                    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
                ]
            await send(message)

        try:
            await self.app(scope, bounded, answer)
        except Exception as error:
            # Further out the framework would answer without our headers, and the server would log the error's text.
            log.exception("internal_error", kind=type(error).__name__, exc_info=error)
            if status:
                raise AnswerCutShort from None
            await problem(Request(scope), 500, "internal_error", _OUR_FAULT)(scope, receive, answer)
        finally:
            operation = getattr(scope.get("route"), "name", "none")
            seconds = time.perf_counter() - started
            self.metrics.requests.labels(operation, str(status)).inc()
            self.metrics.seconds.labels(operation).observe(seconds)
            log.info(
                "request", operation=operation, method=scope["method"], status=status,
                ms=round(seconds * 1000, 1), correlation_id=correlation,
            )
