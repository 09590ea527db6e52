from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.returns.domain.case import CASE
from services.returns.domain.case_application import (
    ApproveCase,
    DeclareIneligible,
    RecordScreening,
    SignDeclaration,
    StartScreening,
    SubmitApplication,
)
from services.returns.domain.case_guards import STATUS_IN_WORDS
from services.returns.domain.case_journey import ConfirmArrival, RecordDeparture, RecordNotDeparted
from services.returns.domain.case_preparation import (
    ClearToBoard,
    ConfirmBooking,
    ConfirmVoluntariness,
    MarkReadyToTravel,
    RecordMissedFlight,
    RecordOwnPlan,
    RecordTravelDocument,
    StartPreparation,
)
from services.returns.domain.case_reintegration import (
    RecordCaseSealed,
    RecordGrantStage,
    RecordPlanAgreed,
    RecordSealRefused,
    RequestClosing,
    StartMonitoring,
)
from services.returns.domain.case_state import (
    BEFORE_DEPARTURE,
    BEGINNINGS,
    GATED,
    ROW_TRANSITIONS,
    TERMINAL,
    TRANSITIONS,
    Case,
    CaseFacts,
    KnownPerson,
    Status,
)
from services.returns.domain.case_withdrawal import (
    LapseCase,
    RecordContactTried,
    WithdrawCase,
    WithdrawPerson,
)
from services.returns.domain.gate import gate
from shared.actors import Actor
from shared.contracts.returns import (
    CaseWithdrawn,
    GrantStage,
    PersonCounselled,
    ReadyToTravel,
    ScreeningStarted,
)
from shared.messages import Command, Concealed, Event
from shared.transitions import IllegalTransition
from tests.given import NOON
from tests.unit.returns.examples import (
    APPLIED,
    ARRIVED,
    BOOKED,
    CLEARED,
    COORDINATOR,
    COUNSELLOR,
    DEPARTED,
    EXPRESSED_AT,
    FAMILY,
    GRANT,
    OFFICE,
    OPENED,
    OPERATIONS,
    OTHER_GRANT,
    PLAN,
    READY,
    SUBMITTER,
    VALID_UNTIL,
    after,
)
from tests.unit.returns.sequences import run
from tests.unit.returns.test_application import INTENTION

STATUSES = set(get_args(Status))


def test_the_transitions_name_every_status_and_no_other() -> None:
    assert set(TRANSITIONS) == STATUSES == set(STATUS_IN_WORDS)
    assert set().union(*TRANSITIONS.values()) | BEGINNINGS == STATUSES


def test_terminal_are_exactly_the_statuses_that_nothing_leaves() -> None:
    assert {status for status, to in TRANSITIONS.items() if not to} == set(TERMINAL)


def test_every_status_before_departure_leads_to_withdrawal_and_to_departure() -> None:
    assert all({"withdrawn", "departed"} <= TRANSITIONS[status] for status in BEFORE_DEPARTURE)


def test_no_row_enters_readiness_or_approval_but_from_the_step_before() -> None:
    only_from = {"approved": {"applied"}, "ready_to_travel": {"preparing"}, "cleared_to_board": {"ready_to_travel"}}
    for status, before in only_from.items():
        assert {one for one, to in ROW_TRANSITIONS.items() if status in to} == before


@pytest.mark.parametrize("past", [OPENED, CLEARED, ARRIVED], ids=["intention", "cleared", "arrived"])
def test_a_fact_along_an_undeclared_way_is_a_programming_error(past: tuple[Event, ...]) -> None:
    with pytest.raises(IllegalTransition):
        CASE.fold((*past, ReadyToTravel()))


@pytest.mark.parametrize(
    "facts",
    [(ScreeningStarted(),), (*OPENED, *OPENED), (*OPENED, PersonCounselled(session_id=PLAN, held_at=NOON))],
    ids=["without a beginning", "with two beginnings", "of a person"],
)
def test_facts_that_do_not_make_a_case_are_a_programming_error(facts: tuple[Event, ...]) -> None:
    with pytest.raises(TypeError):
        CASE.fold(facts)


PERSON = st.sampled_from(FAMILY)
PERSONS = st.sampled_from([FAMILY, FAMILY[:1], FAMILY[1:], (FAMILY[0], FAMILY[2]), FAMILY[2:]])
AGO = st.sampled_from([timedelta(0), timedelta(hours=2)])
SHAPE = TypeAdapter(Case)

# What somebody may order, as a function of when: the strategies are built once, the times follow the story.
Timely = Callable[[datetime], Command]


def at_any_time(*commands: Command) -> st.SearchStrategy[Timely]:
    return st.sampled_from([lambda _, command=command: command for command in commands])


def screening(person_id: UUID, ago: timedelta, voluntary: bool) -> Timely:
    return lambda at: RecordScreening(
        person_id=person_id, screened_at=at - ago, alternatives_explained=True, legal_consequences_explained=True,
        voluntary=voluntary,
    )


def declaration(person_id: UUID, signed_by: UUID, ago: timedelta) -> Timely:
    return lambda at: SignDeclaration(
        person_id=person_id, signed_by=signed_by, method="signature", language="urd", signed_at=at - ago
    )


def document(person_id: UUID, long: bool) -> Timely:
    return lambda at: RecordTravelDocument(
        person_id=person_id, document="passport", valid_until=VALID_UNTIL if long else at.date()
    )


def booking(person_ids: tuple[UUID, ...]) -> Timely:
    return lambda at: ConfirmBooking(
        departs_at=at + timedelta(hours=6), arrives_at=at + timedelta(hours=15), destination_country="PK",
        person_ids=person_ids,
    )


FORWARD: st.SearchStrategy[Timely] = st.one_of(
    at_any_time(StartScreening(), SubmitApplication(), ApproveCase(), MarkReadyToTravel(), ClearToBoard()),
    at_any_time(StartPreparation(programme="AVRR-BA", receiving_country="PK"), RecordPlanAgreed(plan_id=PLAN)),
    at_any_time(StartMonitoring(), RequestClosing(reason="completed"), RecordCaseSealed(), RecordSealRefused()),
    at_any_time(
        *(
            RecordGrantStage(grant_id=grant_id, stage=stage)
            for grant_id in (GRANT, OTHER_GRANT)
            for stage in get_args(GrantStage)
        ),
    ),
    st.builds(screening, PERSON, AGO, st.sampled_from([True, True, False])),
    st.builds(declaration, PERSON, PERSON, AGO),
    st.builds(booking, PERSONS),
    st.builds(
        lambda person_id, ago: lambda at: ConfirmVoluntariness(person_id=person_id, confirmed_at=at - ago), PERSON, AGO
    ),
    st.builds(
        lambda person_id, ago: lambda at: ConfirmArrival(person_id=person_id, arrived_at=at - ago, known_by="met"),
        PERSON, AGO,
    ),
)
ASIDE: st.SearchStrategy[Timely] = st.one_of(
    at_any_time(
        WithdrawCase(), RecordNotDeparted(), DeclareIneligible(reason="not_entitled"), RecordMissedFlight(reason="late"),
        LapseCase(reason="no_contact"), INTENTION,
    ),
    at_any_time(
        *(WithdrawPerson(person_id=person_id) for person_id in FAMILY),
        *(RecordOwnPlan(plan_id=PLAN, person_ids=person_ids) for person_ids in (FAMILY, FAMILY[1:])),
    ),
    st.builds(document, PERSON, st.booleans()),
    st.builds(
        lambda person_ids, ago: lambda at: RecordDeparture(person_ids=person_ids, departed_at=at - ago), PERSONS, AGO
    ),
    st.builds(lambda ago: lambda at: RecordContactTried(tried_at=at - ago), AGO),
)
STEP = st.tuples(
    st.one_of(*[FORWARD] * 7, ASIDE),
    st.sampled_from([*[timedelta(minutes=1)] * 20, timedelta(hours=7), timedelta(days=31)]),
    st.sampled_from([*[None] * 20, *FAMILY]),
    st.sampled_from([COUNSELLOR, SUBMITTER, COORDINATOR, OPERATIONS, OFFICE]),
)
STORY = st.lists(STEP, min_size=30, max_size=60)
Step = tuple[Timely, timedelta, UUID | None, Actor]


def told(story: list[Step], begin: datetime) -> Iterator[tuple[Command, CaseFacts, Actor, datetime]]:
    at = begin
    for order, later, unwilling, by in story:
        at += later
        known = tuple(
            KnownPerson(person_id, EXPRESSED_AT, data_consent=person_id != unwilling) for person_id in FAMILY
        )
        yield order(at), CaseFacts(known, at), by, at


def what_always_holds(before: Case | None, case: Case, facts: CaseFacts, at: datetime) -> None:
    if before is not None:
        assert case.status == before.status or case.status in ROW_TRANSITIONS[before.status]
    if case.status in BEFORE_DEPARTURE:
        assert case.travelling
    if case.status in ("departed", "arrived"):
        assert case.gone and not case.travelling
    if case.status == "arrived":
        assert case.agreed_plan_id is None
    if before != case and case.status in GATED:
        conditions = gate(case, facts, at, boarding=case.status == "cleared_to_board")
        assert {line.code for line in conditions if not line.met} <= {"booking_in_the_past"}


@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize(
    "past", [OPENED, APPLIED, BOOKED, READY, CLEARED, DEPARTED, ARRIVED], ids=lambda past: after(*past).status
)
@over(story=STORY)
def test_along_any_orders_from_every_stretch_of_the_way_no_rule_is_broken(
    past: tuple[Event, ...], story: list[Step]
) -> None:
    run(CASE, told(story, NOON), SHAPE, what_always_holds, past)


@over(story=STORY)
@settings(max_examples=50, deadline=None)
def test_a_case_that_has_ended_stays_ended_whatever_is_ordered(story: list[Step]) -> None:
    ended = CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=FAMILY)
    events = run(CASE, told(story, NOON), SHAPE, what_always_holds, (*APPLIED, ended))
    assert after(*events).status == "withdrawn"
