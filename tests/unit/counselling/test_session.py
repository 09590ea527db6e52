"""Scheduling a session, holding one, and recording that it was not held."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.counselling.domain.session import (
    BEGINNINGS,
    SESSION,
    TRANSITIONS,
    AmendSession,
    HoldSession,
    MarkSessionNotHeld,
    NamedPerson,
    ScheduleSession,
    Session,
    SessionFacts,
    evolve,
)
from shared.contracts.counselling import (
    Modality,
    SessionHeld,
    SessionNotHeld,
    SessionOutcome,
    SessionScheduled,
)
from shared.contracts.sessions import Interpreter, InterpreterKind, Present, SessionAmended, SessionType
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event
from shared.transitions import IllegalTransition
from tests.given import NOON, Given, staff
from tests.unit.counselling.sequences import FOREIGN_FACT, run

AMIRA, TARIK, DANA = staff("amira", "counsellor"), staff("tarik", "counsellor"), staff("dana", "coordinator")
HOUR = timedelta(hours=1)
FATHER, SON, UNKNOWN = UUID(int=1), UUID(int=2), UUID(int=9)
FACTS = SessionFacts((NamedPerson(FATHER, data_consent=True), NamedPerson(SON, data_consent=True)))
NOT_AGREED = SessionFacts((NamedPerson(FATHER),))

session = Given(SESSION, FACTS)


def schedule(person_ids: tuple[UUID, ...] = (FATHER,), at: datetime = NOON + HOUR) -> ScheduleSession:
    return ScheduleSession(
        session_type="individual",
        modality="in_person",
        site="trc_blazuj",
        language="ara",
        person_ids=person_ids,
        scheduled_for=at,
    )


def hold(
    person_ids: tuple[UUID, ...] = (FATHER,),
    outcome: SessionOutcome = "follow_up",
    session_type: SessionType = "individual",
    modality: Modality = "in_person",
    country: str | None = None,
    at: datetime = NOON,
    present: tuple[Present, ...] = ("spouse",),
    interpreter: Interpreter = "phone",
    interpreter_kind: InterpreterKind | None = "professional",
) -> HoldSession:
    return HoldSession(
        session_type=session_type,
        modality=modality,
        site="trc_blazuj",
        language="ara",
        interpreter=interpreter,
        interpreter_kind=interpreter_kind,
        present=present,
        person_ids=person_ids,
        held_at=at,
        topics=("return_conditions", "asylum"),
        outcome=outcome,
        receiving_country=country,
    )


SCHEDULED = SessionScheduled(
    session_type="individual",
    modality="in_person",
    site="trc_blazuj",
    language="ara",
    person_ids=(FATHER,),
    counsellor_id="staff:amira",
    scheduled_for=NOON + HOUR,
)
HELD = SessionHeld(
    session_type="individual",
    modality="in_person",
    site="trc_blazuj",
    language="ara",
    interpreter="phone",
    person_ids=(FATHER,),
    counsellor_id="staff:amira",
    held_at=NOON,
    topics=("return_conditions", "asylum"),
    outcome="follow_up",
    present=("spouse",),
    interpreter_kind="professional",
)
NOT_HELD = SessionNotHeld(reason="cancelled_by_migrant")


def amend(
    present: tuple[Present, ...] = ("alone",), interpreter: Interpreter = "none", interpreter_kind: InterpreterKind | None = None
) -> AmendSession:
    return AmendSession(present=present, interpreter=interpreter, interpreter_kind=interpreter_kind, reason="misunderstood")


AMENDED = SessionAmended(
    session_type="individual", person_ids=(FATHER,), present=("alone",), interpreter="none", interpreter_kind=None,
    reason="misunderstood",
)


def test_a_session_is_scheduled_for_a_coming_time_by_its_counsellor() -> None:
    session.when(schedule(), AMIRA).then(SCHEDULED)


def test_a_session_cannot_be_scheduled_for_the_present_or_the_past() -> None:
    session.when(schedule(at=NOON), AMIRA).refused("not_in_the_future")


def test_a_session_can_be_scheduled_with_somebody_anonymous() -> None:
    session.when(schedule(()), AMIRA).then_kinds(SessionScheduled)


def test_a_session_is_scheduled_only_once_under_an_id() -> None:
    session.given(SCHEDULED).when(schedule(), AMIRA).refused("already_exists")


@pytest.mark.parametrize("order", [schedule, hold])
def test_whoever_is_named_in_a_session_is_registered(order: Callable[..., Command]) -> None:
    session.when(order(person_ids=(FATHER, UNKNOWN)), AMIRA).refused("unknown_person")


@pytest.mark.parametrize("order", [schedule, hold])
def test_whoever_is_named_in_a_session_has_agreed_to_the_processing_of_data(
    order: Callable[..., Command],
) -> None:
    session.knowing(NOT_AGREED).when(order(person_ids=(FATHER,)), AMIRA).refused("data_consent_missing")


@pytest.mark.parametrize("order", [schedule, hold])
def test_nobody_is_named_twice_in_a_session(order: Callable[..., Command]) -> None:
    session.when(order(person_ids=(FATHER, FATHER)), AMIRA).refused("person_twice")


def test_a_session_that_nobody_scheduled_can_be_held() -> None:
    session.when(hold(), AMIRA).then(HELD)


def test_a_scheduled_session_is_held_by_whoever_held_it() -> None:
    by_tarik = HELD.model_copy(update={"counsellor_id": "staff:tarik"})
    session.given(SCHEDULED).when(hold(), TARIK).then(by_tarik)
    state = SESSION.fold((SCHEDULED, HELD))
    assert state is not None
    assert (state.status, state.scheduled_for, state.held_at) == ("held", NOON + HOUR, NOON)


def test_a_session_is_put_in_order_by_when_it_was_held_and_until_then_by_when_it_is_to_be() -> None:
    for past, at in (((SCHEDULED,), NOON + HOUR), ((SCHEDULED, NOT_HELD), NOON + HOUR), ((SCHEDULED, HELD), NOON), ((HELD,), NOON)):
        state = SESSION.fold(past)
        assert state is not None
        assert state.at == at


def test_a_session_with_somebody_anonymous_names_nobody() -> None:
    session.when(hold(()), AMIRA).then(HELD.model_copy(update={"person_ids": ()}))


def test_family_members_who_were_present_are_named_in_the_one_session() -> None:
    session.when(hold((FATHER, SON)), AMIRA).then(HELD.model_copy(update={"person_ids": (FATHER, SON)}))


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({"present": ("alone", "spouse")}, "alone_with_others"),
        ({"interpreter": "none", "interpreter_kind": "family"}, "nobody_interpreted"),
        ({"interpreter": "in_person", "interpreter_kind": None}, "interpreter_not_said"),
    ],
)
def test_what_is_said_of_who_was_there_does_not_contradict_itself(said: dict[str, Any], refused: str) -> None:
    session.when(hold(**said), AMIRA).refused(refused)
    session.given(HELD).when(amend(**said), AMIRA).refused(refused)


def test_where_several_are_named_nobody_was_alone() -> None:
    session.when(hold((FATHER, SON), present=("alone",)), AMIRA).refused("several_were_heard")
    session.given(HELD.model_copy(update={"person_ids": (FATHER, SON)})).when(amend(), AMIRA).refused("several_were_heard")


def test_who_was_present_has_to_be_said_and_nobody_twice() -> None:
    for present in ((), ("spouse", "spouse")):
        with pytest.raises(ValidationError):
            hold(present=present)


def test_who_was_present_is_set_right_by_whoever_held_the_session_or_a_coordinator() -> None:
    session.given(HELD).when(amend(), AMIRA).then(AMENDED)
    session.given(HELD).when(amend(), DANA).then(AMENDED)
    session.given(HELD).when(amend(), TARIK).refused("not_your_session")


def test_only_a_session_that_was_held_is_set_right_and_the_rest_of_it_stays() -> None:
    session.given(SCHEDULED).when(amend(), AMIRA).refused("not_held")
    before, after = SESSION.fold((HELD,)), SESSION.fold((HELD, AMENDED))
    assert before is not None
    assert after == replace(before, present=("alone",), interpreter="none", interpreter_kind=None)


def test_what_is_said_already_is_not_set_right_again() -> None:
    session.given(HELD, AMENDED).when(amend(), AMIRA).then()


def test_of_a_session_from_before_it_was_asked_it_is_said_afterwards_who_was_there() -> None:
    leaf = HELD.model_dump(mode="json", exclude={"present", "interpreter_kind"})
    long_ago = SessionHeld.model_validate(leaf)
    assert (long_ago.present, long_ago.interpreter_kind) == ((), None)
    session.given(long_ago).when(amend(), AMIRA).then(AMENDED)


def test_a_session_cannot_be_held_in_the_future() -> None:
    session.when(hold(at=NOON + HOUR), AMIRA).refused("in_the_future")


def test_a_virtual_session_with_the_country_of_origin_names_the_receiving_country() -> None:
    session.when(hold(modality="virtual_country_of_origin"), AMIRA).refused("receiving_country_missing")
    session.when(hold(modality="virtual_country_of_origin", country="MA"), AMIRA).then_kinds(SessionHeld)


def test_no_other_session_names_a_receiving_country() -> None:
    session.when(hold(modality="virtual_other", country="MA"), AMIRA).refused("receiving_country_unexpected")


def test_the_wish_to_return_is_an_outcome_of_an_individual_session() -> None:
    session.when(hold(outcome="intention_expressed"), AMIRA).then_kinds(SessionHeld)


def test_the_wish_to_return_is_no_outcome_of_legal_information() -> None:
    session.when(hold(outcome="intention_expressed", session_type="legal_information"), AMIRA).refused(
        "intention_needs_individual_session"
    )


def test_nobody_anonymous_expresses_the_wish_to_return() -> None:
    session.when(hold((), outcome="intention_expressed"), AMIRA).refused("intention_needs_a_known_person")


def test_a_scheduled_session_is_recorded_as_not_held() -> None:
    session.given(SCHEDULED).when(MarkSessionNotHeld(reason="cancelled_by_migrant"), AMIRA).then(NOT_HELD)


def test_nobody_misses_a_session_before_its_time() -> None:
    no_show = MarkSessionNotHeld(reason="no_show")
    session.given(SCHEDULED).when(no_show, AMIRA).refused("not_yet_due")
    session.given(SCHEDULED).when(no_show, AMIRA, at=NOON + HOUR).then(SessionNotHeld(reason="no_show"))


def test_only_a_scheduled_session_is_recorded_as_not_held() -> None:
    session.when(MarkSessionNotHeld(reason="no_show"), AMIRA).refused("not_found")


@pytest.mark.parametrize("order", [hold(), MarkSessionNotHeld(reason="no_show")])
def test_a_held_session_stays_held(order: Command) -> None:
    session.given(HELD).when(order, AMIRA).refused("already_held")


@pytest.mark.parametrize("order", [hold(), MarkSessionNotHeld(reason="no_show")])
def test_a_session_that_was_not_held_stays_so(order: Command) -> None:
    session.given(SCHEDULED, NOT_HELD).when(order, AMIRA).refused("already_not_held")


def test_a_reader_is_told_that_a_held_session_cannot_be_held_again() -> None:
    context = Context(AMIRA, NOON)
    refusal = SESSION.refusal(SESSION.fold((HELD,)), HoldSession, FACTS, context)
    assert isinstance(refusal, RuleViolation)
    assert refusal.code == "already_held"
    assert SESSION.refusal(SESSION.fold((SCHEDULED,)), HoldSession, FACTS, context) is None
    assert SESSION.refusal(None, HoldSession, FACTS, context) is None


@pytest.mark.parametrize("past", [(HELD, HELD), (HELD, NOT_HELD), (SCHEDULED, NOT_HELD, HELD)])
def test_a_transition_that_is_not_declared_is_a_programming_error(past: tuple[Event, ...]) -> None:
    with pytest.raises(IllegalTransition):
        SESSION.fold(past)


def test_a_fact_out_of_turn_or_of_something_else_does_not_apply_to_a_session() -> None:
    with pytest.raises(TypeError):
        evolve(None, FOREIGN_FACT)
    with pytest.raises(TypeError):
        evolve(None, NOT_HELD)
    with pytest.raises(TypeError):
        evolve(SESSION.fold((HELD,)), SCHEDULED)


orders = st.lists(
    st.one_of(
        st.builds(schedule, at=st.integers(-2, 8).map(lambda hours: NOON + hours * HOUR)),
        st.builds(
            hold,
            st.sampled_from([(), (FATHER,), (FATHER, SON), (UNKNOWN,)]),
            st.sampled_from(["follow_up", "intention_expressed", "referred"]),
            st.sampled_from(["individual", "legal_information"]),
            st.sampled_from(["in_person", "virtual_country_of_origin"]),
            st.sampled_from([None, "MA"]),
        ),
        st.builds(
            amend, st.sampled_from([("alone",), ("spouse",), ("not_known",)]), st.sampled_from(["none", "phone"]),
            st.sampled_from([None, "family"]),
        ),
        st.builds(MarkSessionNotHeld, reason=st.sampled_from(["no_show", "cancelled_by_counsellor"])),
    ),
    max_size=10,
)


def fields_fit_the_status(state: Session) -> bool:
    held = state.status == "held"
    return (
        (state.held_at is not None) == held
        and (state.outcome is not None) == held
        and (state.interpreter is not None) == held
        and (state.not_held_reason is not None) == (state.status == "not_held")
        and (held or state.scheduled_for is not None)
    )


SHAPE = TypeAdapter(Session)


@given(orders)
def test_whatever_is_ordered_the_session_is_the_fold_of_the_facts_and_ends_once(
    commands: list[Command],
) -> None:
    events = run(
        SESSION, [(command, FACTS) for command in commands], SHAPE, holds=fields_fit_the_status
    )
    ends = [index for index, event in enumerate(events) if isinstance(event, SessionHeld | SessionNotHeld)]
    assert len(ends) < 2
    assert all(isinstance(event, SessionAmended) for end in ends for event in events[end + 1 :])


def test_a_session_begins_and_ends_only_as_declared() -> None:
    begun = {state.status for event in (SCHEDULED, HELD) if (state := SESSION.fold((event,))) is not None}
    assert begun == BEGINNINGS
    assert {status for status, onward in TRANSITIONS.items() if not onward} == {"held", "not_held"}
