"""Every event that others rely on has a golden example, by which it is read; what is written is held against what is published."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.contracts import BY_SERVICE, OF_EVERY_SERVICE
from shared.messages import Event

GOLDEN = Path(__file__).parent / "golden"
EVENTS = {event.kind: event for events in BY_SERVICE.values() for event in events} | {
    event.kind_in("any"): event for event in OF_EVERY_SERVICE
}


def test_no_golden_example_has_lost_its_event() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(EVENTS)


@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_a_producer_cannot_add_a_field_that_its_contract_does_not_name(kind: str) -> None:
    example = json.loads((GOLDEN / f"{kind}.json").read_text())
    with pytest.raises(ValidationError):
        EVENTS[kind].model_validate({**example, "surprise": 1})


@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_a_consumer_steps_past_fields_that_it_does_not_know(kind: str) -> None:
    example = json.loads((GOLDEN / f"{kind}.json").read_text())
    event = EVENTS[kind].model_validate({**example, "surprise": 1}, extra="ignore")
    assert event.model_dump(mode="json") == example


@pytest.mark.parametrize(("service", "event"), [(service, event) for service, events in BY_SERVICE.items() for event in events])
def test_the_type_of_an_event_names_its_service_aggregate_fact_and_version(service: str, event: type[Event]) -> None:
    avrr, named, aggregate, fact, version = event.kind.split(".")
    assert (avrr, named, version) == ("avrr", service, "v1")
    assert aggregate.isidentifier()
    assert fact.isidentifier()
