"""Spans: nothing where nobody is told, ids that everybody makes alike, and a caller's trace only where it is the request's own."""

import subprocess
import sys
from uuid import UUID

import pytest

from shared import tracing
from shared.ids import uuid7

TRACE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def test_without_a_collector_nothing_of_opentelemetry_is_loaded() -> None:
    program = (
        "import sys; from shared import db, handling, relay, consumer, tracing\n"
        "with tracing.telling('returns', None), tracing.span('handle', command='x'): pass\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter', 'requests'))])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_where_nobody_is_told_a_connection_is_itself_and_a_span_is_nothing() -> None:
    connection = object()
    assert not tracing.is_on()
    assert tracing.connection(connection) is connection
    assert tracing.span("a", command="b") is tracing.span("c") is tracing.publishing(uuid7(), "t", str(TRACE)) is tracing.taking(uuid7(), "t", "", "s")
    tracing.appended([(uuid7(), "t")])


def test_what_is_asked_on_behalf_of_a_request_bears_its_correlation() -> None:
    assert tracing.headers() == {}
    with tracing.correlated(str(TRACE)):
        assert tracing.headers() == {"X-Correlation-Id": str(TRACE)}
    assert tracing.headers() == {}


def test_a_trace_is_a_correlation_if_that_is_an_id() -> None:
    assert tracing.trace_of(str(TRACE)) == TRACE.int
    assert tracing.trace_of("what-somebody-typed") is tracing.trace_of(str(UUID(int=0))) is None


def test_spans_about_an_event_have_ids_that_everybody_makes_alike() -> None:
    one, other = uuid7(), uuid7()
    ids = {tracing.derived(about, event) for about in ("append", "publish") for event in (one, other)}
    assert len(ids) == 4
    assert all(0 < id < 1 << 64 for id in ids)
    assert tracing.derived("publish", one) == tracing.derived("publish", UUID(str(one)))


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        (f"00-{TRACE.hex}-00000000000000ff-01", 255),
        (f"00-{uuid7().hex}-00000000000000ff-01", None),
        (f"00-{TRACE.hex}-0000000000000000-01", None),
        (f"01-{TRACE.hex}-00000000000000ff-01", None),
        (f"00-{TRACE.hex}-ff-01", None),
        (f"00-{TRACE.hex}-zzzzzzzzzzzzzzzz-01", None),
        ("what-somebody-typed", None),
        (None, None),
    ],
    ids=["its own", "another trace", "no span", "another version", "too short", "no number", "no traceparent", "none"],
)
def test_a_request_goes_on_below_a_callers_span_only_in_its_own_trace(stated: str | None, found: int | None) -> None:
    assert tracing.parent_in(stated, str(TRACE)) == found
