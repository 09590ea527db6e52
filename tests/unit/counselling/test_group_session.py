"""Recording that a group was informed."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.counselling.domain.group_session import GROUP_SESSION, GroupSession, RecordGroupSession, evolve
from shared.contracts.counselling import GroupSessionHeld
from shared.decider import NoFacts
from tests.given import NOON, Given, staff
from tests.unit.counselling.sequences import FOREIGN_FACT, run

AMIRA = staff("amira", "counsellor")
group_session = Given(GROUP_SESSION, NoFacts())


def record(
    participants: int = 12, female: int = 3, male: int = 8, children: int = 2, at: datetime = NOON
) -> RecordGroupSession:
    return RecordGroupSession(
        site="trc_usivak",
        language="fas",
        held_at=at,
        topics=("legal_pathways",),
        participants=participants,
        female=female,
        male=male,
        children=children,
    )


HELD = GroupSessionHeld(
    site="trc_usivak",
    language="fas",
    held_at=NOON,
    topics=("legal_pathways",),
    participants=12,
    female=3,
    male=8,
    children=2,
)


def test_a_group_session_is_recorded_by_its_counts() -> None:
    group_session.when(record(), AMIRA).then(HELD)


def test_a_group_session_is_recorded_only_once_under_an_id() -> None:
    group_session.given(HELD).when(record(), AMIRA).refused("already_exists")


def test_a_group_session_cannot_lie_in_the_future() -> None:
    group_session.when(record(at=NOON + timedelta(minutes=1)), AMIRA).refused("in_the_future")


def test_women_and_men_are_not_more_than_all_who_took_part() -> None:
    group_session.when(record(participants=10), AMIRA).refused("counts_do_not_add_up")
    group_session.when(record(participants=11), AMIRA).then_kinds(GroupSessionHeld)


def test_children_are_not_more_than_all_who_took_part() -> None:
    group_session.when(record(children=13), AMIRA).refused("counts_do_not_add_up")
    group_session.when(record(children=12), AMIRA).then_kinds(GroupSessionHeld)


def test_a_group_without_participants_or_with_a_negative_count_is_malformed() -> None:
    with pytest.raises(ValidationError):
        record(participants=0, female=0, male=0, children=0)
    with pytest.raises(ValidationError):
        record(female=-1)


def test_a_fact_out_of_turn_or_of_something_else_does_not_apply_to_a_group_session() -> None:
    with pytest.raises(TypeError):
        evolve(GROUP_SESSION.fold((HELD,)), HELD)
    with pytest.raises(TypeError):
        evolve(None, FOREIGN_FACT)


counts = st.integers(0, 12)


SHAPE = TypeAdapter(GroupSession)


@given(st.lists(st.builds(record, st.integers(1, 12), counts, counts, counts), max_size=6))
def test_whatever_is_ordered_the_group_session_is_the_fold_of_the_facts_and_its_counts_add_up(
    commands: list[RecordGroupSession],
) -> None:
    def counts_add_up(state: GroupSession) -> bool:
        return max(state.female + state.male, state.children) <= state.participants

    events = run(
        GROUP_SESSION,
        [(command, NoFacts()) for command in commands],
        SHAPE,
        holds=counts_add_up,
    )
    assert len(events) <= 1
