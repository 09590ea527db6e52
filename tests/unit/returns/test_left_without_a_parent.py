"""A child that was cleared beside its parents and left with one, once the other stays: protection is called for it."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.returns.domain.case_corrections import CorrectDeparture
from services.returns.domain.case_family_changed import RecordFamilyChanged
from services.returns.domain.case_journey import RecordDeparture
from services.returns.domain.case_preparation import ConfirmBooking, RecordMissedFlight
from services.returns.domain.case_withdrawal import WithdrawCase, WithdrawPerson
from services.returns.domain.screening_facts import left_uncleared
from shared.contracts.corrections import CorrectionAsked, DepartureCorrected
from shared.contracts.families import FamilySplit
from shared.contracts.returns import (
    BookingConfirmed,
    CaseDeparted,
    FlightMissed,
    PersonWithdrew,
    ScreeningRecorded,
)
from shared.messages import Command, Event
from tests.unit.returns.examples import (
    AFTER_LANDING,
    ARRIVES_AT,
    BOARDED_AT,
    CHILD,
    CLEARED,
    COORDINATOR,
    DEPARTED,
    DEPARTS_AT,
    FATHER,
    LANDED_AT,
    MOTHER,
    OPERATIONS,
    REACTION,
    STRANGER,
    after,
    booked,
    covered,
    given,
    landed,
    left,
    lost,
    opened,
    ref,
    without_a_parent,
)
from tests.unit.returns.test_families import ASKED, SPLIT, agreed
from tests.unit.returns.test_supervision import CONFIRMED_ALONE

CALLED = left_uncleared(CHILD, BOARDED_AT)
WITHOUT_FATHER = (*CLEARED, left(MOTHER), left(CHILD))
STAYS = WithdrawPerson(person_id=FATHER)
MISSED = RecordMissedFlight(reason="did_not_appear")
LATER = booked(FATHER, departs_at=AFTER_LANDING + timedelta(days=1), arrives_at=AFTER_LANDING + timedelta(days=2))


def beside_adults(*parents: UUID, settled: tuple[Event, ...] = ()) -> tuple[Event, ...]:
    """The mother and the child have left, cleared together with the father; these are known to be the child's parents."""
    family = opened(covered(MOTHER, "adult"), covered(FATHER, "adult"), covered(CHILD, "child", *parents))
    return (family, *CLEARED[1:-1], *settled, CLEARED[-1], left(MOTHER), left(CHILD))


def question(person_id: UUID) -> CorrectionAsked:
    return CorrectionAsked(
        person_id=person_id, of="departure", asked_by=OPERATIONS.person_id, asked_at=AFTER_LANDING, withdrew_at=None
    )


def not_left(person_id: UUID) -> DepartureCorrected:
    return DepartureCorrected(person_id=person_id, corrected_by=COORDINATOR.person_id, corrected_at=AFTER_LANDING)


def is_called(*past: Event, order: Command = STAYS) -> bool:
    events = given(*past).when(order, COORDINATOR, AFTER_LANDING).events
    calls = [event for event in events if isinstance(event, ScreeningRecorded)]
    assert calls in ([], [CALLED])
    return bool(calls)


@pytest.mark.parametrize("order", [STAYS, WithdrawCase()], ids=["the_parent", "all_who_have_not_left"])
def test_protection_is_called_once_the_other_parent_withdraws(order: Command) -> None:
    given(*WITHOUT_FATHER).when(order, OPERATIONS, AFTER_LANDING).then(
        PersonWithdrew(person_id=FATHER), CALLED, CaseDeparted(departed_at=BOARDED_AT)
    )
    assert after(*WITHOUT_FATHER, PersonWithdrew(person_id=FATHER), CALLED).protection_since == BOARDED_AT


def test_protection_is_called_once_the_other_parent_misses_the_flight() -> None:
    given(*WITHOUT_FATHER).when(MISSED, OPERATIONS, AFTER_LANDING).then(
        FlightMissed(reason="did_not_appear", times_missed=1), CALLED
    )


def test_protection_is_called_once_the_other_parent_is_booked_on_another_flight_and_not_for_each_one_after_it() -> None:
    seats = ConfirmBooking(
        departs_at=DEPARTS_AT + timedelta(days=3), arrives_at=ARRIVES_AT + timedelta(days=3), destination_country="PK",
        person_ids=(FATHER,),
    )  # fmt: skip
    waits = (*WITHOUT_FATHER, lost("consent_missing"))
    given(*waits).when(seats, OPERATIONS, AFTER_LANDING).then_kinds(BookingConfirmed, ScreeningRecorded)
    assert is_called(*waits, order=seats)
    anew = (*waits, LATER.model_copy(update={"booked_at": AFTER_LANDING}))
    assert not is_called(*anew, order=seats)


def test_protection_is_called_once_the_other_parent_leaves_by_another_flight() -> None:
    a_day = timedelta(days=1)
    for at, called in (
        (BOARDED_AT + a_day, False), (BOARDED_AT + a_day + timedelta(seconds=1), True),
        (BOARDED_AT - a_day, False), (BOARDED_AT - a_day - timedelta(seconds=1), True),
    ):
        def calls(*past: Event, person_ids: tuple[UUID, ...] = (FATHER,)) -> bool:
            order = RecordDeparture(person_ids=person_ids, departed_at=at)  # noqa: B023
            return CALLED in given(*past).when(order, OPERATIONS, AFTER_LANDING + timedelta(days=3)).events

        assert calls(*WITHOUT_FATHER) is called
        assert not calls(*WITHOUT_FATHER, CALLED)
        assert not calls(*WITHOUT_FATHER, landed(CHILD))
        # What was settled is no word of a parent who was to go along, and one of somebody else's.
        assert calls(*beside_adults(MOTHER, FATHER, settled=(without_a_parent(),))) is called
        assert not calls(*beside_adults(MOTHER, ref(9), settled=(without_a_parent(),)))
        # They were taken for staying when they withdrew, missed the flight or were booked on the other one.
        anew = LATER.model_copy(update={"booked_at": AFTER_LANDING})
        for before in (PersonWithdrew(person_id=FATHER), FlightMissed(reason="late", times_missed=1), anew):
            assert not calls(*WITHOUT_FATHER, lost("consent_missing"), before)
        three = opened(*(covered(one, "adult") for one in (MOTHER, FATHER, STRANGER)), covered(CHILD, "child", MOTHER, FATHER))
        assert calls(three, *CLEARED[1:], left(MOTHER), left(CHILD), person_ids=(FATHER, STRANGER)) is called
    assert not is_called(*WITHOUT_FATHER, order=RecordDeparture(person_ids=(FATHER,), departed_at=BOARDED_AT + timedelta(minutes=1)))


def test_protection_is_called_once_it_turns_out_that_the_other_parent_did_not_leave() -> None:
    gone = (*DEPARTED, question(FATHER))
    correct = CorrectDeparture(person_id=FATHER)
    given(*gone).when(correct, COORDINATOR, AFTER_LANDING).then(not_left(FATHER), CALLED)
    settled = (*beside_adults(settled=(without_a_parent(),)), left(FATHER), question(FATHER))
    assert not is_called(*settled, order=correct)


def test_protection_is_called_once_the_other_parent_goes_on_apart() -> None:
    agreed(*WITHOUT_FATHER, lost("consent_missing"), ASKED).then(SPLIT, CALLED, CaseDeparted(departed_at=BOARDED_AT))


def test_what_had_been_settled_before_holds_where_it_is_no_parent_who_stays() -> None:
    settled = (without_a_parent(),)
    for order in (STAYS, MISSED, WithdrawCase()):
        assert not is_called(*beside_adults(settled=settled), order=order)
        assert not is_called(*beside_adults(MOTHER, STRANGER, settled=settled), order=order)
        # That it was asked for settles nothing.
        assert is_called(*beside_adults(settled=(without_a_parent("consent_withdrawn"),)), order=order)
    # What was settled while he was to go along is no word of his; what was settled since he withdrew is.
    withdrew = (*beside_adults(MOTHER, FATHER, settled=(PersonWithdrew(person_id=FATHER), *settled)), left(FATHER, cleared=False))
    assert not is_called(*withdrew, question(FATHER), order=CorrectDeparture(person_id=FATHER))
    for parents in ((MOTHER, FATHER), (FATHER, STRANGER)):
        assert is_called(*beside_adults(*parents, settled=settled))


def test_what_was_settled_of_a_child_under_way_stays_on_record_whoever_stays_after_the_first() -> None:
    uncles = opened(*(covered(one, "adult") for one in (MOTHER, FATHER, STRANGER)), covered(CHILD, "child", MOTHER, ref(9)))
    past = (uncles, *CLEARED[1:-1], without_a_parent(), CLEARED[-1], left(MOTHER), left(CHILD))
    one_stays = (*past, PersonWithdrew(person_id=STRANGER))
    assert not is_called(*past, order=WithdrawPerson(person_id=STRANGER))
    assert not is_called(*one_stays)
    assert not is_called(*past, order=WithdrawCase())
    # Nor is anybody called by what counselling sets right about the parent by whose word it goes.
    mistaken = RecordFamilyChanged(recorded_at=AFTER_LANDING, parent_id=MOTHER)
    for stays in (PersonWithdrew(person_id=STRANGER), DepartureCorrected(person_id=FATHER, corrected_by="staff:x", corrected_at=AFTER_LANDING)):
        given(*past, left(FATHER), stays).when(mistaken, REACTION, AFTER_LANDING).then()


@pytest.mark.parametrize("order", [(MOTHER, CHILD), (CHILD, MOTHER)], ids=["the_adult_first", "the_child_first"])
def test_what_was_settled_after_a_departure_that_was_none_is_asked_anew_whoever_is_corrected_first(order: tuple[UUID, ...]) -> None:
    late = without_a_parent("custody_decision", BOARDED_AT + timedelta(minutes=1))
    gone = beside_adults(settled=(late,))
    back = after(*gone, *(fact for one in order for fact in (question(one), not_left(one))))
    child = back.person(CHILD)
    assert child is not None
    assert child.has("other_parent") is None


def test_beside_both_parents_a_child_is_without_nobody_whoever_else_stays() -> None:
    uncle = (covered(MOTHER, "adult"), covered(FATHER, "adult"), covered(STRANGER, "adult"), covered(CHILD, "child", MOTHER, FATHER))
    past = (opened(*uncle), *CLEARED[1:], left(MOTHER), left(CHILD))
    stays = WithdrawPerson(person_id=STRANGER)
    # He may be on the same flight and be recorded later.
    assert not is_called(*past, order=stays)
    assert not is_called(*past, left(FATHER), order=stays)
    assert not is_called(*past, left(FATHER), landed(FATHER), order=stays)
    # By another flight he was not beside it.
    assert is_called(*past, left(FATHER, BOARDED_AT - timedelta(days=1, seconds=1)), order=stays)


def test_nobody_is_called_about_a_child_that_has_arrived_or_about_whom_somebody_was_called() -> None:
    assert not is_called(*WITHOUT_FATHER, landed(CHILD, LANDED_AT))
    assert not is_called(*WITHOUT_FATHER, CALLED)
    # Nor because a child stays.
    brother = opened(*(covered(one, "adult") for one in (MOTHER, FATHER)), covered(STRANGER, "child"), covered(CHILD, "child"))
    assert not is_called(brother, *CLEARED[1:], left(MOTHER), left(CHILD), order=WithdrawPerson(person_id=STRANGER))


def test_a_child_with_whom_no_adult_left_is_judged_by_who_looks_after_it() -> None:
    two = opened(covered(CHILD, "child"), covered(MOTHER, "adult"))
    on_its_own = (two, PersonWithdrew(person_id=MOTHER), *CONFIRMED_ALONE[1:], left(CHILD))
    # She was taken for gone with it, and did not leave.
    gone = (*on_its_own, left(MOTHER, cleared=False), question(MOTHER))
    assert not is_called(*gone, order=CorrectDeparture(person_id=MOTHER))
    unsupervised = tuple(event for event in gone if event != CONFIRMED_ALONE[-3])
    assert is_called(*unsupervised, order=CorrectDeparture(person_id=MOTHER))


@pytest.mark.parametrize("order", [(MOTHER, CHILD), (CHILD, MOTHER)], ids=["the_adult_first", "the_child_first"])
def test_what_was_settled_beside_others_is_asked_anew_of_a_child_that_did_not_leave_after_all(order: tuple[UUID, ...]) -> None:
    gone = beside_adults(settled=(without_a_parent(),))
    stays = given(*gone).when(STAYS, OPERATIONS, AFTER_LANDING).events
    taken_for_gone = (left(FATHER), question(FATHER), not_left(FATHER))
    apart = FamilySplit(new_case_id=ref(50), principal_id=FATHER, person_ids=(FATHER,))
    for meanwhile, holds in (
        (stays, False), ((*taken_for_gone, PersonWithdrew(person_id=FATHER)), False), ((apart,), False), ((), True), (taken_for_gone, True)
    ):
        back = after(*gone, *meanwhile, *(fact for one in order for fact in (question(one), not_left(one))))
        child = back.person(CHILD)
        assert child is not None
        assert (child.travel, child.has("other_parent") is not None) == ("expected", holds)
