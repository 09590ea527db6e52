"""What reintegration notes of a return case, and when it seals it."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.reintegration.domain.case import (
    CASE,
    Case,
    CaseFacts,
    RecordArrival,
    RecordCase,
    RecordCaseEnd,
    RecordProgramme,
    SealCase,
    UnsealCase,
)
from shared.contracts.noted_cases import (
    ArrivalNoted,
    CaseEndNoted,
    CaseNoted,
    CaseSealed,
    CaseUnsealed,
    ProgrammeNoted,
    SealRefused,
)
from shared.contracts.reintegration import GrantDisbursed
from shared.messages import Command, Context, Event
from shared.transitions import IllegalTransition
from tests.given import NOON, Given
from tests.unit.reintegration.examples import (
    ARRIVED_AT,
    CASE_ID,
    CHILD,
    COUNSELLOR,
    MANAGER,
    PERSON,
    STRANGER,
)

NOTED = CaseNoted(person_ids=(PERSON, CHILD), destination_country="PK", counsellor_id=COUNSELLOR.person_id)
PERSON_ARRIVED = ArrivalNoted(person_id=PERSON, arrived_at=ARRIVED_AT)
RECORD = RecordCase(person_ids=(PERSON, CHILD), destination_country="PK", counsellor_id=COUNSELLOR.person_id)
CASES = Given(CASE, CaseFacts(live_grants=0))


def test_an_opened_case_is_noted_with_its_persons_country_and_counsellor() -> None:
    CASES.when(RECORD, MANAGER).then(NOTED)


def test_a_case_is_noted_once() -> None:
    CASES.given(NOTED).when(RECORD, MANAGER).then()


def test_the_programme_of_a_case_is_noted_and_noted_anew_when_it_is_another_one() -> None:
    first, other = ProgrammeNoted(programme="AVRR-WB"), ProgrammeNoted(programme="AVRR-EU")
    CASES.when(RecordProgramme(programme="AVRR-WB"), MANAGER).then()
    CASES.given(NOTED).when(RecordProgramme(programme="AVRR-WB"), MANAGER).then(first)
    CASES.given(NOTED, first).when(RecordProgramme(programme="AVRR-WB"), MANAGER).then()
    CASES.given(NOTED, first, CaseSealed()).when(RecordProgramme(programme="AVRR-EU"), MANAGER).then(other)
    noted = CASE.fold((NOTED, first, other))
    assert noted is not None
    assert noted.programme == "AVRR-EU"
    split = CASES.when(RECORD.model_copy(update={"programme": "AVRR-WB"}), MANAGER)
    split.then(NOTED.model_copy(update={"programme": "AVRR-WB"}))


def test_an_arrival_is_noted_for_the_person_who_arrived_and_nobody_else() -> None:
    CASES.given(NOTED).when(RecordArrival(person_id=PERSON, arrived_at=ARRIVED_AT), MANAGER).then(
        PERSON_ARRIVED
    )
    case = CASE.fold((NOTED, PERSON_ARRIVED))
    assert case is not None
    assert (case.status, case.has_arrived(PERSON), case.has_arrived(CHILD)) == ("arrived", True, False)


def test_an_arrival_is_noted_once() -> None:
    later = ARRIVED_AT + timedelta(days=1)
    CASES.given(NOTED, PERSON_ARRIVED).when(RecordArrival(person_id=PERSON, arrived_at=later), MANAGER).then()


def test_the_arrival_of_somebody_who_is_not_of_the_case_opens_no_way_to_money() -> None:
    CASES.given(NOTED).when(RecordArrival(person_id=STRANGER, arrived_at=ARRIVED_AT), MANAGER).then()


def test_an_arrival_on_an_unknown_case_changes_nothing() -> None:
    CASES.when(RecordArrival(person_id=PERSON, arrived_at=ARRIVED_AT), MANAGER).then()


def test_a_case_that_returns_has_taken_up_again_takes_grants_until_it_is_sealed_once_more() -> None:
    sealed = CASES.given(NOTED, PERSON_ARRIVED, CaseSealed())
    sealed.when(UnsealCase(), MANAGER).then(CaseUnsealed())
    unsealed = sealed.given(CaseUnsealed())
    case = CASE.fold(unsealed.past)
    assert case is not None and case.status == "arrived"
    unsealed.when(UnsealCase(), MANAGER).then()
    unsealed.when(SealCase(), MANAGER).then(CaseSealed())


def test_only_a_sealed_case_of_somebody_who_arrived_takes_grants_again() -> None:
    for past in ((), (NOTED,), (NOTED, CaseEndNoted()), (NOTED, CaseSealed())):
        CASES.given(*past).when(UnsealCase(), MANAGER).then()


def test_an_arrival_after_the_end_is_kept_but_does_not_open_the_case_again() -> None:
    case = CASE.fold((NOTED, CaseEndNoted(), PERSON_ARRIVED))
    assert case is not None
    assert (case.status, case.has_arrived(PERSON)) == ("ended", True)


def test_a_case_that_ended_before_departure_is_noted_as_ended_once() -> None:
    CASES.given(NOTED).when(RecordCaseEnd(), MANAGER).then(CaseEndNoted())
    CASES.given(NOTED, CaseEndNoted()).when(RecordCaseEnd(), MANAGER).then()
    CASES.when(RecordCaseEnd(), MANAGER).then()


def test_a_case_with_an_arrived_person_does_not_end_by_a_withdrawal() -> None:
    CASES.given(NOTED, PERSON_ARRIVED).when(RecordCaseEnd(), MANAGER).then()


def test_a_case_without_live_grants_is_sealed() -> None:
    CASES.given(NOTED, PERSON_ARRIVED).when(SealCase(), MANAGER).then(CaseSealed())


def test_a_case_with_a_live_grant_is_not_sealed() -> None:
    two_live = CASES.knowing(CaseFacts(live_grants=2))
    two_live.given(NOTED, PERSON_ARRIVED).when(SealCase(), MANAGER).then(SealRefused(live_grants=2))


def test_a_case_whose_grants_nobody_counted_is_not_sealed() -> None:
    uncounted = CASES.knowing(CaseFacts())
    uncounted.given(NOTED, PERSON_ARRIVED).when(SealCase(), MANAGER).then_kinds(SealRefused)


@pytest.mark.parametrize("past", [(NOTED,), (NOTED, CaseEndNoted())], ids=["noted", "ended"])
def test_a_request_to_close_is_answered_in_every_status(past: tuple[CaseNoted | CaseEndNoted, ...]) -> None:
    CASES.given(*past).when(SealCase(), MANAGER).then(CaseSealed())


def test_a_case_is_sealed_once_and_an_unknown_one_never() -> None:
    CASES.given(NOTED, CaseSealed()).when(SealCase(), MANAGER).then()
    CASES.when(SealCase(), MANAGER).then()


def test_an_undeclared_transition_is_a_fault_of_ours() -> None:
    with pytest.raises(IllegalTransition):
        CASE.fold((NOTED, CaseSealed(), CaseEndNoted()))


def test_a_case_that_was_never_noted_is_not_sealed_by_an_event() -> None:
    with pytest.raises(TypeError):
        CASE.evolve(None, CaseSealed())


def test_an_event_of_another_aggregate_is_a_fault_of_ours() -> None:
    for past in ((), (NOTED,)):
        with pytest.raises(TypeError):
            CASE.fold((*past, GrantDisbursed(case_id=CASE_ID)))


COMMANDS = st.one_of(
    st.just(RECORD),
    st.sampled_from((PERSON, CHILD, STRANGER)).map(
        lambda person: RecordArrival(person_id=person, arrived_at=ARRIVED_AT)
    ),
    st.just(RecordCaseEnd()),
    st.just(SealCase()),
)


@examples(st.lists(st.tuples(COMMANDS, st.integers(0, 2)), max_size=25))
def test_any_order_of_true_facts_is_accepted_and_a_sealed_case_stays_sealed(
    orders: list[tuple[Command, int]],
) -> None:
    state: Case | None = None
    log: list[Event] = []
    for command, live_grants in orders:
        before = state
        events = CASE.decide(state, command, CaseFacts(live_grants), Context(MANAGER, NOON))
        state = CASE.fold(events, state)
        log += events
        if before is not None and before.status == "sealed":
            assert state is not None
            assert state.status == "sealed"
    assert CASE.fold(log) == state
    if state is not None:
        adapter = TypeAdapter(Case)
        row = json.loads(adapter.dump_json(state), parse_float=Decimal)
        assert adapter.validate_python(row, strict=False) == state
