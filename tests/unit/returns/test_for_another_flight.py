"""What was recorded for one flight counts for no other: a visa for the country between, the exit that was reported."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from services.returns.domain.case_corrections import CorrectDeparture
from services.returns.domain.case_evidence import RecordExitFormalities, RecordTransitVisa
from services.returns.domain.case_families import RecordSplitAgreed
from services.returns.domain.case_preparation import ConfirmBooking, MarkReadyToTravel, RecordMissedFlight
from services.returns.domain.case_regrouped import person_going_on
from services.returns.domain.case_state import Case, Evidence
from services.returns.domain.journey_evidence import may_pass, recorded
from shared.contracts.corrections import CorrectionAsked, DepartureCorrected
from shared.contracts.families import FamilySplit, SplitAsked
from shared.contracts.returns import (
    BookingConfirmed,
    CaseDeparted,
    EvidenceRecorded,
    FlightMissed,
    ReadyToTravel,
)
from shared.ids import uuid7
from shared.messages import Event
from tests.given import NOON
from tests.unit.returns.examples import (
    AFTER_LANDING,
    ARRIVES_AT,
    BOARDED_AT,
    BOOKED,
    CHILD,
    COORDINATOR,
    COUNSELLOR,
    DEPARTS_AT,
    DOCUMENTED,
    EVERYTHING_KNOWN,
    FAMILY,
    FATHER,
    MOTHER,
    OPENED,
    OPERATIONS,
    RECEPTION,
    SIGNED_AT,
    VALID_FROM,
    VALID_UNTIL,
    after,
    booked,
    given,
    left,
    may_leave,
)

MISSED = FlightMissed(reason="late", times_missed=1)


def through(country: str | None, *person_ids: UUID) -> BookingConfirmed:
    return booked(*person_ids or FAMILY).model_copy(update={"transit_country": country, "transit_visa_needed": True})


def visas(country: str | None, *person_ids: UUID) -> tuple[EvidenceRecorded, ...]:
    return tuple(
        recorded(one, Evidence("transit_visa", NOON, VALID_FROM, VALID_UNTIL, country=country)) for one in person_ids or FAMILY
    )


def said_before(event: EvidenceRecorded) -> EvidenceRecorded:
    """The same fact as it was stated before visas said for which country they are."""
    return event.model_copy(update={"country": None})


def order(country: str | None = None, *, issued_ago: timedelta = timedelta(0)) -> RecordTransitVisa:
    return RecordTransitVisa(
        person_ids=FAMILY, issued_at=NOON - issued_ago, valid_from=VALID_FROM, valid_until=VALID_UNTIL, transit_country=country
    )


def rebooking(country: str | None) -> ConfirmBooking:
    return ConfirmBooking(
        departs_at=DEPARTS_AT, arrives_at=ARRIVES_AT, destination_country="PK", person_ids=FAMILY, transit_country=country
    )


def arranged_anew() -> tuple[Event, ...]:
    return (*(may_leave(one) for one in FAMILY), RECEPTION)


THROUGH_TURKEY = (*DOCUMENTED, through("TR"), RECEPTION, *visas("TR"))


def test_a_visa_is_for_the_country_of_the_booking_unless_another_is_named_before_there_is_one() -> None:
    given(*DOCUMENTED, through("TR")).when(order(), OPERATIONS).then(*visas("TR"))
    given(*OPENED).when(order("TR"), OPERATIONS).then(*visas("TR"))
    given(*OPENED).when(order(), OPERATIONS).refused("transit_country_unknown")
    given(*DOCUMENTED, through("TR")).when(order("AE"), OPERATIONS).refused("transit_country_differs")


def test_a_visa_counts_for_no_booking_through_another_country() -> None:
    case = given(*THROUGH_TURKEY)
    case.when(MarkReadyToTravel(), OPERATIONS).then(ReadyToTravel())
    rebooked = case.when(rebooking("AE"), OPERATIONS)
    rebooked.then_kinds(BookingConfirmed)
    case = case.given(*rebooked.events, *arranged_anew())
    case.when(MarkReadyToTravel(), OPERATIONS).refused("transit_visa_missing")
    case.given(*visas("AE")).when(MarkReadyToTravel(), OPERATIONS).then(ReadyToTravel())


@pytest.mark.parametrize("past", [(), (MISSED,)], ids=["booked anew", "missed"])
def test_a_visa_counts_for_another_booking_through_the_same_country(past: tuple[Event, ...]) -> None:
    again = through("TR").model_copy(update={"arrives_at": ARRIVES_AT + timedelta(hours=1)})
    case = given(*THROUGH_TURKEY, *past, again, *arranged_anew())
    case.when(MarkReadyToTravel(), OPERATIONS).then(ReadyToTravel())


def test_after_a_missed_flight_a_visa_counts_for_no_other_country_either() -> None:
    case = given(*THROUGH_TURKEY, ReadyToTravel(), MISSED, through("AE"), *arranged_anew())
    case.when(MarkReadyToTravel(), OPERATIONS).refused("transit_visa_missing")


def test_an_earlier_visa_for_another_country_takes_the_place_of_a_later_one() -> None:
    case = given(*DOCUMENTED, through("TR"), *visas("AE"))
    case.when(order(issued_ago=timedelta(days=3)), OPERATIONS).then_kinds(*[EvidenceRecorded] * 3)
    same = given(*DOCUMENTED, through("TR"), *visas("TR"))
    same.when(order(issued_ago=timedelta(days=3)), OPERATIONS).refused("recorded_since")


def test_whoever_says_that_a_visa_is_needed_says_for_which_country() -> None:
    unsaid = rebooking(None).model_copy(update={"transit_visa_needed": True})
    given(*DOCUMENTED).when(unsaid, OPERATIONS).refused("transit_country_unknown")
    given(*DOCUMENTED).when(rebooking("TR"), OPERATIONS).then_kinds(BookingConfirmed)


def test_what_was_recorded_before_visas_said_so_counts_and_is_said_of_the_booking_that_is_replaced() -> None:
    earlier = (*DOCUMENTED, through("TR"), RECEPTION, *map(said_before, visas("TR")))
    case = given(*earlier)
    case.when(MarkReadyToTravel(), OPERATIONS).then(ReadyToTravel())
    mother = after(*earlier).person(MOTHER)
    assert mother is not None and (visa := mother.has("transit_visa")) is not None and visa.country is None
    rebooked = case.when(rebooking("AE"), OPERATIONS)
    rebooked.then_kinds(*[EvidenceRecorded] * 3, BookingConfirmed)
    assert rebooked.events[:3] == visas("TR")
    case.given(*rebooked.events, *arranged_anew()).when(MarkReadyToTravel(), OPERATIONS).refused("transit_visa_missing")


SAID_BEFORE = (*DOCUMENTED, through("TR"), RECEPTION, *map(said_before, visas("TR")))


def counted_for(country: str, case: Case) -> set[UUID]:
    """Whose visa the case counts for a journey through this country."""
    return {one.person_id for one in case.persons if may_pass(one, None, NOON, country)}


def test_it_is_said_before_a_missed_flight_takes_the_booking_away() -> None:
    case = given(*SAID_BEFORE, ReadyToTravel())
    missed = case.when(RecordMissedFlight(reason="late"), OPERATIONS, AFTER_LANDING)
    missed.then(*visas("TR"), MISSED)
    another = case.given(*missed.events, through("AE"), *arranged_anew())
    another.when(MarkReadyToTravel(), OPERATIONS).refused("transit_visa_missing")
    same = case.given(*missed.events, through("TR"), *arranged_anew())
    same.when(MarkReadyToTravel(), OPERATIONS).then(ReadyToTravel())


def test_it_is_said_before_a_departure_that_is_taken_back_takes_the_booking_away() -> None:
    def asked(person_id: UUID) -> CorrectionAsked:
        return CorrectionAsked(person_id=person_id, of="departure", asked_by=COUNSELLOR.person_id, asked_at=AFTER_LANDING)

    case = given(*SAID_BEFORE, *map(left, FAMILY), CaseDeparted(departed_at=BOARDED_AT), *map(asked, FAMILY))
    # While somebody is under way the booking says through which country it leads.
    for person_id in (FATHER, CHILD):
        still = case.when(CorrectDeparture(person_id=person_id, record_id=uuid7()), COORDINATOR, AFTER_LANDING)
        assert EvidenceRecorded not in map(type, still.events)
        case = case.given(*still.events)
    last = case.when(CorrectDeparture(person_id=MOTHER, record_id=uuid7()), COORDINATOR, AFTER_LANDING)
    last.then_kinds(*[EvidenceRecorded] * 3, DepartureCorrected)
    assert set(last.events[:3]) == set(visas("TR"))
    nobody_left = after(*case.past, *last.events)
    assert nobody_left.transit_country is None
    assert (counted_for("TR", nobody_left), counted_for("AE", nobody_left)) == ({*FAMILY}, set())


def test_it_is_said_before_a_split_takes_the_last_seats_along() -> None:
    new_case, going = uuid7(), (MOTHER, CHILD)
    past = (
        *SAID_BEFORE, left(FATHER),
        DepartureCorrected(person_id=FATHER, corrected_by=COORDINATOR.person_id, corrected_at=AFTER_LANDING),
        SplitAsked(new_case_id=new_case, principal_id=MOTHER, person_ids=going),
    )  # fmt: skip
    own = uuid7()
    other = replace(after(*DOCUMENTED), split_from=own)
    case = given(*past).knowing(replace(EVERYTHING_KNOWN, other=other, own_id=own))
    split = case.when(RecordSplitAgreed(new_case_id=new_case, person_ids=going, principal_id=MOTHER), OPERATIONS, AFTER_LANDING)
    split.then(*visas("TR", FATHER), FamilySplit(new_case_id=new_case, principal_id=MOTHER, person_ids=going))
    assert counted_for("AE", after(*past, *split.events)) == set()


def test_into_another_case_a_visa_goes_along_that_says_for_which_country_it_is() -> None:
    case = after(*DOCUMENTED, through("TR"), *visas("TR", MOTHER), *map(said_before, visas("TR", CHILD)))
    mother, child = case.person(MOTHER), case.person(CHILD)
    assert mother is not None and child is not None
    gone = person_going_on(mother, FAMILY)
    assert [(one.kind, one.country) for one in gone.evidence] == [("transit_visa", "TR")]
    assert person_going_on(child, FAMILY).evidence == ()
    # Beside others it leads through another country.
    joined = given(*DOCUMENTED, through("AE"), RECEPTION, *visas("AE"), *visas("TR", MOTHER))
    joined.when(MarkReadyToTravel(), OPERATIONS).refused("transit_visa_missing")


def reported(at: datetime) -> RecordExitFormalities:
    return RecordExitFormalities(person_ids=FAMILY, recorded_at=at)


def test_an_exit_that_was_reported_before_another_booking_was_made_is_for_another_flight() -> None:
    later = booked(*FAMILY, arrives_at=ARRIVES_AT + timedelta(hours=1))
    for past in ((*BOOKED, MISSED, booked(*FAMILY)), (*BOOKED, later)):
        given(*past).when(reported(NOON - timedelta(seconds=1)), OPERATIONS).refused("reported_before_booking")
        given(*past).when(reported(NOON), OPERATIONS).then_kinds(*[EvidenceRecorded] * 3)


def test_for_the_first_booking_and_while_there_is_none_an_exit_is_taken_whenever_it_was_reported() -> None:
    first = given(*(event for event in BOOKED if not isinstance(event, EvidenceRecorded)))
    for case in (first, given(*BOOKED, MISSED)):
        case.when(reported(NOON - timedelta(days=2)), OPERATIONS).then_kinds(*[EvidenceRecorded] * 3)
    # What was reported before it and is on record is taken again without a word.
    kept = given(*BOOKED, MISSED, *(may_leave(one) for one in FAMILY), booked(*FAMILY))
    kept.when(reported(SIGNED_AT), OPERATIONS).then()
