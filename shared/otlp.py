"""Sends spans to an OpenTelemetry collector by OTLP over HTTP; imported only where AVRR_OTLP_ENDPOINT names one."""

import contextlib
from collections.abc import Iterator
from typing import Any, Final, TypeVar

import requests
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from shared.tracing import Kind, Open

Connection = TypeVar("Connection")

_KINDS: Final[dict[Kind, SpanKind]] = {
    "internal": SpanKind.INTERNAL, "server": SpanKind.SERVER, "client": SpanKind.CLIENT, "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}  # fmt: skip
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
# How often what has gathered is sent.
_MILLISECONDS: Final = 1_000
# Which words of ours a statement begins with; nothing else of it leaves the process.
_VERBS: Final = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "BEGIN", "COMMIT", "ROLLBACK")


class _Ids(IdGenerator):
    """Random ids, but for the next span where somebody said which."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        self.trace: int | None = None
        self.span: int | None = None

    def generate_trace_id(self) -> int:
        found, self.trace = self.trace, None
        return found or self._random.generate_trace_id()

    def generate_span_id(self) -> int:
        found, self.span = self.span, None
        return found or self._random.generate_span_id()


class _Begun:
    def __init__(self, span: Span) -> None:
        self._span = span

    def named(self, name: str) -> None:
        self._span.update_name(name)

    def tell(self, name: str, value: str | int) -> None:
        self._span.set_attribute(name, value)


class Collected:
    """Spans of one process, sent in batches by a thread of their own; what cannot be sent is given up."""

    def __init__(self, process: str, endpoint: str) -> None:
        """``endpoint`` is the collector's address without a path, e.g. http://127.0.0.1:4318."""
        session = requests.Session()
        # A proxy from the environment is for the world outside.
        session.trust_env = False
        self._ids = _Ids()
        self._provider = TracerProvider(
            resource=Resource({"service.name": process, "service.namespace": "avrr"}), id_generator=self._ids, shutdown_on_exit=False
        )
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", session=session, timeout=5)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_MILLISECONDS))
        self._tracer = self._provider.get_tracer("avrr")

    @contextlib.contextmanager
    def span(
        self, name: str, kind: Kind, attributes: dict[str, str | int], *, trace: int | None = None, id: int | None = None,
        parent: int | None = None,
    ) -> Iterator[Open]:
        """A span that is the present one while the block runs; an error in it is told by its kind alone."""
        begun = self._begun(name, kind, attributes, trace, id, parent)
        with _present(begun):
            try:
                yield _Begun(begun)
            except BaseException as error:
                # What an exception says may quote anything.
                begun.set_attribute("error.type", type(error).__name__)
                begun.set_status(Status(StatusCode.ERROR))
                raise
            finally:
                begun.end()

    def _begun(
        self, name: str, kind: Kind, attributes: dict[str, str | int], trace_id: int | None, id: int | None, parent: int | None
    ) -> Span:
        context: Context | None = None
        if trace_id is not None:
            context = Context()
            if parent is not None:
                above = NonRecordingSpan(SpanContext(trace_id, parent, is_remote=True, trace_flags=_SAMPLED))
                context = trace.set_span_in_context(above, context)
        self._ids.trace, self._ids.span = trace_id, id
        try:
            return self._tracer.start_span(name, context, _KINDS[kind], attributes)
        finally:
            self._ids.trace = self._ids.span = None

    def inject(self) -> dict[str, str]:
        """W3C Trace Context of the present span; nothing outside of one."""
        found = trace.get_current_span().get_span_context()
        return {"traceparent": f"00-{found.trace_id:032x}-{found.span_id:016x}-01"} if found.is_valid else {}

    def connection(self, connection: Connection) -> Connection:
        """The connection with a span around each statement, named by its first word; as it is outside of any span."""
        if not trace.get_current_span().get_span_context().is_valid:
            return connection
        return _TracedConnection(connection, self)  # type: ignore[return-value]

    def end(self) -> None:
        """Sends what has gathered and ends."""
        self._provider.shutdown()


@contextlib.contextmanager
def _present(span: Span) -> Iterator[None]:
    with trace.use_span(span, end_on_exit=False, record_exception=False, set_status_on_exception=False):
        yield


class _TracedConnection:
    """What a unit of work asks of a connection, each with a span; everything else is the connection's own."""

    def __init__(self, connection: Any, spans: Collected) -> None:
        self._connection = connection
        self._spans = spans

    async def fetch(self, statement: str, *arguments: object) -> Any:
        with self._spans.span(_verb(statement), "client", {"db.system.name": "postgresql"}):
            return await self._connection.fetch(statement, *arguments)

    async def fetchrow(self, statement: str, *arguments: object) -> Any:
        with self._spans.span(_verb(statement), "client", {"db.system.name": "postgresql"}):
            return await self._connection.fetchrow(statement, *arguments)

    async def fetchval(self, statement: str, *arguments: object) -> Any:
        with self._spans.span(_verb(statement), "client", {"db.system.name": "postgresql"}):
            return await self._connection.fetchval(statement, *arguments)

    async def execute(self, statement: str) -> Any:
        # What appends to the log is sent with what commits, and the trip is that of the commit.
        with self._spans.span("COMMIT" if statement.endswith("COMMIT") else _verb(statement), "client", {"db.system.name": "postgresql"}):
            return await self._connection.execute(statement)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def _verb(statement: str) -> str:
    first = statement.split(None, 1)[0].rstrip(";").upper()
    return first if first in _VERBS else "statement"
