"""What is published of the events in docs/events is what the code records, examples included, and only ever gets additions."""

import json
import re
from copy import deepcopy
from pathlib import Path
from uuid import UUID

import jsonschema_rs
import pytest

from ops.contracts.asyncapi import document, kinds_of
from ops.contracts.compatibility import not_additions
from ops.contracts.described import EXAMPLES, Described, described_events
from ops.contracts.meanings import unused_meanings
from ops.contracts.schemas import ENVELOPE, envelope_example, fields_of
from ops.contracts.writing import FOLDER, files_now, published_schemas, schemas_now, write_contracts
from ops.settings import PROJECT, CannotStart
from shared.contracts import OF_EVERY_SERVICE
from shared.ledger import enclose
from shared.messages import Context, Origin
from shared.topology import LOGS
from tests.given import NOON, staff

EVENTS = described_events()
NOW = schemas_now(EVENTS)
PUBLISHED = published_schemas()
SUBJECT = UUID("018a5c00-0000-7000-8000-00000000e002")
KINDS = [one.kind for one in EVENTS]


def test_no_change_takes_anything_from_whoever_relies_on_an_event() -> None:
    assert not_additions(PUBLISHED, NOW) == []


def test_what_is_published_is_what_the_code_has() -> None:
    files = files_now(EVENTS)
    there = {path.relative_to(PROJECT) for path in (PROJECT / FOLDER).rglob("*") if path.is_file()}
    wrong = sorted(
        str(name) for name in there ^ files.keys() | {name for name in files.keys() & there if (PROJECT / name).read_text() != files[name]}
    )
    assert wrong == [], "write it anew: ./avrr contracts"


@pytest.mark.parametrize("kind", [ENVELOPE, *KINDS])
def test_a_schema_is_one(kind: str) -> None:
    jsonschema_rs.meta.validate(PUBLISHED[kind])


@pytest.mark.parametrize("one", EVENTS, ids=KINDS)
def test_what_is_written_to_the_log_is_valid_by_what_is_published_and_nothing_more_is(one: Described) -> None:
    service = one.recorded_by[0].name
    event = one.event.model_validate(one.example)
    _, leaf = enclose(service, SUBJECT, SUBJECT, 1, event, Context(staff("mirela", "counsellor"), NOON), Origin("invented"))
    told = json.loads(leaf)
    envelope = jsonschema_rs.Draft202012Validator(PUBLISHED[ENVELOPE], validate_formats=True)
    envelope.validate(told)
    envelope.validate(envelope_example(one))
    assert told.keys() <= PUBLISHED[ENVELOPE]["properties"].keys()
    data = jsonschema_rs.Draft202012Validator(PUBLISHED[one.kind], validate_formats=True)
    data.validate(told["data"])
    assert told["data"] == PUBLISHED[one.kind]["examples"][0] == one.example
    assert not data.is_valid({**told["data"], "surprise": 1})
    assert told["dataschema"].replace(f".{service}.", ".any.", 1) == PUBLISHED[one.kind]["$id"].replace(f".{service}.", ".any.", 1)


def test_the_document_has_every_type_that_a_service_records_and_every_reaction() -> None:
    told = document(EVENTS)
    assert told["components"]["messages"].keys() == kinds_of(EVENTS).keys()
    assert len(told["components"]["messages"]) == len(EVENTS) + len(OF_EVERY_SERVICE) * (len(LOGS) - 1)
    followed = [(follower, one.kind) for one in EVENTS for follower in one.followed_by]
    received = [name for name, operation in told["operations"].items() if operation["action"] == "receive"]
    assert len(followed) == len(received) > 50
    assert "returns.receives.avrr.counselling.session.held" in received


def test_nothing_is_said_of_a_field_that_no_event_has() -> None:
    assert unused_meanings(frozenset(field for schema in NOW.values() for field in fields_of(schema))) == []


def test_an_event_without_an_example_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotStart) as refused:
        described_events(tmp_path)
    assert refused.value.code == "no_example"
    assert re.search(r"avrr\.[a-z_.]+\.v1", refused.value.sentence)


def _project(root: Path) -> Path:
    for folder in (EXAMPLES, FOLDER):
        for path in (PROJECT / folder).rglob("*"):
            if path.is_file():
                copy = root / path.relative_to(PROJECT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(path.read_bytes())
    return root


def test_an_addition_is_written_and_what_no_event_has_is_taken_away(tmp_path: Path) -> None:
    root, kind = _project(tmp_path), "avrr.returns.case.opened.v1"
    schemas = root / FOLDER / "schemas"
    # As if the field had been added, and the event, since.
    before = deepcopy(PUBLISHED[kind])
    before["required"].remove("case_ref")
    del before["properties"]["case_ref"]
    before["properties"]["destination_country"]["description"] = "Something else."
    (schemas / f"{kind}.json").write_text(json.dumps(before))
    (schemas / "avrr.returns.case.closed.v1.json").unlink()
    (root / FOLDER / "left.md").write_text("")
    said: list[str] = []
    # One that has to be there was never added to events that others rely on.
    assert write_contracts(said.append, root) == 1
    assert said[0] == f"{kind}: case_ref is new and has to be there, and older events have none: give it a default."
    assert (root / FOLDER / "left.md").exists()
    assert not (schemas / "avrr.returns.case.closed.v1.json").exists()
    (schemas / f"{kind}.json").write_text(json.dumps(PUBLISHED[kind]))
    assert write_contracts(said.append, root) == 0
    assert {path.relative_to(root): path.read_text() for path in (root / FOLDER).rglob("*") if path.is_file()} == files_now(EVENTS)
