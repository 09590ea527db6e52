"""Spans of what a request led to, over all services, as one trace; off unless `shared.otlp` was told where to send them.

Nothing is stored for it. The trace is the request's correlation id, which every event bears, and the spans about an event have
ids that are made of the event's id: whoever takes it knows the span by which it was published without being told
(decision 121). Names and attributes are names of ours, never a value, a path, a parameter or anybody's id.
"""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Final, Literal, Protocol, TypeVar
from uuid import UUID

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Connection = TypeVar("Connection")
Kind = Literal["internal", "server", "client", "producer", "consumer"]
# What a span is about an event: that it entered the log, or was published.
About = Literal["append", "publish"]

# Under which correlation the present task works, for whoever asks another process on its behalf.
CORRELATION: Final[ContextVar[str | None]] = ContextVar("correlation", default=None)


class Open(Protocol):
    """A span that has begun."""

    def named(self, name: str) -> None:
        """Gives it another name, where it is known only now."""

    def tell(self, name: str, value: str | int) -> None:
        """Adds an attribute: a name, a code or a number of ours."""


class Spans(Protocol):
    """Who makes spans and sends them."""

    def span(
        self, name: str, kind: Kind, attributes: dict[str, str | int], *, trace: int | None = None, id: int | None = None,
        parent: int | None = None,
    ) -> contextlib.AbstractContextManager[Open]:
        """A span within the present one, or of ``trace`` below ``parent``; of the id that is given, or any."""

    def inject(self) -> dict[str, str]:
        """The header by which whoever is asked goes on below the present span."""

    def connection(self, connection: Connection) -> Connection:
        """The same connection, with a span for each trip to the server."""


class _Nothing:
    """A span where there are none."""

    def named(self, name: str) -> None:
        pass

    def tell(self, name: str, value: str | int) -> None:
        pass

    def __enter__(self) -> Open:
        return self

    def __exit__(self, *_: object) -> None:
        pass


_NOTHING: Final = _Nothing()
_spans: Spans | None = None


def begin(spans: Spans | None) -> None:
    """From now on this process tells these of what it does; None ends it."""
    global _spans
    _spans = spans


def is_on() -> bool:
    """Whether somebody is told."""
    return _spans is not None


def span(name: str, kind: Kind = "internal", **attributes: str | int) -> contextlib.AbstractContextManager[Open]:
    """A span within the present one, while the block runs."""
    return _NOTHING if _spans is None else _spans.span(name, kind, attributes)


def headers() -> dict[str, str]:
    """What a request to another process of ours bears, so that it is known under the same correlation and in the same trace."""
    correlation = CORRELATION.get()
    found = {} if correlation is None else {"X-Correlation-Id": correlation}
    return found if _spans is None else found | _spans.inject()


def connection(found: Connection) -> Connection:
    """A connection whose trips to the server are spans, if there are spans."""
    return found if _spans is None else _spans.connection(found)


def appended(events: Iterable[tuple[UUID, str]]) -> None:
    """Tells that these events, by id and type, have entered the log within the present span."""
    if _spans is not None:
        for id, type in events:
            with _spans.span(f"append {type}", "internal", {"event.type": type}, id=derived("append", id)):
                pass


def publishing(id: UUID, type: str, correlation: str) -> contextlib.AbstractContextManager[Open]:
    """The span of an event's way from the log to the stream."""
    if _spans is None:
        return _NOTHING
    return _spans.span(
        f"publish {type}", "producer", {"event.type": type}, trace=trace_of(correlation), id=derived("publish", id), parent=derived("append", id)
    )


def taking(id: UUID, type: str, correlation: str, source: str) -> contextlib.AbstractContextManager[Open]:
    """The span of what a follower does with an event."""
    if _spans is None:
        return _NOTHING
    attributes: dict[str, str | int] = {"event.type": type, "event.source": source}
    return _spans.span(f"take {type}", "consumer", attributes, trace=trace_of(correlation), parent=derived("publish", id))


def trace_of(correlation: str) -> int | None:
    """The trace that a correlation id is; None where it is none of our ids, and then the trace is any."""
    try:
        return UUID(correlation).int or None
    except ValueError:
        return None


def derived(about: About, id: UUID) -> int:
    """The id of the span about an event, as everybody makes it."""
    return int.from_bytes(hashlib.sha256(about.encode() + id.bytes).digest()[:8]) or 1


def parent_in(traceparent: str | None, correlation: str) -> int | None:
    """The span below which a request goes on, as W3C Trace Context says; None where it names another trace than its own."""
    parts = (traceparent or "").split("-")
    if len(parts) != 4 or parts[0] != "00" or len(parts[1]) != 32 or len(parts[2]) != 16:
        return None
    try:
        trace, parent = int(parts[1], 16), int(parts[2], 16)
    except ValueError:
        return None
    return parent or None if trace == trace_of(correlation) else None


@contextlib.contextmanager
def telling(process: str, endpoint: str | None) -> Iterator[None]:
    """Tells a collector of what this process does while the block runs, if there is one (AVRR_OTLP_ENDPOINT)."""
    if endpoint is None:
        yield
        return
    from shared.otlp import Collected  # noqa: PLC0415 -- who sends nothing loads nothing of it

    collected = Collected(process, endpoint)
    begin(collected)
    try:
        yield
    finally:
        begin(None)
        collected.end()


@contextlib.contextmanager
def correlated(correlation: str) -> Iterator[None]:
    """While the block runs, whoever is asked is asked under this correlation."""
    token = CORRELATION.set(correlation)
    try:
        yield
    finally:
        CORRELATION.reset(token)


class Traced:
    """Pure ASGI, around what surrounds requests: one span for each, named by the operation and never by the address."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one request on."""
        if scope["type"] != "http" or _spans is None:
            await self.app(scope, receive, send)
            return
        correlation = str(scope["state"]["correlation_id"])
        stated = [value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"]
        parent = parent_in(stated[0] if len(stated) == 1 else None, correlation)
        with _spans.span("request", "server", {"http.request.method": _method(scope)}, trace=trace_of(correlation), parent=parent) as found:

            async def answer(message: Message) -> None:
                if message["type"] == "http.response.start":
                    found.tell("http.response.status_code", message["status"])
                await send(message)

            try:
                await self.app(scope, receive, answer)
            finally:
                operation = getattr(scope.get("route"), "name", "none")
                found.named(operation)
                found.tell("operation", operation)


def _method(scope: Scope) -> str:
    # Any other is what somebody typed.
    return scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "PUT") else "other"
