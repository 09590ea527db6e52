"""Who is said to have left with a clearance, where it is not plain; and what else of a journey just counts."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from services.returns.domain.case import CASE
from services.returns.domain.case_journey import RecordDeparture
from services.returns.domain.case_preparation import ConfirmBooking
from services.returns.domain.case_ref import case_ref
from services.returns.domain.case_state import Booking, NotedGrant, with_grant
from services.returns.domain.gate import gate, gate_told_to
from services.returns.domain.screening_facts import left_uncleared
from services.returns.domain.screening_lines import CODES
from shared.contracts.returns import (
    ArrivalNeed,
    BookingConfirmed,
    CaseDeclaredIneligible,
    CaseNotDeparted,
    ClearedToBoard,
    HoldPlaced,
    PersonCounselled,
    PersonScreened,
    PersonWithdrew,
    ReadyToTravel,
)
from shared.messages import Concealed, Event
from tests.given import NOON, folded
from tests.unit.returns.examples import (
    AFTER_LANDING,
    ARRIVED,
    ARRIVES_AT,
    BOARDED_AT,
    BOOKED,
    CASE_ID,
    CHILD,
    CLEARED,
    CLEARED_AT,
    CONFIRMED,
    COORDINATOR,
    DEPARTED,
    DEPARTS_AT,
    DOCUMENTED,
    EVERYTHING_KNOWN,
    FAMILY,
    FATHER,
    GRANT,
    MOTHER,
    OPERATIONS,
    OTHER_GRANT,
    PLAN,
    PREPARING,
    READY,
    SCREENED_AT,
    SCREENING,
    SUBMITTER,
    after,
    booked,
    confirmed,
    given,
    left,
    lost,
    ref,
)
from tests.unit.returns.test_supervision import alone, supervision


def departure(*person_ids: UUID) -> RecordDeparture:
    return RecordDeparture(person_ids=person_ids, departed_at=BOARDED_AT)


def left_with_clearance(person_id: UUID, *past: Event) -> bool:
    events = given(*past).when(departure(person_id), OPERATIONS, AFTER_LANDING).events
    assert left(person_id) in events or left(person_id, cleared=False) in events
    return left(person_id) in events


def test_whoever_withdrew_left_without_clearance_also_where_it_stood_when_they_left() -> None:
    # Time took the clearance away after they had left, and only then is recorded that they did.
    lapsed = (*CLEARED, lost("fitness_not_decided", BOARDED_AT + timedelta(hours=1)))
    assert left_with_clearance(FATHER, *lapsed)
    assert not left_with_clearance(FATHER, *lapsed, PersonWithdrew(person_id=FATHER))


def test_nobody_departs_who_has_arrived() -> None:
    given(*ARRIVED).when(departure(MOTHER), OPERATIONS, AFTER_LANDING).refused("already_departed")


def test_a_child_alone_left_with_clearance_only_if_it_is_looked_after_until_it_arrives() -> None:
    two_days_later = booked(CHILD, arrives_at=ARRIVES_AT + timedelta(days=2))
    for last_day, cleared in ((DEPARTS_AT.date(), False), ((ARRIVES_AT + timedelta(days=3)).date(), True)):
        past = (
            *alone(two_days_later, supervision(valid_until=last_day)), ReadyToTravel(), confirmed(CHILD),
            ClearedToBoard(cleared_at=CLEARED_AT),
        )  # fmt: skip
        assert left_with_clearance(CHILD, *past) is cleared


def test_a_booking_tells_in_which_country_they_change() -> None:
    order = ConfirmBooking(
        departs_at=DEPARTS_AT, arrives_at=ARRIVES_AT, destination_country="PK", person_ids=FAMILY, transit_country="TR"
    )
    (fact,) = given(*DOCUMENTED).when(order, OPERATIONS).events
    assert isinstance(fact, BookingConfirmed)
    assert (fact.transit_country, fact.transit_visa_needed) == ("TR", True)


def test_the_stage_of_one_grant_leaves_the_others_where_they_are() -> None:
    both = (NotedGrant(GRANT, "requested"), NotedGrant(OTHER_GRANT, "requested"))
    assert with_grant(both, OTHER_GRANT, "approved") == (both[0], NotedGrant(OTHER_GRANT, "approved"))
    assert with_grant(both, ref(9), "requested") == (*both, NotedGrant(ref(9), "requested"))


def test_protection_is_called_once_for_somebody_who_left_without_clearance() -> None:
    called = left_uncleared(MOTHER, BOARDED_AT)
    uncleared = left(MOTHER, cleared=False)
    given(*READY).when(departure(MOTHER), OPERATIONS, AFTER_LANDING).then(uncleared, called)
    given(*READY, called).when(departure(MOTHER), OPERATIONS, AFTER_LANDING).then(uncleared)


def test_the_one_line_about_screening_stands_where_its_lines_stood_and_only_if_there_were_any() -> None:
    case = after(*BOOKED)
    lines = gate(case, EVERYTHING_KNOWN, NOON, boarding=False)
    told = gate_told_to(case, EVERYTHING_KNOWN, NOON, OPERATIONS, boarding=False)
    place = [line.code in CODES for line in lines].index(True)
    assert [line.code for line in told[: place + 1]] == [*(line.code for line in lines[:place]), "screening_not_settled"]
    nobody = replace(case, persons=tuple(replace(person, travel="withdrawn") for person in case.persons))
    of_nobody = gate(nobody, EVERYTHING_KNOWN, NOON, boarding=False)
    assert gate_told_to(nobody, EVERYTHING_KNOWN, NOON, OPERATIONS, boarding=False) == of_nobody


def test_a_fact_that_is_not_a_cases_is_named_by_whoever_cannot_apply_it() -> None:
    stray = PersonCounselled(session_id=PLAN, held_at=NOON)
    for past in ((stray,), (*READY, stray)):
        with pytest.raises(TypeError, match="PersonCounselled"):
            folded(CASE, past)


SAID = {"alternatives_explained": True, "legal_consequences_explained": True, "voluntary": True}


def test_whoever_was_said_to_be_screened_was_in_contact_then() -> None:
    said = PersonScreened(person_id=MOTHER, screened_at=SCREENED_AT + timedelta(hours=3), **SAID)
    assert after(*SCREENING, said).last_contact_at == SCREENED_AT + timedelta(hours=3)


def test_a_case_keeps_its_booking_as_it_was_confirmed_and_counts_how_many_there_were() -> None:
    needs: tuple[ArrivalNeed, ...] = ("help_at_airport",)
    through = booked(*FAMILY).model_copy(
        update={"flight": "TK123", "needs": needs, "transit_country": "TR", "transit_visa_needed": True}
    )
    case = after(*DOCUMENTED, booked(*FAMILY), through)
    assert (case.flight, case.needs, case.transit_country, case.transit_visa_needed) == ("TK123", needs, "TR", True)
    assert (case.booking, case.booked_at, case.times_booked) == (Booking(DEPARTS_AT, ARRIVES_AT, FAMILY), NOON, 2)


def test_a_case_says_who_applied_and_in_which_programme_it_is_prepared() -> None:
    case = after(*PREPARING)
    assert (case.submitted_by, case.approved_by) == (SUBMITTER.person_id, COORDINATOR.person_id)
    assert (case.programme, case.receiving_country) == ("AVRR-BA", "PK")
    assert after(*SCREENING, CaseDeclaredIneligible(reason=Concealed.of("not_entitled"), person_ids=FAMILY)).status == "ineligible"


def test_a_case_that_is_cleared_anew_has_lost_no_clearance() -> None:
    lapsed = (*CLEARED, lost("fitness_not_decided", BOARDED_AT))
    again = (*lapsed, ReadyToTravel(), confirmed(MOTHER), confirmed(FATHER), ClearedToBoard(cleared_at=BOARDED_AT + timedelta(hours=1)))
    assert after(*lapsed).clearance_lapsed_at == BOARDED_AT
    assert (after(*again).cleared_at, after(*again).clearance_lapsed_at) == (BOARDED_AT + timedelta(hours=1), None)


def test_where_nobody_left_after_all_everybody_is_where_they_were_and_the_case_keeps_its_reference() -> None:
    case = after(*DEPARTED, CaseNotDeparted(person_ids=FAMILY))
    assert case.case_ref == case_ref(CASE_ID)
    assert {(one.travel, one.departed_at, one.correction) for one in case.persons} == {("expected", None, None)}


def test_an_adult_who_had_withdrawn_is_nobody_beside_whom_a_child_leaves_with_clearance() -> None:
    # Time took the clearance away, so that it stood until then whoever withdrew since.
    lapsed = (*CLEARED, lost("fitness_not_decided", BOARDED_AT + timedelta(hours=1)))
    withdrew = (*lapsed, PersonWithdrew(person_id=FATHER))
    for beside, cleared in ((FATHER, False), (MOTHER, True)):
        events = given(*withdrew).when(departure(beside, CHILD), OPERATIONS, AFTER_LANDING).events
        assert (left(CHILD) in events) == cleared
        assert (left_uncleared(CHILD, BOARDED_AT) in events) != cleared


def test_a_child_that_was_cleared_beside_adults_who_withdraw_after_a_lapse_or_a_hold_was_not_cleared_on_its_own() -> None:
    lapsed = lost("fitness_not_decided", BOARDED_AT + timedelta(hours=1))
    hold = HoldPlaced(
        hold_id=ref(31), reason=Concealed.of("legal"), placed_by=OPERATIONS.person_id, placed_at=BOARDED_AT + timedelta(hours=1)
    )
    stay = (PersonWithdrew(person_id=MOTHER), PersonWithdrew(person_id=FATHER))
    for unmade in (lapsed, hold):
        past = (*CONFIRMED, supervision(), CLEARED[-1], unmade, *stay)
        assert not left_with_clearance(CHILD, *past)
        # Whoever had withdrawn before it was booked had no part in it.
        past = (*DOCUMENTED, *stay, booked(CHILD), ReadyToTravel(), supervision(), confirmed(CHILD), CLEARED[-1], unmade)
        assert left_with_clearance(CHILD, *past)
