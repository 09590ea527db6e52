"""An office to which nobody came asks whether they departed: when it may, what the mission answers, when it is over."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.returns.domain.case_departure_asked import AskToConfirmDeparture, ConfirmDeparture
from services.returns.domain.case_journey import RecordNotDeparted
from services.returns.domain.case_withdrawal import WithdrawCase
from shared.contracts.corrections import CorrectionAsked, CorrectionRejected, DepartureCorrected
from shared.contracts.departures import DepartureConfirmationAsked, DepartureConfirmed
from shared.contracts.returns import (
    CaseArrived,
    CaseDeclaredIneligible,
    CaseLapsed,
    CaseNotDeparted,
    CaseWithdrawn,
    TransitInterrupted,
)
from shared.messages import Concealed, Event
from tests.unit.returns.examples import (
    A_MONTH_LATER,
    APPLIED,
    ARRIVED,
    BOARDED_AT,
    CHILD,
    CLEARED,
    COORDINATOR,
    DEPARTED,
    FAMILY,
    FATHER,
    LANDED_AT,
    MOTHER,
    OFFICE,
    PREPARING,
    READY,
    after,
    given,
    landed,
    left,
    ref,
)

MONTH = timedelta(days=30)
ASKED = DepartureConfirmationAsked(asked_at=A_MONTH_LATER)
STOPPED = TransitInterrupted(
    hold_id=ref(31), person_ids=FAMILY, placed_by=COORDINATOR.person_id, interrupted_at=BOARDED_AT + timedelta(hours=1)
)
CONFIRMED = DepartureConfirmed(confirmed_by=COORDINATOR.person_id, confirmed_at=A_MONTH_LATER)


def test_an_office_may_ask_from_the_thirtieth_day_after_the_departure_on_and_once() -> None:
    order = AskToConfirmDeparture()
    given(*DEPARTED).when(order, OFFICE, BOARDED_AT + MONTH - timedelta(seconds=1)).refused("too_early")
    given(*DEPARTED).when(order, OFFICE, BOARDED_AT + MONTH).then(DepartureConfirmationAsked(asked_at=BOARDED_AT + MONTH))
    given(*DEPARTED, ASKED).when(order, OFFICE, A_MONTH_LATER).refused("asked_already")


def test_whoever_left_last_is_waited_for_as_long() -> None:
    later = BOARDED_AT + timedelta(days=3)
    past = (*CLEARED, left(MOTHER), left(CHILD), left(FATHER, later), *DEPARTED[-1:])
    given(*past).when(AskToConfirmDeparture(), OFFICE, BOARDED_AT + MONTH).refused("too_early")
    given(*past).when(AskToConfirmDeparture(), OFFICE, later + MONTH).then_kinds(DepartureConfirmationAsked)


@pytest.mark.parametrize(("past", "code"), [(CLEARED, "wrong_status"), (ARRIVED, "wrong_status")])
def test_there_is_nothing_to_ask_before_a_departure_and_after_everybody_came(past: tuple[Event, ...], code: str) -> None:
    given(*past).when(AskToConfirmDeparture(), OFFICE, A_MONTH_LATER).refused(code)


def test_a_journey_that_was_interrupted_is_asked_about_as_well() -> None:
    given(*DEPARTED, STOPPED).when(AskToConfirmDeparture(), OFFICE, A_MONTH_LATER).then(ASKED)


def test_once_confirmed_a_departure_may_be_asked_about_in_another_thirty_days() -> None:
    given(*DEPARTED).when(ConfirmDeparture(), COORDINATOR, A_MONTH_LATER).refused("nothing_asked")
    answered = given(*DEPARTED, ASKED).when(ConfirmDeparture(), COORDINATOR, A_MONTH_LATER)
    answered.then(CONFIRMED)
    past = (*DEPARTED, ASKED, CONFIRMED)
    assert (after(*past).status, after(*past).departure_asked_at) == ("departed", None)
    given(*past).when(ConfirmDeparture(), COORDINATOR, A_MONTH_LATER).refused("nothing_asked")
    again = A_MONTH_LATER + MONTH
    given(*past).when(AskToConfirmDeparture(), OFFICE, again - timedelta(seconds=1)).refused("too_early")
    given(*past).when(AskToConfirmDeparture(), OFFICE, again).then_kinds(DepartureConfirmationAsked)


def test_a_departure_that_a_colleague_doubts_is_not_confirmed_before_that_is_decided() -> None:
    doubted = CorrectionAsked(person_id=MOTHER, of="departure", asked_by="zlatan", asked_at=A_MONTH_LATER)
    given(*DEPARTED, ASKED, doubted).when(ConfirmDeparture(), COORDINATOR, A_MONTH_LATER).refused("correction_open")
    decided = (doubted, CorrectionRejected(person_id=MOTHER, of="departure", rejected_by="emir"))
    given(*DEPARTED, ASKED, *decided).when(ConfirmDeparture(), COORDINATOR, A_MONTH_LATER).then(CONFIRMED)


def test_that_nobody_departed_answers_for_good() -> None:
    answered = given(*DEPARTED, ASKED).when(RecordNotDeparted(), COORDINATOR, A_MONTH_LATER)
    answered.then(CaseNotDeparted(person_ids=FAMILY))
    past = (*DEPARTED, ASKED, *answered.events)
    assert (after(*past).status, after(*past).departure_asked_at) == ("not_departed", None)
    for order, by in (
        (AskToConfirmDeparture(), OFFICE), (ConfirmDeparture(), COORDINATOR), (RecordNotDeparted(), COORDINATOR), (WithdrawCase(), COORDINATOR),
    ):  # fmt: skip
        given(*past).when(order, by, A_MONTH_LATER).refused("case_ended")


@pytest.mark.parametrize(
    ("past", "code"),
    [
        ((*CLEARED, CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=FAMILY)), "case_ended"),
        ((*PREPARING, CaseLapsed(reason="left_the_country", person_ids=FAMILY)), "case_ended"),
        ((*APPLIED, CaseDeclaredIneligible(reason=Concealed.of("not_entitled"), person_ids=FAMILY)), "case_ended"),
        (READY, "wrong_status"),
    ],
    ids=["withdrawn", "lapsed", "ineligible", "others_still_prepared"],
)
def test_whoever_left_is_asked_about_like_anybody_whatever_became_of_their_case(past: tuple[Event, ...], code: str) -> None:
    gone, order = (*past, left(MOTHER, cleared=False)), AskToConfirmDeparture()
    given(*past).when(order, OFFICE, A_MONTH_LATER).refused(code)
    given(*gone).when(order, OFFICE, BOARDED_AT + MONTH - timedelta(seconds=1)).refused("too_early")
    given(*gone).when(order, OFFICE, A_MONTH_LATER).then(ASKED)
    assert after(*gone, ASKED).departure_asked_at == A_MONTH_LATER
    given(*gone, ASKED).when(order, OFFICE, A_MONTH_LATER).refused("asked_already")
    given(*gone, ASKED).when(ConfirmDeparture(), COORDINATOR, A_MONTH_LATER).then(CONFIRMED)
    assert after(*gone, ASKED, CONFIRMED).departure_confirmed_at == A_MONTH_LATER
    assert after(*gone, ASKED, landed(MOTHER)).departure_asked_at is None


def not_gone(*person_ids: UUID) -> tuple[Event, ...]:
    return tuple(
        DepartureCorrected(person_id=person_id, corrected_by="zlatan", corrected_at=A_MONTH_LATER) for person_id in person_ids
    )


@pytest.mark.parametrize(
    ("some", "everybody"),
    [
        ((landed(MOTHER),), (landed(FATHER), landed(CHILD), CaseArrived(arrived_at=LANDED_AT))),
        (not_gone(MOTHER), not_gone(FATHER, CHILD)),
    ],
    ids=["they_came", "they_did_not_leave"],
)
def test_the_question_stands_until_nobody_is_under_way_any_more(some: tuple[Event, ...], everybody: tuple[Event, ...]) -> None:
    assert after(*DEPARTED, ASKED).departure_asked_at == A_MONTH_LATER
    assert after(*DEPARTED, ASKED, *some).departure_asked_at == A_MONTH_LATER
    given(*DEPARTED, ASKED, *some).when(ConfirmDeparture(), COORDINATOR, A_MONTH_LATER).then(CONFIRMED)
    assert after(*DEPARTED, ASKED, *some, *everybody).departure_asked_at is None
