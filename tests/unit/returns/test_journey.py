from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from services.returns.domain.case_journey import (
    ConfirmArrival,
    RecordDeparture,
    RecordNotDeparted,
    who_goes_on_here_no_more,
)
from services.returns.domain.case_screening import CloseAlert
from services.returns.domain.case_withdrawal import WithdrawPerson
from services.returns.domain.gate import gate
from services.returns.domain.screening_facts import left_uncleared
from shared.contracts.returns import (
    CaseArrived,
    CaseClosed,
    CaseDeclaredIneligible,
    CaseDeparted,
    CaseLapsed,
    CaseNotDeparted,
    CaseWithdrawn,
    ClosingRequested,
    PersonWithdrew,
    PlanAgreementNoted,
    ReintegrationStarted,
    ScreeningRecorded,
)
from shared.messages import Concealed, Event
from tests.given import NOON
from tests.unit.returns.examples import (
    A_MONTH_LATER,
    AFTER_LANDING,
    APPLIED,
    APPROVED,
    ARRIVED,
    BEST,
    BOARDED_AT,
    BOOKED,
    CHILD,
    CLEARED,
    CLEARED_AT,
    COORDINATOR,
    DEPARTED,
    DEPARTS_AT,
    EVERYTHING_KNOWN,
    FAMILY,
    FATHER,
    LANDED_AT,
    MOTHER,
    OFFICE,
    OPENED,
    OPERATIONS,
    PLAN,
    PREPARING,
    PROTECTION,
    READY,
    SCREENING,
    STRANGER,
    after,
    caught_up,
    given,
    landed,
    left,
    lost,
    ref,
    told,
)

WITHDRAWN = CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=FAMILY)


def departure(*person_ids: UUID, departed_at: datetime = BOARDED_AT) -> RecordDeparture:
    return RecordDeparture(person_ids=person_ids, departed_at=departed_at)


def arrival(person_id: UUID, arrived_at: datetime = LANDED_AT) -> ConfirmArrival:
    return ConfirmArrival(person_id=person_id, arrived_at=arrived_at, known_by="met")


def test_a_cleared_family_departs() -> None:
    given(*CLEARED).when(departure(*FAMILY), OPERATIONS, AFTER_LANDING).then(
        left(MOTHER), left(FATHER), left(CHILD), CaseDeparted(departed_at=BOARDED_AT)
    )


@pytest.mark.parametrize(
    "past",
    [OPENED, SCREENING, APPLIED, APPROVED, PREPARING, BOOKED, READY],
    ids=["intention", "screening", "applied", "approved", "preparing", "booked", "ready"],
)
def test_a_departure_without_clearance_is_recorded_as_such_and_never_refused(past: tuple[Event, ...]) -> None:
    given(*past).when(departure(*FAMILY), OPERATIONS, AFTER_LANDING).then(
        *(left(person_id, cleared=False) for person_id in FAMILY),
        *(left_uncleared(person_id, BOARDED_AT) for person_id in FAMILY), CaseDeparted(departed_at=BOARDED_AT),
    )  # fmt: skip


def test_a_departure_is_never_refused_because_facts_are_missing() -> None:
    unknown = given(*CLEARED).knowing(caught_up(NOON - timedelta(days=9)))
    unknown.when(departure(*FAMILY), OPERATIONS, AFTER_LANDING).then_kinds(*map(type, DEPARTED[-4:]))


@pytest.mark.parametrize(
    "ending",
    [
        WITHDRAWN,
        CaseDeclaredIneligible(reason=Concealed.of("not_entitled"), person_ids=FAMILY),
        CaseLapsed(reason="no_contact", person_ids=FAMILY),
    ],
    ids=["withdrawn", "ineligible", "lapsed"],
)
def test_who_left_although_the_case_had_ended_is_recorded_and_the_case_stays_ended(ending: Event) -> None:
    departed = given(*APPLIED, ending).when(departure(MOTHER), OPERATIONS, AFTER_LANDING)
    departed.then(left(MOTHER, cleared=False), left_uncleared(MOTHER, BOARDED_AT))
    case = after(*APPLIED, ending, *departed.events)
    assert case.status == after(*APPLIED, ending).status
    # Protection hears of it at once, and closes that as any other alert.
    assert case.protection_since == BOARDED_AT
    (alert,) = case.screening_of(MOTHER).alerts
    closing = CloseAlert(alert_id=alert.alert_id, outcome="referred")
    ended = given(*APPLIED, ending, *departed.events).when(closing, PROTECTION, AFTER_LANDING)
    assert after(*APPLIED, ending, *departed.events, *ended.events).protection_since is None


@pytest.mark.parametrize(
    "past",
    [
        (*DEPARTED, CaseNotDeparted(person_ids=FAMILY)),
        (*ARRIVED, ClosingRequested(reason="completed"), CaseClosed(reason="completed", person_ids=FAMILY)),
    ],
    ids=["not departed", "closed"],
)
def test_where_the_journey_is_settled_for_good_no_departure_is_added(past: tuple[Event, ...]) -> None:
    given(*past).when(departure(MOTHER), OPERATIONS, A_MONTH_LATER).refused("case_ended")


def test_a_case_that_is_closed_keeps_no_status_to_go_back_to() -> None:
    asked = (*ARRIVED, ClosingRequested(reason="completed"))
    assert after(*asked).status_before_closing == "arrived"
    assert after(*asked, CaseClosed(reason="completed", person_ids=FAMILY)).status_before_closing is None


def test_whoever_had_withdrawn_from_a_cleared_case_did_not_leave_cleared() -> None:
    stayed = (*CLEARED, *map(left, (MOTHER, CHILD)), PersonWithdrew(person_id=FATHER), CaseDeparted(departed_at=BOARDED_AT))
    later = BOARDED_AT + timedelta(hours=1)
    departed = given(*stayed).when(departure(FATHER, departed_at=later), OPERATIONS, AFTER_LANDING)
    departed.then(left(FATHER, later, cleared=False), left_uncleared(FATHER, later))
    assert after(*stayed, *departed.events).departed_at == later


def test_a_departure_recorded_late_leaves_the_case_arrived_when_it_arrived() -> None:
    stayed = (*CLEARED, *map(left, (MOTHER, CHILD)), PersonWithdrew(person_id=FATHER), CaseDeparted(departed_at=BOARDED_AT))
    arrived = (*stayed, landed(MOTHER), landed(CHILD), CaseArrived(arrived_at=LANDED_AT))
    later = LANDED_AT + timedelta(hours=1)
    departed = given(*arrived).when(departure(FATHER, departed_at=later), OPERATIONS, A_MONTH_LATER)
    departed.then(left(FATHER, later, cleared=False), left_uncleared(FATHER, later))
    case = after(*arrived, *departed.events)
    assert (case.status, case.departed_at, case.arrived_at) == ("arrived", BOARDED_AT, LANDED_AT)


def test_a_person_departs_once() -> None:
    given(*CLEARED, left(MOTHER)).when(departure(MOTHER, FATHER), OPERATIONS, AFTER_LANDING).refused("already_departed")


def test_somebody_outside_the_case_does_not_depart_with_it() -> None:
    given(*CLEARED).when(departure(STRANGER), OPERATIONS, AFTER_LANDING).refused("person_not_in_case")


@pytest.mark.parametrize(
    ("past", "asked_of"),
    [
        (CLEARED, ()),
        ((*CLEARED, PersonWithdrew(person_id=FATHER)), (FATHER,)),
        ((*BOOKED, WITHDRAWN), (MOTHER, FATHER)),
        ((*APPLIED, CaseLapsed(reason="no_contact", person_ids=FAMILY)), (MOTHER, FATHER)),
        ((*APPLIED, CaseLapsed(reason="no_contact", person_ids=FAMILY), left(MOTHER, cleared=False)), (FATHER,)),
    ],
    ids=["all go", "one withdrew", "all withdrew", "it lapsed", "one had left then"],
)
def test_whoever_goes_on_in_another_open_case_departs_there(past: tuple[Event, ...], asked_of: tuple[UUID, ...]) -> None:
    order = departure(MOTHER, FATHER)
    assert who_goes_on_here_no_more(after(*past), order) == asked_of
    elsewhere = given(*past).knowing(replace(EVERYTHING_KNOWN, in_another_case=True))
    elsewhere.when(order, OPERATIONS, AFTER_LANDING).refused("in_another_case")


def test_who_was_erased_departs_and_protection_is_called_for_the_others_alone() -> None:
    erased = replace(EVERYTHING_KNOWN, persons=tuple(replace(one, erased=one.person_id == FATHER) for one in EVERYTHING_KNOWN.persons))
    gone = given(*APPROVED, PersonWithdrew(person_id=FATHER)).knowing(erased).when(departure(MOTHER, FATHER), OPERATIONS, AFTER_LANDING)
    gone.then(left(MOTHER, cleared=False), left(FATHER, cleared=False), left_uncleared(MOTHER, BOARDED_AT))


def test_a_departure_cannot_be_recorded_before_it_happened() -> None:
    given(*CLEARED).when(departure(*FAMILY), OPERATIONS, BOARDED_AT - timedelta(seconds=1)).refused("in_the_future")


@pytest.mark.parametrize(
    ("departed_at", "cleared"),
    [
        (CLEARED_AT - timedelta(seconds=1), False),
        (CLEARED_AT, True),
        (CLEARED_AT + timedelta(hours=24), True),
        (CLEARED_AT + timedelta(hours=24, seconds=1), False),
    ],
    ids=["before it", "with it", "a day after it", "later"],
)
def test_a_clearance_covers_a_departure_within_24_hours_after_it(departed_at: datetime, cleared: bool) -> None:
    departed = given(*CLEARED).when(departure(*FAMILY, departed_at=departed_at), OPERATIONS, A_MONTH_LATER)
    departed.then(
        *(left(person_id, departed_at, cleared=cleared) for person_id in FAMILY),
        *(left_uncleared(person_id, departed_at) for person_id in FAMILY if not cleared),
        CaseDeparted(departed_at=departed_at),
    )


def test_the_id_of_an_alert_about_a_departure_says_of_whom_it_is_to_nobody_who_does_not_know_the_order() -> None:
    for record_id in (None, ref(700), ref(701)):
        order = departure(*FAMILY).model_copy(update={"record_id": record_id})
        ids = [
            event.record_id for event in given(*READY).when(order, OPERATIONS, AFTER_LANDING).events
            if isinstance(event, ScreeningRecorded)
        ]  # fmt: skip
        assert ids == [left_uncleared(one, BOARDED_AT, record_id).record_id for one in FAMILY]
        assert len({*ids, *FAMILY}) == 2 * len(FAMILY)
        assert {one.version for one in ids} == {7}
    assert len({left_uncleared(MOTHER, BOARDED_AT, one).record_id for one in (None, ref(700), ref(701))}) == 3
    assert left_uncleared(MOTHER, BOARDED_AT) != left_uncleared(MOTHER, LANDED_AT)


def test_a_child_who_left_without_an_adult_did_not_leave_cleared() -> None:
    given(*CLEARED).when(departure(CHILD), OPERATIONS, LANDED_AT).then(
        left(CHILD, cleared=False), left_uncleared(CHILD, BOARDED_AT)
    )


def test_when_some_have_left_the_others_keep_their_clearance_and_their_seats() -> None:
    mother_left = given(*CLEARED).when(departure(MOTHER), OPERATIONS, LANDED_AT)
    mother_left.then(left(MOTHER))
    given(*CLEARED, *mother_left.events).when(departure(FATHER, CHILD), OPERATIONS, LANDED_AT).then(
        left(FATHER), left(CHILD), CaseDeparted(departed_at=BOARDED_AT)
    )


def test_a_child_left_behind_by_every_adult_loses_its_clearance() -> None:
    given(*CLEARED).when(departure(MOTHER, FATHER), OPERATIONS, LANDED_AT).then(
        left(MOTHER), left(FATHER), lost("best_interests_open")
    )
    # What is best for it was found of a journey beside them; and nobody looks after it either.
    found = told(CHILD, replace(BEST, at=BOARDED_AT + timedelta(minutes=1)))
    alone = after(*CLEARED, left(MOTHER), left(FATHER), found)
    unmet = [line.code for line in gate(alone, EVERYTHING_KNOWN, AFTER_LANDING, boarding=False) if not line.met]
    assert unmet[0] == "child_without_guardian"


def test_the_case_has_departed_once_the_last_one_waited_for_withdraws() -> None:
    given(*CLEARED, left(MOTHER), left(CHILD)).when(WithdrawPerson(person_id=FATHER), OPERATIONS, AFTER_LANDING).then(
        PersonWithdrew(person_id=FATHER), left_uncleared(CHILD, BOARDED_AT), CaseDeparted(departed_at=BOARDED_AT)
    )


def test_the_case_has_departed_and_arrived_once_the_last_one_waited_for_withdraws_and_the_others_have_arrived() -> None:
    others_there = (*CLEARED, left(MOTHER), left(CHILD), landed(MOTHER), landed(CHILD))
    given(*others_there).when(WithdrawPerson(person_id=FATHER), OPERATIONS, AFTER_LANDING).then(
        PersonWithdrew(person_id=FATHER), CaseDeparted(departed_at=BOARDED_AT), CaseArrived(arrived_at=LANDED_AT)
    )


def test_the_receiving_office_confirms_an_arrival() -> None:
    given(*DEPARTED).when(arrival(MOTHER), OFFICE, AFTER_LANDING).then(landed(MOTHER))


def test_the_case_has_arrived_once_everybody_who_departed_has() -> None:
    given(*DEPARTED, landed(MOTHER), landed(CHILD)).when(arrival(FATHER), OFFICE, AFTER_LANDING).then(
        landed(FATHER), CaseArrived(arrived_at=LANDED_AT)
    )


def test_nobody_waits_for_the_arrival_of_whoever_withdrew() -> None:
    without_father = (*CLEARED, left(MOTHER), left(CHILD), PersonWithdrew(person_id=FATHER))
    two_left = (*without_father, CaseDeparted(departed_at=BOARDED_AT), landed(MOTHER))
    given(*two_left).when(arrival(CHILD), OFFICE, AFTER_LANDING).then(landed(CHILD), CaseArrived(arrived_at=LANDED_AT))


def test_a_plan_agreed_before_the_last_arrival_starts_reintegration_with_it() -> None:
    waiting = (*DEPARTED, landed(MOTHER), landed(CHILD), PlanAgreementNoted(plan_id=PLAN))
    given(*waiting).when(arrival(FATHER), OFFICE, AFTER_LANDING).then(
        landed(FATHER),
        CaseArrived(arrived_at=LANDED_AT),
        ReintegrationStarted(plan_id=PLAN, status="reintegrating"),
    )


def test_somebody_may_arrive_while_others_still_wait_to_leave() -> None:
    given(*CLEARED, left(MOTHER)).when(arrival(MOTHER), OFFICE, AFTER_LANDING).then(landed(MOTHER))


def test_an_arrival_that_comes_again_changes_nothing() -> None:
    given(*ARRIVED).when(arrival(MOTHER), OFFICE, AFTER_LANDING).then()


def test_nobody_arrives_who_has_not_departed() -> None:
    given(*CLEARED).when(arrival(MOTHER), OFFICE, AFTER_LANDING).refused("not_departed_yet")


def test_nobody_arrives_before_the_own_departure() -> None:
    too_early = BOARDED_AT - timedelta(seconds=1)
    given(*DEPARTED).when(arrival(MOTHER, too_early), OFFICE, AFTER_LANDING).refused("arrived_before_departure")


def test_an_arrival_may_fall_into_the_minute_of_the_departure() -> None:
    given(*DEPARTED).when(arrival(MOTHER, BOARDED_AT), OFFICE, AFTER_LANDING).then(landed(MOTHER, BOARDED_AT))


def test_an_arrival_cannot_be_confirmed_before_it_happened() -> None:
    given(*DEPARTED).when(arrival(MOTHER), OFFICE, LANDED_AT - timedelta(seconds=1)).refused("in_the_future")


def test_somebody_outside_the_case_does_not_arrive_with_it() -> None:
    given(*DEPARTED).when(arrival(STRANGER), OFFICE, AFTER_LANDING).refused("person_not_in_case")


def test_whoever_left_though_the_case_had_ended_arrives_and_it_stays_ended() -> None:
    left_all_the_same = given(*APPLIED, WITHDRAWN, left(MOTHER, cleared=False))
    left_all_the_same.when(arrival(MOTHER), OFFICE, AFTER_LANDING).then(landed(MOTHER))
    assert after(*left_all_the_same.past, landed(MOTHER)).status == "withdrawn"


def test_after_a_month_a_coordinator_can_confirm_that_nobody_departed() -> None:
    confirmed = given(*DEPARTED).when(RecordNotDeparted(), COORDINATOR, BOARDED_AT + timedelta(days=30))
    confirmed.then(CaseNotDeparted(person_ids=FAMILY))
    case = after(*DEPARTED, *confirmed.events)
    assert (case.status, case.departed_at, case.gone) == ("not_departed", None, ())


def test_nobody_confirms_a_non_departure_within_a_month() -> None:
    too_early = BOARDED_AT + timedelta(days=30, seconds=-1)
    given(*DEPARTED).when(RecordNotDeparted(), COORDINATOR, too_early).refused("too_early")


def test_nobody_confirms_a_non_departure_when_somebody_arrived() -> None:
    given(*DEPARTED, landed(MOTHER)).when(RecordNotDeparted(), COORDINATOR, A_MONTH_LATER).refused("somebody_arrived")


def test_a_case_that_never_departed_is_withdrawn_and_not_confirmed_as_not_departed() -> None:
    given(*CLEARED).when(RecordNotDeparted(), COORDINATOR, A_MONTH_LATER).refused("wrong_status")


def test_a_confirmed_non_departure_can_never_be_taken_back() -> None:
    ended = given(*DEPARTED, CaseNotDeparted(person_ids=FAMILY))
    ended.when(arrival(MOTHER), OFFICE, A_MONTH_LATER).refused("case_ended")
    ended.when(departure(MOTHER, departed_at=DEPARTS_AT), OPERATIONS, A_MONTH_LATER).refused("case_ended")
