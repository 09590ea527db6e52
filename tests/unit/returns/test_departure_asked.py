"""An office to which nobody came asks whether they departed: when it may, what the mission answers, when it is over."""

from datetime import timedelta

import pytest

from services.returns.domain.case_departure_asked import AskToConfirmDeparture, ConfirmDeparture
from services.returns.domain.case_journey import RecordNotDeparted
from services.returns.domain.case_withdrawal import WithdrawCase
from shared.contracts.corrections import DepartureCorrected
from shared.contracts.departures import DepartureConfirmationAsked, DepartureConfirmed
from shared.contracts.returns import CaseArrived, CaseNotDeparted, TransitInterrupted
from shared.messages import Event
from tests.unit.returns.examples import (
    A_MONTH_LATER,
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
    "over",
    [
        (*(landed(person_id) for person_id in FAMILY), CaseArrived(arrived_at=LANDED_AT)),
        (DepartureCorrected(person_id=MOTHER, corrected_by="zlatan", corrected_at=A_MONTH_LATER),),
    ],
    ids=["everybody_came", "somebody_is_prepared_again"],
)
def test_nothing_is_asked_any_more_once_the_case_is_not_under_way(over: tuple[Event, ...]) -> None:
    assert after(*DEPARTED, ASKED).departure_asked_at == A_MONTH_LATER
    assert after(*DEPARTED, ASKED, *over).departure_asked_at is None
