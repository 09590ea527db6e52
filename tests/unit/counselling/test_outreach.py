"""Recording people reached outside reception centres."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.counselling.domain.outreach import OUTREACH, Outreach, RecordOutreach, evolve
from shared.contracts.counselling import OutreachHeld
from shared.decider import NoFacts
from tests.given import NOON, Given, staff
from tests.unit.counselling.sequences import FOREIGN_FACT, run

AMIRA = staff("amira", "counsellor")
outreach = Given(OUTREACH, NoFacts())


def record(contacts: int = 40, at: datetime = NOON) -> RecordOutreach:
    return RecordOutreach(
        location="bus_station", municipality="bihac", language="eng", held_at=at, contacts=contacts
    )


HELD = OutreachHeld(location="bus_station", municipality="bihac", language="eng", held_at=NOON, contacts=40)


def test_outreach_is_recorded_by_place_and_count() -> None:
    outreach.when(record(), AMIRA).then(HELD)


def test_outreach_is_recorded_only_once_under_an_id() -> None:
    outreach.given(HELD).when(record(), AMIRA).refused("already_exists")


def test_outreach_cannot_lie_in_the_future() -> None:
    outreach.when(record(at=NOON + timedelta(minutes=1)), AMIRA).refused("in_the_future")


@pytest.mark.parametrize("contacts", [0, 10_001])
def test_a_count_of_contacts_outside_its_bounds_is_malformed(contacts: int) -> None:
    with pytest.raises(ValidationError):
        record(contacts)


def test_a_place_is_a_code_and_never_an_address() -> None:
    with pytest.raises(ValidationError):
        RecordOutreach(
            location="Main Street 5", municipality="bihac", language="eng", held_at=NOON, contacts=1
        )


def test_a_fact_out_of_turn_or_of_something_else_does_not_apply_to_an_outreach() -> None:
    with pytest.raises(TypeError):
        evolve(OUTREACH.fold((HELD,)), HELD)
    with pytest.raises(TypeError):
        evolve(None, FOREIGN_FACT)


SHAPE = TypeAdapter(Outreach)


@given(st.lists(st.builds(record, st.integers(1, 10_000)), max_size=6))
def test_whatever_is_ordered_the_outreach_is_the_fold_of_the_facts(commands: list[RecordOutreach]) -> None:
    events = run(OUTREACH, [(command, NoFacts()) for command in commands], SHAPE)
    assert len(events) == min(len(commands), 1)
