"""Which bytes are an entry of the archive: what its database could not hold is none, and is not tried for ever."""

import json

import pytest

from services.audit.archive import Entry
from shared.tables import LEAF_LIMIT


def leaf(data: dict[str, object] | None = None, **said: str) -> bytes:
    """An invented event."""
    nil = "00000000-0000-0000-0000-000000000000"
    envelope: dict[str, object] = {
        "id": nil, "source": "urn:avrr:returns", "type": "avrr.returns.case.opened.v1", "subject": nil, "partitionkey": nil,
        "time": "2026-05-02T12:00:00Z", "dataschema": "urn:invented", "aggregateversion": 1, "actorid": "staff:anna",
        "actorrole": "counsellor", "actororg": "iom-bih", "actorcountry": "BA", "actoracr": "phr", "correlationid": nil,
        "data": data or {},
    }  # fmt: skip
    return json.dumps(envelope | said).encode()


@pytest.mark.parametrize(
    "bad", [leaf(actorid="a\0b"), leaf(type="a\0b"), leaf(actorid="a" * 256), leaf(type="a" * 3000), leaf({"x": "y" * LEAF_LIMIT})],
    ids=["nul-in-actor", "nul-in-type", "long-actor", "long-type", "long-leaf"],
)  # fmt: skip
def test_what_the_database_could_not_hold_is_no_entry(bad: bytes) -> None:
    assert Entry.of(0, bad) is None
    assert Entry.of(0, leaf()) is not None


def test_an_event_whose_reason_is_no_code_is_archived_and_cannot_be_searched_by_it() -> None:
    for reason, searched in (("withdrawn", "withdrawn"), ("with\0drawn", None), ("x" * 65, None)):
        entry = Entry.of(0, leaf({"reason": reason}))
        assert entry is not None and entry.reason == searched
