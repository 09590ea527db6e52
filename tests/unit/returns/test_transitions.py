from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, get_args
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
    SignDeclaration,
    StartScreening,
    SubmitApplication,
)
from services.returns.domain.case_corrections import (
    AskForCorrection,
    CorrectArrival,
    CorrectDeparture,
    RejectCorrection,
)
from services.returns.domain.case_departure_asked import AskToConfirmDeparture, ConfirmDeparture
from services.returns.domain.case_evidence import (
    FlagForMedical,
    RecordExitFormalities,
    RecordFitToTravel,
    RecordReceptionArranged,
    RecordTransitVisa,
)
from services.returns.domain.case_final_report import WriteFinalReport
from services.returns.domain.case_guards import STATUS_IN_WORDS
from services.returns.domain.case_held import lifted
from services.returns.domain.case_holds import LiftHold, PutOnHold, RecordTransitInterrupted
from services.returns.domain.case_journey import ConfirmArrival, RecordDeparture, RecordNotDeparted
from services.returns.domain.case_other_parent import AskForOtherParent, SettleOtherParent
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
from services.returns.domain.case_reopening import RecordAttemptGoesOn, RecordAttemptStaysEnded, ReopenCase
from services.returns.domain.case_screening import (
    AssessTraffickingRisk,
    AssessVoluntariness,
    CloseAlert,
    RecordBestInterests,
    RecordFearOfReturn,
    RecordVulnerability,
)
from services.returns.domain.case_state import (
    BEFORE_DEPARTURE,
    BEGINNINGS,
    FOLLOWING_GRANTS,
    GATED,
    HOLDABLE,
    ROW_TRANSITIONS,
    TERMINAL,
    TRANSITIONS,
    Case,
    CaseFacts,
    KnownPerson,
    Status,
)
from services.returns.domain.case_supervision import RecordGuardian, RecordSupervision
from services.returns.domain.case_timers import CheckArrival, CheckClearance
from services.returns.domain.case_withdrawal import (
    LapseCase,
    RecordContactTried,
    WithdrawCase,
    WithdrawPerson,
)
from services.returns.domain.gate import gate
from services.returns.domain.given_fields import PersonAssistance
from services.returns.domain.screening import PersonScreening
from services.returns.queries.abroad import for_receiving_office
from shared.actors import Actor
from shared.contracts.corrections import Correctable
from shared.contracts.families import NotSettled, OtherParent
from shared.contracts.returns import (
    Agreement,
    BestInterestsOutcome,
    BestInterestsProcedure,
    CaseWithdrawn,
    FitnessOutcome,
    GrantStage,
    HoldReason,
    Indicator,
    PersonCounselled,
    ReadyToTravel,
    ScreeningStarted,
    TraffickingRisk,
)
from shared.messages import Command, Concealed, Context, Event
from shared.transitions import IllegalTransition
from tests.given import NOON
from tests.unit.returns.examples import (
    APPLIED,
    ARRIVED,
    BOOKED,
    CHILD,
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
    PROTECTION,
    REACTION,
    READY,
    SUBMITTER,
    VALID_UNTIL,
    after,
    ref,
)
from tests.unit.returns.sequences import run
from tests.unit.returns.test_application import INTENTION

STATUSES = set(get_args(Status))


def test_the_transitions_name_every_status_and_no_other() -> None:
    assert set(TRANSITIONS) == STATUSES == set(STATUS_IN_WORDS)
    assert set().union(*TRANSITIONS.values()) | BEGINNINGS == STATUSES


def test_nothing_leaves_an_ending_but_a_closed_case_that_is_taken_up_again() -> None:
    taken_up_at = set(FOLLOWING_GRANTS)
    assert {status: TRANSITIONS[status] for status in TERMINAL if TRANSITIONS[status]} == {"closed": taken_up_at}
    assert set(TERMINAL) == {status for status, to in TRANSITIONS.items() if not to} | {"closed"}


def test_every_status_before_departure_leads_to_withdrawal_and_to_departure() -> None:
    assert all({"withdrawn", "departed"} <= TRANSITIONS[status] for status in BEFORE_DEPARTURE)


def test_no_row_enters_readiness_or_approval_but_from_the_step_before() -> None:
    # Who goes on with a case that was held on approval finds it approved; the database asks where it was held.
    only_from = {
        "approved": {"applied", "on_hold"}, "ready_to_travel": {"preparing"}, "cleared_to_board": {"ready_to_travel"},
    }  # fmt: skip
    for status, before in only_from.items():
        assert {one for one, to in ROW_TRANSITIONS.items() if status in to} == before


def test_a_case_is_held_wherever_it_is_and_not_on_its_way_to_be_closed() -> None:
    assert {status for status, to in TRANSITIONS.items() if "on_hold" in to} == set(HOLDABLE)
    assert STATUSES - set(HOLDABLE) == {"closing", "on_hold", *TERMINAL}
    assert TRANSITIONS["on_hold"] == (set(HOLDABLE) - set(GATED)) | {"withdrawn"}


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
LONG_AGO = st.sampled_from([timedelta(0), timedelta(hours=3), timedelta(days=40)])
SHAPE = TypeAdapter(Case)

# What somebody may order, as a function of when: the strategies are built once, the times follow the story.
Timely = Callable[[datetime], Command]


def at_any_time(*commands: Command) -> st.SearchStrategy[Timely]:
    return st.sampled_from([lambda _, command=command: command for command in commands])


RECORD = st.sampled_from([ref(number) for number in range(71, 79)])


def assessment(
    record_id: UUID, person_id: UUID, answered_by: UUID, ago: timedelta, answers: dict[str, Any], *, as_child: bool = False
) -> Timely:
    child = as_child or person_id == CHILD
    as_it_should_be: dict[str, Any] = {
        "free": True, "informed": True, "capable": True, "company": "nobody", "interpreter": "none",
        "legal_consequences_explained": True, "alternatives_explained": True, "child_heard": "heard" if child else None,
    }  # fmt: skip
    return lambda at: AssessVoluntariness(
        record_id=record_id, person_id=person_id, answered_by=answered_by if child else person_id, assessed_at=at - ago,
        **{**as_it_should_be, **answers},
    )


ANSWERS = st.sampled_from(
    [*[{}] * 12, {"free": False}, {"informed": False}, {"capable": False}, {"company": "family"}, {"interpreter": "family"},
     {"alternatives_explained": False}]
)  # fmt: skip


def fear(record_id: UUID, person_id: UUID, ago: timedelta, fears: bool) -> Timely:
    return lambda at: RecordFearOfReturn(record_id=record_id, person_id=person_id, asked_at=at - ago, fears_return=fears)


def vulnerability(record_id: UUID, person_id: UUID, ago: timedelta, indicators: tuple[Indicator, ...]) -> Timely:
    return lambda at: RecordVulnerability(
        record_id=record_id, person_id=person_id, noted_at=at - ago, indicators=indicators
    )


def risk(record_id: UUID, person_id: UUID, found: TraffickingRisk) -> Timely:
    return lambda at: AssessTraffickingRisk(record_id=record_id, person_id=person_id, assessed_at=at, risk=found)


def best_interests(
    record_id: UUID, procedure: BestInterestsProcedure, outcome: BestInterestsOutcome, agreed: tuple[Agreement, ...],
    person_id: UUID = CHILD,
) -> Timely:
    return lambda at: RecordBestInterests(
        record_id=record_id, person_id=person_id, procedure=procedure, outcome=outcome, established_at=at, agreed=agreed
    )


def declaration(person_id: UUID, signed_by: UUID, ago: timedelta) -> Timely:
    return lambda at: SignDeclaration(
        person_id=person_id, signed_by=signed_by, method="signature", language="urd", signed_at=at - ago
    )


def document(person_id: UUID, long: bool) -> Timely:
    return lambda at: RecordTravelDocument(
        person_id=person_id, document="passport", valid_until=VALID_UNTIL if long else at.date()
    )


def exit_recorded(person_ids: tuple[UUID, ...], long: bool) -> Timely:
    return lambda at: RecordExitFormalities(
        person_ids=person_ids, recorded_at=at, valid_until=None if long else at.date()
    )


def decision(person_id: UUID, outcome: FitnessOutcome, long: bool) -> Timely:
    return lambda at: RecordFitToTravel(
        person_id=person_id, outcome=outcome, decided_at=at, valid_from=at.date(),
        valid_until=at.date() + timedelta(days=400 if long else 1),
        conditions=("escort",) if outcome == "fit_with_conditions" else (),
    )


def visa(person_ids: tuple[UUID, ...], long: bool) -> Timely:
    return lambda at: RecordTransitVisa(
        person_ids=person_ids, issued_at=at, valid_from=at.date(), valid_until=at.date() + timedelta(days=400 if long else 1),
        transit_country="TR",
    )


def supervision(ago: timedelta, person_id: UUID = CHILD) -> Timely:
    return lambda at: RecordSupervision(
        person_id=person_id, travels_with="airline_service", handed_over_by="by_guardian", received_by="to_relative",
        arranged_at=at - ago, valid_from=at.date() - timedelta(days=40), valid_until=at.date() + timedelta(days=40),
    )


def other_parent(stated: OtherParent, person_id: UUID = CHILD) -> Timely:
    return lambda at: SettleOtherParent(person_id=person_id, settled_by=stated, settled_on=at.date() - timedelta(days=1))


def booking(person_ids: tuple[UUID, ...], through: bool, escorted: bool) -> Timely:
    return lambda at: ConfirmBooking(
        departs_at=at + timedelta(hours=6), arrives_at=at + timedelta(hours=15), destination_country="PK",
        person_ids=person_ids, transit_country="TR" if through else None, assistance=tuple(PersonAssistance(person_id=one, kind="escort") for one in person_ids if escorted),
    )


def final_report(report_id: UUID) -> Timely:
    return lambda at: WriteFinalReport(
        report_id=report_id, final_meeting="held_remotely", met_on=at.date(), contributed_to=("income",),
        plan_outcome="reached", partner_feedback="mixed", follow_up="done",
    )


# Those that screening placed are lifted as any other.
HOLDS = (ref(31), ref(32), ref(33), ref(71), ref(72))

FORWARD: st.SearchStrategy[Timely] = st.one_of(
    at_any_time(*(LiftHold(hold_id=hold_id, outcome="resolved") for hold_id in HOLDS)),
    at_any_time(StartScreening(), SubmitApplication(), ApproveCase(), MarkReadyToTravel(), ClearToBoard()),
    at_any_time(StartPreparation(programme="AVRR-BA", receiving_country="PK"), RecordPlanAgreed(plan_id=PLAN)),
    at_any_time(StartMonitoring(), RequestClosing(reason="completed"), RecordCaseSealed(), RecordSealRefused()),
    at_any_time(RecordAttemptGoesOn(person_ids=FAMILY), RecordAttemptStaysEnded()),
    at_any_time(
        *(
            order(person_id=person_id)
            for order in (CorrectDeparture, CorrectArrival, RejectCorrection)
            for person_id in FAMILY
        ),
    ),
    at_any_time(
        *(
            RecordGrantStage(grant_id=grant_id, stage=stage)
            for grant_id in (GRANT, OTHER_GRANT)
            for stage in get_args(GrantStage)
        ),
    ),
    st.builds(assessment, RECORD, PERSON, st.sampled_from(FAMILY[:2]), AGO, ANSWERS),
    st.builds(fear, RECORD, PERSON, AGO, st.sampled_from([*[False] * 12, True])),
    st.builds(
        vulnerability, RECORD, PERSON, AGO,
        st.sampled_from([*[()] * 8, ("medical",), ("gbv",), ("separated",), ("vot_presumed",), ("elderly", "medical")]),
    ),
    st.builds(
        best_interests, RECORD, st.sampled_from(get_args(BestInterestsProcedure)),
        st.sampled_from([*["return"] * 6, "pending", "remain"]),
        st.sampled_from([*[get_args(Agreement)] * 6, ("guardian",)]), st.sampled_from((CHILD, CHILD, *FAMILY)),
    ),
    st.builds(lambda alert_id: lambda _: CloseAlert(alert_id=alert_id, outcome="no_risk_found"), RECORD),
    st.builds(declaration, PERSON, PERSON, AGO),
    st.builds(final_report, st.sampled_from([ref(96), ref(97)])),
    st.builds(booking, PERSONS, st.sampled_from([False, False, True]), st.booleans()),
    st.builds(exit_recorded, PERSONS, st.booleans()),
    st.builds(lambda ago: lambda at: RecordReceptionArranged(arranged_at=at - ago), AGO),
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
        LapseCase(reason="no_contact"), INTENTION, ReopenCase(reason="contact_regained"),
        AskToConfirmDeparture(), ConfirmDeparture(),
    ),
    at_any_time(
        *(AskForCorrection(person_id=person_id, of=of) for person_id in FAMILY for of in get_args(Correctable)),
        *(WithdrawPerson(person_id=person_id) for person_id in FAMILY),
        *(RecordOwnPlan(plan_id=PLAN, person_ids=person_ids) for person_ids in (FAMILY, FAMILY[1:])),
    ),
    st.builds(lambda ago: lambda at: WithdrawCase(withdrawn_at=at - ago), LONG_AGO),
    st.builds(
        lambda person_id, ago: lambda at: WithdrawPerson(person_id=person_id, withdrawn_at=at - ago), PERSON, LONG_AGO
    ),
    st.builds(risk, RECORD, PERSON, st.sampled_from(get_args(TraffickingRisk))),
    st.builds(document, PERSON, st.booleans()),
    st.builds(decision, PERSON, st.sampled_from(get_args(FitnessOutcome)), st.booleans()),
    st.builds(visa, PERSONS, st.booleans()),
    st.builds(supervision, AGO, PERSON),
    st.builds(other_parent, st.sampled_from(get_args(OtherParent)), PERSON),
    at_any_time(*(AskForOtherParent(person_id=CHILD, not_settled=why) for why in get_args(NotSettled))),
    at_any_time(RecordGuardian(person_id=CHILD, guardian_id=ref(77))),
    at_any_time(*(FlagForMedical(person_id=person_id) for person_id in FAMILY), CheckClearance(), CheckArrival()),
    st.builds(
        lambda person_ids, ago: lambda at: RecordDeparture(person_ids=person_ids, departed_at=at - ago), PERSONS, AGO
    ),
    st.builds(lambda ago: lambda at: RecordContactTried(tried_at=at - ago), AGO),
    at_any_time(
        *(PutOnHold(hold_id=hold_id, reason=reason) for hold_id in HOLDS for reason in get_args(HoldReason)),
    ),
    st.builds(
        lambda hold_id, person_ids, ago: lambda at: RecordTransitInterrupted(
            hold_id=hold_id, person_ids=person_ids, interrupted_at=at - ago
        ),
        st.sampled_from(HOLDS), PERSONS, AGO,
    ),
)
STEP = st.tuples(
    st.one_of(*[FORWARD] * 7, ASIDE),
    st.sampled_from([*[timedelta(minutes=1)] * 20, timedelta(hours=7), timedelta(days=31)]),
    st.sampled_from([*[None] * 20, *FAMILY]),
    st.sampled_from([COUNSELLOR, SUBMITTER, COORDINATOR, OPERATIONS, PROTECTION, OFFICE]),
)
STORY = st.lists(STEP, min_size=30, max_size=60)
Step = tuple[Timely, timedelta, UUID | None, Actor]


def told(story: list[Step], begin: datetime) -> Iterator[tuple[Command, CaseFacts, Actor, datetime]]:
    at = begin
    for order, later, unwilling, by in story:
        at += later
        known = tuple(
            KnownPerson(person_id, EXPRESSED_AT, data_consent=person_id != unwilling, heard_alone=True) for person_id in FAMILY
        )
        yield order(at), CaseFacts(known, at), by, at


def nothing_stands_against(found: PersonScreening, *, is_adult: bool) -> bool:
    """Every condition of screening that applies to somebody, said once more in other words than the rules have."""
    wish, noted, best = found.voluntariness, found.indicators, found.best_interests
    if wish is None or found.fear is None or found.vulnerability is None or found.alerts or found.fear.fears_return:
        return False
    if not (wish.free and wish.informed and wish.capable and wish.legal_consequences_explained and wish.alternatives_explained):
        return False
    if wish.company == "family" or wish.interpreter == "family":
        return False
    if noted & {"vot_presumed", "vot_identified"} and (found.trafficking is None or found.trafficking.risk != "acceptable"):
        return False
    if is_adult and not noted & {"uasc", "unaccompanied", "separated"}:
        return True
    if best is None or best.outcome != "return" or set(best.agreed) != {"guardian", "child", "family"}:
        return False
    return best.procedure == "determination" or not noted & {"uasc", "unaccompanied", "separated"}


def what_always_holds(before: Case | None, case: Case, facts: CaseFacts, at: datetime) -> None:
    if before is not None:
        assert case.status == before.status or case.status in ROW_TRANSITIONS[before.status]
        assert case.stretch == before.stretch or case.stretch in ROW_TRANSITIONS[before.stretch]
    if case.stretch in BEFORE_DEPARTURE:
        assert case.travelling
    if case.stretch in ("departed", "arrived"):
        assert case.gone and not case.travelling
    standing = [hold for hold in case.holds if hold.stands]
    assert (case.status == "on_hold") == bool(standing) == (case.status_before_hold is not None)
    assert all((hold.reason is not None) == hold.stands for hold in case.holds)
    if case.status == "on_hold":
        assert case.stretch in set(HOLDABLE) - set(GATED)
        assert not any(person.confirmed_at for person in case.travelling) or before is None or before.stretch not in GATED
    if case.stretch == "arrived":
        assert case.agreed_plan_id is None
    if case.status == "on_hold":
        free = lifted(case, [hold.hold_id for hold in standing], at)
        assert free.status == case.stretch
        assert for_receiving_office(free) == for_receiving_office(case)
    assert (case.holds_until is None) == (case.status not in GATED)
    if case.holds_until is not None and case.holds_until > at:
        # As far as the case itself knows, nothing is over before it says so.
        moment_before = gate(case, facts, case.holds_until - timedelta(microseconds=1), boarding=False)
        assert {line.code for line in moment_before if not line.met} <= {"booking_in_the_past", "data_consent_missing"}
    waiting = [alert.raised_at for one in case.screening for alert in one.alerts]
    waiting += [hold.placed_at for hold in standing if hold.reason == "protection"]
    assert case.protection_since == min(waiting, default=None)
    if case.status in GATED:
        for person in case.travelling:
            assert nothing_stands_against(case.screening_of(person.person_id), is_adult=person.recorded_as_adult)
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


@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("past", [BOOKED, READY, CLEARED], ids=lambda past: after(*past).status)
@over(
    story=STORY, later=st.integers(0, 90), unwilling=st.sampled_from([None, *FAMILY]),
    unheard=st.sampled_from([None, *FAMILY]),
)  # fmt: skip
def test_after_a_look_at_the_clock_no_readiness_is_left_that_is_over(
    past: tuple[Event, ...], story: list[Step], later: int, unwilling: UUID | None, unheard: UUID | None
) -> None:
    case = after(*run(CASE, told(story, NOON), SHAPE, what_always_holds, past))
    at = NOON + sum((step[1] for step in story), timedelta(0)) + timedelta(hours=later)
    known = tuple(KnownPerson(one, EXPRESSED_AT, one != unwilling, heard_alone=one != unheard) for one in FAMILY)
    for event in CASE.decide(case, CheckClearance(), CaseFacts(known, at), Context(REACTION, at)):
        case = CASE.evolve(case, event)
    if case.status in GATED:
        unmet = {line.code for line in gate(case, CaseFacts(known, at), at, boarding=False) if not line.met}
        assert case.holds_until is not None and case.holds_until > at
        assert unmet <= {"booking_in_the_past"}


@over(story=STORY)
@settings(max_examples=50, deadline=None)
def test_a_case_that_has_ended_stays_ended_whatever_is_ordered(story: list[Step]) -> None:
    ended = CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=FAMILY)
    events = run(CASE, told(story, NOON), SHAPE, what_always_holds, (*APPLIED, ended))
    assert after(*events).status == "withdrawn"
