"""A child that travels without an adult of its case: guardian, supervision from door to door, and what is asked besides."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.returns.domain.case_application import SignDeclaration
from services.returns.domain.case_corrections import CorrectDeparture
from services.returns.domain.case_journey import RecordDeparture
from services.returns.domain.case_preparation import ClearToBoard, ConfirmVoluntariness, MarkReadyToTravel
from services.returns.domain.case_state import Case, CaseFacts, Evidence
from services.returns.domain.case_supervision import RecordGuardian, RecordSupervision
from services.returns.domain.case_timers import CheckClearance
from services.returns.domain.gate import gate
from services.returns.domain.journey_evidence import recorded
from services.returns.domain.screening import BestInterests, Vulnerability
from shared.contracts.corrections import CorrectionAsked
from shared.contracts.families import FamilyJoined, GoingOn, GuardianNoted
from shared.contracts.returns import (
    ApplicationSubmitted,
    CaseApproved,
    CaseDeparted,
    ClearanceLost,
    ClearedToBoard,
    EvidenceRecorded,
    OwnPlanNoted,
    PersonDeparted,
    PersonWithdrew,
    PreparationStarted,
    ReadyToTravel,
    ScreeningStarted,
)
from shared.messages import Event
from tests.given import NOON, Given
from tests.unit.returns.examples import (
    AFTER_LANDING,
    BEST,
    BOARDED_AT,
    BOOKED,
    CHILD,
    CLEARED_AT,
    CONFIRMED,
    COORDINATOR,
    DEPARTS_AT,
    EVERYTHING_KNOWN,
    FAMILY,
    FATHER,
    MOTHER,
    OPERATIONS,
    PLAN,
    PREPARING,
    PROTECTION,
    REACTION,
    RECEPTION,
    SCREENED_AT,
    SIGNED_AT,
    STRANGER,
    SUBMITTER,
    UNAFRAID,
    VALID_FROM,
    VALID_UNTIL,
    after,
    answered,
    booked,
    caught_up,
    confirmed,
    covered,
    given,
    left,
    may_leave,
    opened,
    passport,
    ref,
    signed,
    told,
    without_a_parent,
)

GUARDIAN = GuardianNoted(person_id=CHILD, guardian_id=STRANGER)
ORDER = RecordSupervision(
    person_id=CHILD, travels_with="airline_service", handed_over_by="by_guardian", received_by="to_relative",
    arranged_at=NOON, valid_from=VALID_FROM, valid_until=VALID_UNTIL,
)
SEEN_TO = ("airline_service", "by_guardian", "to_relative")


def supervision(valid_until: date = VALID_UNTIL, valid_from: date = VALID_FROM) -> EvidenceRecorded:
    arranged = Evidence("supervision", NOON, valid_from, valid_until, conditions=("airline_service", "by_guardian", "to_relative"))
    return recorded(CHILD, arranged)


def alone(*besides: Event, determined: bool = True, noted: bool = True) -> tuple[Event, ...]:
    """A child's own case, booked, with everything but its supervision; ``besides`` is that."""
    found = BestInterests(
        SCREENED_AT, "determination" if determined else "assessment", "return", ("child", "family", "guardian")
    )
    return (
        opened(covered(CHILD, "child")), ScreeningStarted(), GUARDIAN,
        told(CHILD, answered(CHILD, answered_by=STRANGER)), told(CHILD, UNAFRAID),
        told(CHILD, Vulnerability(SCREENED_AT, ("unaccompanied",) if noted else ())), told(CHILD, found),
        signed(CHILD, STRANGER), ApplicationSubmitted(submitted_by=SUBMITTER.person_id),
        CaseApproved(approved_by=COORDINATOR.person_id), PreparationStarted(programme="AVRR-BA", receiving_country="PK"),
        OwnPlanNoted(plan_id=PLAN, person_ids=(CHILD,)), passport(CHILD), may_leave(CHILD), booked(CHILD), RECEPTION, *besides,
    )  # fmt: skip


READY_ALONE = (*alone(supervision()), ReadyToTravel())
CONFIRMED_ALONE = (*READY_ALONE, confirmed(CHILD))


def at_boarding(*past: Event) -> Given[Case, CaseFacts]:
    return given(*past).knowing(caught_up(CLEARED_AT))


def test_a_child_on_its_own_is_cleared_only_where_somebody_looks_after_it_from_door_to_door() -> None:
    given(*alone()).when(MarkReadyToTravel(), OPERATIONS).refused("child_without_guardian")
    given(*alone(supervision())).when(MarkReadyToTravel(), OPERATIONS).then(ReadyToTravel())
    at_boarding(*CONFIRMED_ALONE).when(ClearToBoard(), OPERATIONS, CLEARED_AT).then(ClearedToBoard(cleared_at=CLEARED_AT))
    # As if it had never been on record.
    bare = tuple(event for event in READY_ALONE if event != supervision())
    at_boarding(*bare).when(ClearToBoard(), OPERATIONS, CLEARED_AT).refused("child_without_guardian")


def test_for_a_child_on_its_own_its_guardian_confirms_within_a_day_before_departure() -> None:
    order = ConfirmVoluntariness(person_id=CHILD, confirmed_at=NOON)
    at_boarding(*READY_ALONE).when(ClearToBoard(), OPERATIONS, CLEARED_AT).refused("voluntariness_not_fresh")
    for by in (OPERATIONS, PROTECTION):
        given(*READY_ALONE).when(order, by).then(confirmed(CHILD))
    without = tuple(event for event in READY_ALONE if event != GUARDIAN)
    given(*without).when(order, OPERATIONS).refused("guardian_not_recorded")


@pytest.mark.parametrize(
    "arranged",
    [supervision(valid_until=DEPARTS_AT.date() - timedelta(days=1)), supervision(valid_from=DEPARTS_AT.date() + timedelta(days=1))],
    ids=["over_before", "begins_after"],
)
def test_supervision_counts_only_on_the_days_of_the_journey(arranged: Event) -> None:
    given(*alone(arranged)).when(MarkReadyToTravel(), OPERATIONS).refused("child_without_guardian")


def test_the_checklist_lists_it_and_says_who_can_provide_it() -> None:
    for past, met in ((alone(), False), (alone(supervision()), True)):
        lines = [line for line in gate(after(*past), EVERYTHING_KNOWN, NOON, boarding=False) if line.code == "child_without_guardian"]
        assert [(line.met, line.person_id, line.provider) for line in lines] == [(met, CHILD, "protection")]


@pytest.mark.parametrize("noted", [True, False], ids=["noted", "not_noted"])
def test_of_a_child_on_its_own_a_determination_is_asked_whatever_was_noted_of_it(noted: bool) -> None:
    past = alone(supervision(), determined=False, noted=noted)
    given(*past).when(MarkReadyToTravel(), PROTECTION).refused("best_interests_open")
    given(*past).when(MarkReadyToTravel(), OPERATIONS).refused("screening_not_settled")


def test_the_guardian_of_a_child_signs_for_it_and_an_earlier_one_does_so_no_more() -> None:
    order = SignDeclaration(person_id=CHILD, signed_by=STRANGER, method="signature", language="urd", signed_at=SIGNED_AT)
    begun = (opened(covered(CHILD, "child")), ScreeningStarted())
    given(*begun).when(order, PROTECTION).refused("guardian_not_in_case")
    given(*begun, GUARDIAN).when(order, PROTECTION).then(signed(CHILD, STRANGER))
    other = GuardianNoted(person_id=CHILD, guardian_id=FATHER)
    child = after(*alone(), other).person(CHILD)
    assert child is not None
    assert (child.guardian_id, child.declared_by) == (FATHER, None)
    assert after(*alone(), other).screening_of(CHILD).voluntariness is None
    # Nor has the new one agreed to what the other one had.
    assert after(*alone()).screening_of(CHILD).best_interests is not None
    assert after(*alone(), other).screening_of(CHILD).best_interests is None
    assert after(*alone(), GUARDIAN).screening_of(CHILD).best_interests is not None


def test_what_a_former_guardian_signed_stands_only_if_it_is_an_adult_who_goes_along() -> None:
    by_mother = (GuardianNoted(person_id=CHILD, guardian_id=MOTHER), signed(CHILD, MOTHER), told(CHILD, answered(CHILD)))
    for before, stands in (((), True), ((PersonWithdrew(person_id=MOTHER), signed(CHILD, MOTHER), told(CHILD, answered(CHILD))), False)):
        case = after(*PREPARING, *by_mother, *before, GUARDIAN)
        child = case.person(CHILD)
        assert child is not None
        assert (child.guardian_id, child.declared_by) == (STRANGER, MOTHER if stands else None)
        assert (case.screening_of(CHILD).voluntariness is not None) == stands


def test_a_child_that_is_ready_is_so_no_more_once_its_guardian_is_another() -> None:
    order = RecordGuardian(person_id=CHILD, guardian_id=FATHER)
    given(*READY_ALONE).when(order, PROTECTION).then_kinds(GuardianNoted, ClearanceLost)


def test_no_child_of_the_case_is_the_guardian_of_another() -> None:
    two = (opened(covered(CHILD, "child"), covered(MOTHER, "child")), ScreeningStarted())
    given(*two).when(RecordGuardian(person_id=CHILD, guardian_id=MOTHER), PROTECTION).refused("guardian_is_a_child")


def test_only_a_child_has_a_guardian_and_is_supervised_and_only_with_what_still_holds() -> None:
    case = given(*PREPARING)
    case.when(RecordGuardian(person_id=CHILD, guardian_id=STRANGER), PROTECTION).then(GUARDIAN)
    given(*PREPARING, GUARDIAN).when(RecordGuardian(person_id=CHILD, guardian_id=STRANGER), PROTECTION).then()
    case.when(RecordGuardian(person_id=MOTHER, guardian_id=STRANGER), PROTECTION).refused("not_a_child")
    case.when(RecordGuardian(person_id=CHILD, guardian_id=CHILD), PROTECTION).refused("own_guardian")
    case.when(ORDER, PROTECTION).then(supervision())
    given(*PREPARING, supervision()).when(ORDER, PROTECTION).then()
    case.when(ORDER.model_copy(update={"person_id": MOTHER}), PROTECTION).refused("not_a_child")
    case.when(ORDER.model_copy(update={"arranged_at": NOON + timedelta(hours=1)}), PROTECTION).refused("in_the_future")
    case.when(ORDER.model_copy(update={"valid_until": VALID_FROM - timedelta(days=1)}), PROTECTION).refused("validity_in_wrong_order")
    over = {"valid_from": date(2023, 4, 1), "valid_until": date(2023, 4, 30)}
    case.when(ORDER.model_copy(update=over), PROTECTION).refused("evidence_expired")
    early = ORDER.model_copy(update={"arranged_at": NOON - timedelta(days=1)})
    given(*PREPARING, supervision()).when(early, PROTECTION).refused("recorded_since")
    given(opened(covered(MOTHER, "adult"))).when(ORDER, PROTECTION).refused("no_child_travels")


def test_the_leaf_tells_nothing_of_how_a_child_is_looked_after() -> None:
    event = supervision()
    assert all(getattr(event, name).value is not None for name in ("evidence_kind", "conditions"))
    assert set(event.conditions.clear().split(",")) == set(SEEN_TO)


def test_for_another_flight_it_is_arranged_anew() -> None:
    case = after(*alone(supervision()), booked(CHILD, departs_at=DEPARTS_AT + timedelta(days=1), arrives_at=DEPARTS_AT + timedelta(days=2)))
    child = case.person(CHILD)
    assert child is not None
    assert child.has("supervision") is None


def test_a_readiness_ends_with_it() -> None:
    last = DEPARTS_AT.date() + timedelta(days=1)
    past = (*alone(supervision(valid_until=last)), ReadyToTravel())
    ends = after(*past).holds_until
    assert ends is not None
    given(*past).knowing(caught_up(ends)).when(CheckClearance(), REACTION, ends).then_kinds(ClearanceLost)


def test_a_child_that_is_looked_after_leaves_with_clearance_and_protection_is_not_called() -> None:
    past = (*CONFIRMED_ALONE, ClearedToBoard(cleared_at=CLEARED_AT))
    departure = RecordDeparture(person_ids=(CHILD,), departed_at=BOARDED_AT)
    given(*past).when(departure, OPERATIONS, BOARDED_AT).then(
        PersonDeparted(person_id=CHILD, departed_at=BOARDED_AT, cleared=True), CaseDeparted(departed_at=BOARDED_AT)
    )


def test_a_child_that_was_to_go_beside_an_adult_does_not_leave_with_clearance_alone_whoever_was_to_look_after_it() -> None:
    past = (*CONFIRMED, supervision(), ClearedToBoard(cleared_at=CLEARED_AT))
    departure = RecordDeparture(person_ids=(CHILD,), departed_at=BOARDED_AT)
    for before in ((), (left(MOTHER, BOARDED_AT - timedelta(minutes=5)), left(FATHER, BOARDED_AT - timedelta(minutes=5)))):
        events = given(*past, *before).when(departure, OPERATIONS, BOARDED_AT).events
        assert left(CHILD, cleared=False) in events
        assert [alert.causes for alert in after(*past, *before, *events).screening_of(CHILD).alerts] == [("left_uncleared",)]


def test_a_child_that_stayed_and_was_cleared_on_its_own_leaves_with_clearance() -> None:
    gone = (left(MOTHER, NOON), left(FATHER, NOON))
    found = (told(CHILD, replace(BEST, at=CLEARED_AT)), confirmed(CHILD))
    past = (*CONFIRMED, *gone, supervision(), *found, ClearedToBoard(cleared_at=CLEARED_AT))
    events = given(*past).when(RecordDeparture(person_ids=(CHILD,), departed_at=BOARDED_AT), OPERATIONS, BOARDED_AT).events
    assert left(CHILD) in events


def test_supervision_that_was_over_silences_no_alarm_for_a_child_under_way_alone() -> None:
    over = supervision(valid_until=DEPARTS_AT.date() - timedelta(days=1))
    asks = tuple(
        CorrectionAsked(person_id=one, of="departure", asked_by=OPERATIONS.person_id, asked_at=AFTER_LANDING)
        for one in (MOTHER, FATHER)
    )
    for arranged, called in ((over, True), (supervision(), False)):
        # Beside either of the adults it was settled by what it goes.
        unknown = opened(covered(MOTHER, "adult"), covered(FATHER, "adult"), covered(CHILD, "child"))
        begun = (unknown, *CONFIRMED[1:], without_a_parent(), arranged)
        past = (*begun, ClearedToBoard(cleared_at=CLEARED_AT), *(left(one) for one in FAMILY), *asks)
        first = given(*past).when(CorrectDeparture(person_id=MOTHER), COORDINATOR, AFTER_LANDING).events
        events = given(*past, *first).when(CorrectDeparture(person_id=FATHER), COORDINATOR, AFTER_LANDING).events
        assert bool(after(*past, *first, *events).screening_of(CHILD).alerts) == called


def test_beside_an_adult_who_comes_to_the_case_supervision_does_not_count_any_more() -> None:
    comes = GoingOn(
        person_id=MOTHER, sex="female", age_group="adult", country_of_origin="PK", declared_by=None, own_plan_id=None,
        guardian_id=None,
    )
    child = after(*alone(supervision()), FamilyJoined(from_case_id=ref(60), persons=(comes,))).person(CHILD)
    assert child is not None
    assert child.has("supervision") is None


def test_what_was_found_best_beside_adults_who_have_left_since_is_found_anew_for_a_child_that_stayed() -> None:
    gone = (left(MOTHER, NOON - timedelta(hours=2)), left(FATHER, NOON - timedelta(hours=1)))
    past = (*BOOKED, *gone, supervision())
    given(*past).when(MarkReadyToTravel(), PROTECTION).refused("best_interests_open")
    between = told(CHILD, replace(BEST, at=NOON - timedelta(hours=1, minutes=30)))
    given(*past, between).when(MarkReadyToTravel(), PROTECTION).refused("best_interests_open")
    since = told(CHILD, replace(BEST, at=NOON - timedelta(minutes=30)))
    given(*past, since).when(MarkReadyToTravel(), PROTECTION).then(ReadyToTravel())
    # While one of them is still to go, nothing has changed beside whom it travels.
    beside = (*BOOKED, left(FATHER, NOON - timedelta(hours=1)))
    settled = without_a_parent(at=NOON - timedelta(minutes=30))
    given(*beside, settled).when(MarkReadyToTravel(), PROTECTION).then(ReadyToTravel())
