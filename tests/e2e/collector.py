"""An OpenTelemetry collector in this process: it takes what it is sent by OTLP over HTTP, and keeps it."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.listening import listening


@dataclass(frozen=True)
class Kept:
    """One span as it came: which process it is of, its name, its place in its trace, and its attributes."""

    process: str
    name: str
    trace: bytes
    id: bytes
    parent: bytes
    attributes: dict[str, str]


@dataclass
class Collector:
    """What came, as bytes and as spans."""

    url: str
    bodies: list[bytes] = field(default_factory=list)

    @property
    def spans(self) -> list[Kept]:
        return [
            Kept(
                {one.key: one.value.string_value for one in of_process.resource.attributes}["service.name"], span.name, span.trace_id,
                span.span_id, span.parent_span_id,
                {one.key: one.value.string_value or str(one.value.int_value) for one in span.attributes},
            )
            for body in self.bodies
            for of_process in ExportTraceServiceRequest.FromString(body).resource_spans
            for of_scope in of_process.scope_spans
            for span in of_scope.spans
        ]  # fmt: skip

    async def until(self, found: Callable[[list[Kept]], bool], seconds: float = 60.0) -> list[Kept]:
        """The spans once they are as is waited for; TimeoutError if they never are."""
        async with asyncio.timeout(seconds):
            while not found(spans := self.spans):  # noqa: ASYNC110 -- each body may be the one that is waited for
                await asyncio.sleep(0.2)
        return spans


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """A collector on a free port of this machine, while the block runs."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.decode("latin-1").lower().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
            body = await reader.readexactly(int(headers["content-length"]))
            assert lines[0].startswith("post /v1/traces "), lines[0]
            made.bodies.append(gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()

    async with listening(take) as port:
        made = Collector(f"http://127.0.0.1:{port}")
        yield made
