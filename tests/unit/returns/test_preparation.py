from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from pydantic import ValidationError

from services.returns.domain.case_preparation import (
    ClearToBoard,
    ConfirmBooking,
    ConfirmVoluntariness,
    RecordMissedFlight,
    RecordOwnPlan,
    RecordTravelDocument,
    StartPreparation,
)
from shared.contracts.returns import (
    CaseWithdrawn,
    FlightMissed,
    OwnPlanNoted,
    PersonWithdrew,
    PreparationStarted,
    ReadyToTravel,
    TravelDocumentRecorded,
    VoluntarinessConfirmed,
)
from shared.messages import Concealed, Event
from tests.given import NOON
from tests.unit.returns.examples import (
    APPLIED,
    APPROVED,
    ARRIVES_AT,
    BOOKED,
    CHILD,
    CLEARED,
    CONFIRMED,
    COUNSELLOR,
    DEPARTS_AT,
    DOCUMENTED,
    FAMILY,
    FATHER,
    MOTHER,
    OPENED,
    OPERATIONS,
    PLAN,
    PREPARING,
    REACTION,
    READY,
    STRANGER,
    VALID_UNTIL,
    after,
    booked,
    confirmed,
    given,
    knowing,
    left,
    lost,
    passport,
    ref,
    signed,
)

THE_DAY_BEFORE = DEPARTS_AT - timedelta(hours=24)


def booking(
    *person_ids: UUID,
    departs_at: datetime = DEPARTS_AT,
    arrives_at: datetime = ARRIVES_AT,
    destination_country: str = "PK",
) -> ConfirmBooking:
    return ConfirmBooking(
        departs_at=departs_at, arrives_at=arrives_at, destination_country=destination_country, person_ids=person_ids
    )


def document(person_id: UUID, valid_until: date = VALID_UNTIL) -> RecordTravelDocument:
    return RecordTravelDocument(person_id=person_id, document="passport", valid_until=valid_until)


def confirmation(person_id: UUID, confirmed_at: datetime = NOON) -> ConfirmVoluntariness:
    return ConfirmVoluntariness(person_id=person_id, confirmed_at=confirmed_at)


def test_preparation_starts_with_programme_and_receiving_office() -> None:
    given(*APPROVED).when(StartPreparation(programme="AVRR-BA", receiving_country="PK"), OPERATIONS).then(
        PreparationStarted(programme="AVRR-BA", receiving_country="PK")
    )


def test_programme_and_receiving_office_are_kept_with_the_case() -> None:
    case = after(*PREPARING)
    assert (case.programme, case.receiving_country) == ("AVRR-BA", "PK")


def test_the_receiving_office_is_the_one_of_the_destination() -> None:
    elsewhere = StartPreparation(programme="AVRR-BA", receiving_country="IN")
    given(*APPROVED).when(elsewhere, OPERATIONS).refused("receiving_country_differs")


def test_nothing_is_prepared_before_approval() -> None:
    given(*APPLIED).when(StartPreparation(programme="AVRR-BA", receiving_country="PK"), OPERATIONS).refused(
        "wrong_status"
    )


@pytest.mark.parametrize("past", [APPROVED, PREPARING], ids=["approved", "preparing"])
def test_a_travel_document_is_recorded(past: tuple[Event, ...]) -> None:
    given(*past).when(document(MOTHER), COUNSELLOR).then(passport(MOTHER))


def test_an_expired_document_is_not_recorded() -> None:
    given(*PREPARING).when(document(MOTHER, date(2023, 5, 1)), COUNSELLOR).refused("document_expired")


def test_a_document_that_is_valid_today_is_recorded() -> None:
    given(*PREPARING).when(document(MOTHER, date(2023, 5, 2)), COUNSELLOR).then_kinds(TravelDocumentRecorded)


def test_a_document_of_somebody_outside_the_case_is_refused() -> None:
    given(*PREPARING).when(document(STRANGER), COUNSELLOR).refused("person_not_in_case")


def test_a_document_of_whoever_withdrew_is_refused() -> None:
    given(*PREPARING, PersonWithdrew(person_id=FATHER)).when(document(FATHER), COUNSELLOR).refused(
        "person_not_travelling"
    )


def test_a_document_that_comes_again_changes_nothing() -> None:
    given(*DOCUMENTED).when(document(MOTHER), COUNSELLOR).then()


def test_no_document_is_recorded_before_approval() -> None:
    given(*APPLIED).when(document(MOTHER), COUNSELLOR).refused("wrong_status")


def test_a_document_that_will_have_expired_on_arrival_takes_readiness_away() -> None:
    short = document(MOTHER, date(2023, 5, 3))
    given(*READY).when(short, COUNSELLOR).then(
        passport(MOTHER, date(2023, 5, 3)), lost("document_expires_before_arrival")
    )


def test_a_renewed_document_leaves_the_case_ready() -> None:
    given(*READY).when(document(MOTHER, date(2030, 1, 1)), COUNSELLOR).then(passport(MOTHER, date(2030, 1, 1)))


def test_a_document_recorded_when_a_consent_was_taken_back_meanwhile_takes_readiness_away() -> None:
    unwilling = given(*READY).knowing(knowing(FATHER, data_consent=False))
    unwilling.when(document(MOTHER, date(2030, 1, 1)), COUNSELLOR).then(
        passport(MOTHER, date(2030, 1, 1)), lost("data_consent_missing")
    )


def test_an_own_plan_is_noted_with_the_persons_whom_it_covers() -> None:
    given(*PREPARING).when(RecordOwnPlan(plan_id=PLAN, person_ids=FAMILY), REACTION).then(
        OwnPlanNoted(plan_id=PLAN, person_ids=FAMILY)
    )


def test_two_plans_may_cover_the_family_together() -> None:
    other = OwnPlanNoted(plan_id=ref(9), person_ids=(FATHER,))
    case = after(*PREPARING, OwnPlanNoted(plan_id=PLAN, person_ids=(MOTHER, CHILD)), other)
    assert [person.own_plan_id for person in case.persons] == [PLAN, ref(9), PLAN]


def test_a_person_whom_the_plan_no_longer_covers_has_no_plan() -> None:
    case = after(*DOCUMENTED, OwnPlanNoted(plan_id=PLAN, person_ids=(MOTHER, CHILD)))
    assert [person.own_plan_id for person in case.persons] == [PLAN, None, PLAN]


@pytest.mark.parametrize("past", [READY, CLEARED], ids=["ready", "cleared"])
def test_a_plan_that_leaves_somebody_out_takes_readiness_away(past: tuple[Event, ...]) -> None:
    narrower = RecordOwnPlan(plan_id=PLAN, person_ids=(MOTHER, FATHER))
    given(*past).when(narrower, REACTION).then(
        OwnPlanNoted(plan_id=PLAN, person_ids=(MOTHER, FATHER)), lost("own_plan_missing")
    )


def test_a_plan_of_a_case_nobody_knows_changes_nothing() -> None:
    given().when(RecordOwnPlan(plan_id=PLAN, person_ids=FAMILY), REACTION).then()


def test_a_plan_that_comes_again_changes_nothing() -> None:
    given(*DOCUMENTED).when(RecordOwnPlan(plan_id=PLAN, person_ids=FAMILY), REACTION).then()


def test_a_plan_of_a_case_that_has_ended_changes_nothing() -> None:
    ended = CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=FAMILY)
    given(*OPENED, ended).when(RecordOwnPlan(plan_id=PLAN, person_ids=FAMILY), REACTION).then()


def test_a_booking_for_everybody_who_travels_is_confirmed() -> None:
    given(*DOCUMENTED).when(booking(*FAMILY), OPERATIONS).then(booked(*FAMILY))


def test_a_booking_tells_the_flight_and_what_must_stand_ready() -> None:
    order = ConfirmBooking(
        departs_at=DEPARTS_AT, arrives_at=ARRIVES_AT, destination_country="PK", person_ids=FAMILY, flight=" tk 1028",
        needs=("onward_transport", "help_at_airport"),
    )  # fmt: skip
    told = booked(*FAMILY).model_copy(update={"flight": "TK1028", "needs": ("help_at_airport", "onward_transport")})
    given(*DOCUMENTED).when(order, OPERATIONS).then(told)
    case = after(*DOCUMENTED, told)
    assert (case.flight, case.needs) == ("TK1028", ("help_at_airport", "onward_transport"))
    # What was ready for one flight is not ready for the next.
    missed = after(*DOCUMENTED, told, ReadyToTravel(), FlightMissed(reason="late", times_missed=1))
    assert (missed.flight, missed.needs) == (None, ())


@pytest.mark.parametrize("flight", ["1028", "TK", "TK10281", "TK1028AB", "", "Mrs. Smith", "TK 1028; DROP"])
def test_what_is_no_flight_is_malformed(flight: str) -> None:
    with pytest.raises(ValidationError):
        ConfirmBooking(
            departs_at=DEPARTS_AT, arrives_at=ARRIVES_AT, destination_country="PK", person_ids=FAMILY, flight=flight
        )


def test_a_booking_replaces_the_one_before_and_all_confirmations_for_it() -> None:
    later = booked(*FAMILY, departs_at=DEPARTS_AT + timedelta(days=2), arrives_at=ARRIVES_AT + timedelta(days=2))
    case = after(*CONFIRMED, lost("booking_missing"), later)
    assert case.departs_at == DEPARTS_AT + timedelta(days=2)
    assert all(person.confirmed_at is None for person in case.persons)


def test_a_booking_that_comes_again_changes_nothing() -> None:
    given(*BOOKED).when(booking(*FAMILY), OPERATIONS).then()


def test_nobody_is_booked_on_a_flight_that_has_left() -> None:
    given(*DOCUMENTED).when(booking(*FAMILY, departs_at=NOON), OPERATIONS).refused("booking_in_the_past")


def test_a_booking_arrives_after_it_departs() -> None:
    given(*DOCUMENTED).when(booking(*FAMILY, arrives_at=DEPARTS_AT), OPERATIONS).refused("arrives_before_departure")


def test_a_booking_to_another_country_is_refused() -> None:
    given(*DOCUMENTED).when(booking(*FAMILY, destination_country="IN"), OPERATIONS).refused("wrong_destination")


@pytest.mark.parametrize(
    "person_ids", [(MOTHER, FATHER), (*FAMILY, STRANGER)], ids=["somebody left out", "somebody too many"]
)
def test_a_booking_holds_exactly_those_who_travel(person_ids: tuple[UUID, ...]) -> None:
    given(*DOCUMENTED).when(booking(*person_ids), OPERATIONS).refused("booking_incomplete")


def test_whoever_withdrew_is_not_booked() -> None:
    without_father = given(*DOCUMENTED, PersonWithdrew(person_id=FATHER))
    without_father.when(booking(*FAMILY), OPERATIONS).refused("booking_incomplete")
    without_father.when(booking(MOTHER, CHILD), OPERATIONS).then(booked(MOTHER, CHILD))


def test_a_ready_case_is_not_rebooked_under_its_readiness() -> None:
    given(*READY).when(booking(*FAMILY), OPERATIONS).refused("wrong_status")


def test_an_adult_confirms_shortly_before_departure() -> None:
    given(*READY).when(confirmation(MOTHER), OPERATIONS).then(confirmed(MOTHER))


def test_a_confirmation_is_possible_from_24_hours_before_departure() -> None:
    given(*READY).when(confirmation(MOTHER, THE_DAY_BEFORE), OPERATIONS, THE_DAY_BEFORE).then_kinds(
        VoluntarinessConfirmed
    )


def test_a_confirmation_is_not_possible_earlier_than_24_hours_before_departure() -> None:
    too_early = THE_DAY_BEFORE - timedelta(seconds=1)
    given(*READY).when(confirmation(MOTHER, too_early), OPERATIONS, too_early).refused("too_early_to_confirm")


def test_a_confirmation_given_too_early_does_not_count_later() -> None:
    too_early = THE_DAY_BEFORE - timedelta(seconds=1)
    given(*READY).when(confirmation(MOTHER, too_early), OPERATIONS).refused("too_early_to_confirm")


def test_a_confirmation_cannot_be_recorded_before_it_happened() -> None:
    given(*READY).when(confirmation(MOTHER, NOON + timedelta(seconds=1)), OPERATIONS).refused("in_the_future")


def test_nobody_confirms_for_a_flight_that_has_left() -> None:
    given(*READY).when(confirmation(MOTHER), OPERATIONS, DEPARTS_AT).refused("booking_in_the_past")


def test_a_child_does_not_confirm_for_the_file() -> None:
    given(*READY).when(confirmation(CHILD), OPERATIONS).refused("only_adults_confirm")


def test_somebody_outside_the_case_does_not_confirm() -> None:
    given(*READY).when(confirmation(STRANGER), OPERATIONS).refused("person_not_in_case")


def test_nobody_confirms_before_the_case_is_ready() -> None:
    given(*BOOKED).when(confirmation(MOTHER), OPERATIONS).refused("wrong_status")


def test_a_confirmation_that_comes_again_changes_nothing() -> None:
    given(*READY, confirmed(MOTHER)).when(confirmation(MOTHER), OPERATIONS).then()


def test_a_newer_confirmation_replaces_an_older_one() -> None:
    an_hour_ago = confirmed(MOTHER, NOON - timedelta(hours=1))
    given(*READY, an_hour_ago).when(confirmation(MOTHER), OPERATIONS).then(confirmed(MOTHER))


def test_an_older_confirmation_does_not_replace_a_newer_one() -> None:
    given(*READY, confirmed(MOTHER)).when(confirmation(MOTHER, NOON - timedelta(hours=1)), OPERATIONS).then()


def test_a_confirmation_made_when_a_consent_was_taken_back_meanwhile_takes_readiness_away() -> None:
    unwilling = given(*READY).knowing(knowing(FATHER, data_consent=False))
    unwilling.when(confirmation(MOTHER), OPERATIONS).then(
        confirmed(MOTHER), lost("data_consent_missing")
    )


def test_clearance_lost_takes_the_confirmations_along() -> None:
    case = after(*CLEARED, lost("own_plan_missing"))
    assert (case.status, case.cleared_at) == ("preparing", None)
    assert all(person.confirmed_at is None for person in case.persons)
    assert case.booking is not None


@pytest.mark.parametrize("past", [READY, CLEARED], ids=["ready", "cleared"])
def test_a_missed_flight_puts_the_case_back_to_preparation(past: tuple[Event, ...]) -> None:
    missed = given(*past).when(RecordMissedFlight(reason="late"), OPERATIONS)
    missed.then(FlightMissed(reason="late", times_missed=1))
    case = after(*past, *missed.events)
    assert (case.status, case.booked_person_ids, case.cleared_at) == ("preparing", (), None)
    assert (case.departs_at, case.arrives_at, case.booking) == (None, None, None)
    assert all(person.confirmed_at is None for person in case.persons)


def test_missed_flights_are_counted() -> None:
    once = (*READY, FlightMissed(reason="late", times_missed=1), booked(*FAMILY))
    again = after(*once)
    assert again.times_missed == 1
    ready_again = given(*READY, FlightMissed(reason="late", times_missed=1), booked(*FAMILY), *READY[-1:])
    ready_again.when(RecordMissedFlight(reason="did_not_appear"), OPERATIONS).then(
        FlightMissed(reason="did_not_appear", times_missed=2)
    )


def test_nobody_misses_a_flight_before_being_ready() -> None:
    given(*BOOKED).when(RecordMissedFlight(reason="late"), OPERATIONS).refused("no_flight_missed")


def test_whoever_stays_when_others_left_can_be_prepared_for_another_flight() -> None:
    mother_left = (*BOOKED, left(MOTHER, NOON, cleared=False), signed(CHILD, FATHER))
    later = DEPARTS_AT + timedelta(days=3)
    rest = booking(FATHER, CHILD, departs_at=later, arrives_at=later + timedelta(hours=9))
    given(*mother_left).when(rest, OPERATIONS).then_kinds(type(booked(FATHER)))


def test_a_cleared_case_is_not_cleared_again() -> None:
    given(*CLEARED).when(ClearToBoard(), OPERATIONS).refused("wrong_status")
