"""A month takes postings until it is closed, and again once two persons reopened it."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.reintegration.domain.periods import (
    PERIOD,
    AccountingPeriod,
    ClosePeriod,
    ConfirmReopening,
    DropReopening,
    PeriodFacts,
    Reopening,
    ReopenPeriod,
)
from services.reintegration.domain.tranches import ConfirmPayment
from shared.actors import Actor
from shared.contracts.approvals import ApprovalGiven
from shared.contracts.noted_cases import CaseEndNoted
from shared.contracts.periods import PeriodClosed, PeriodReopened, ReopeningAsked, ReopeningDropped
from shared.contracts.reintegration import GrantApproved
from shared.errors import Refusal
from shared.messages import Command, Context, Event
from tests.given import NOON, Given, staff
from tests.unit.reintegration.examples import (
    APPROVE,
    APPROVER,
    CHIEF,
    MANAGER,
    PAYER,
    RECONCILER,
    RELEASED_1,
    TODAY,
    UNTIL_APPROVED,
)
from tests.unit.reintegration.test_grant_decisions import ENDORSED_GRANT, GRANTS, _knowing

LATER = NOON + timedelta(days=3)
OTHER_CHIEF = staff("chief_2", "chief_of_mission")
PERIODS = Given(PERIOD, PeriodFacts(today=TODAY, taken=False))
CLOSE = ClosePeriod(month="2023-04")
CLOSED = PeriodClosed(month="2023-04", closed_by=RECONCILER.person_id, closed_at=NOON)
REOPEN = ReopenPeriod(reason="payment_came_late")
ASKED = ReopeningAsked(reason="payment_came_late", asked_by=RECONCILER.person_id, asked_at=NOON)
REOPENED = PeriodReopened(asked_by=RECONCILER.person_id, confirmed_by=CHIEF.person_id, confirmed_at=NOON)
DROPPED = ReopeningDropped(dropped_by=CHIEF.person_id, dropped_at=NOON)


def test_a_month_that_is_over_is_closed() -> None:
    PERIODS.when(CLOSE, RECONCILER).then(CLOSED)


@pytest.mark.parametrize("month", ["2023-05", "2023-06", "2024-01"])
def test_a_month_that_is_not_over_is_not_closed(month: str) -> None:
    PERIODS.when(ClosePeriod(month=month), RECONCILER).refused("period_not_over")


def test_what_is_not_known_of_a_month_refuses_to_close_it() -> None:
    Given(PERIOD, PeriodFacts()).when(CLOSE, RECONCILER).refused("period_not_over")
    Given(PERIOD, PeriodFacts(today=TODAY)).when(CLOSE, RECONCILER).refused("month_has_a_period")


def test_a_closed_month_is_reopened_by_two_persons_and_closed_again() -> None:
    PERIODS.given(CLOSED).when(CLOSE, RECONCILER).refused("period_closed_already")
    PERIODS.given(CLOSED).when(REOPEN, RECONCILER).then(ASKED)
    PERIODS.given(CLOSED, ASKED).when(REOPEN, RECONCILER).refused("reopening_waits")
    PERIODS.given(CLOSED, ASKED).when(ConfirmReopening(), RECONCILER).refused("four_eyes")
    PERIODS.given(CLOSED, ASKED).when(ConfirmReopening(), CHIEF).then(REOPENED)
    PERIODS.given(CLOSED, ASKED, REOPENED).when(REOPEN, RECONCILER).refused("period_open")
    PERIODS.given(CLOSED, ASKED, REOPENED).when(CLOSE, RECONCILER).then(CLOSED)
    PERIODS.given(CLOSED, ASKED, REOPENED).when(ClosePeriod(month="2023-03"), RECONCILER).refused("another_month")


def test_a_reopening_that_is_dropped_leaves_the_month_closed() -> None:
    PERIODS.given(CLOSED).when(ConfirmReopening(), CHIEF).refused("nothing_waits")
    PERIODS.given(CLOSED).when(DropReopening(), CHIEF).refused("nothing_waits")
    PERIODS.given(CLOSED, ASKED).when(DropReopening(), CHIEF).then(DROPPED)
    PERIODS.given(CLOSED, ASKED, DROPPED).when(ConfirmReopening(), CHIEF).refused("nothing_waits")
    PERIODS.given(CLOSED, ASKED, DROPPED).when(REOPEN, RECONCILER).then(ASKED)


def test_nothing_is_approved_or_paid_into_a_closed_month() -> None:
    _knowing(ENDORSED_GRANT, month_closed=True).when(APPROVE, APPROVER).refused("period_closed")
    ENDORSED_GRANT.when(APPROVE, APPROVER).then_kinds(ApprovalGiven, GrantApproved)
    pay = ConfirmPayment(number=1, reference="BANK-0001", paid_on=TODAY)
    _knowing(GRANTS.given(*UNTIL_APPROVED, RELEASED_1), month_closed=True).when(pay, PAYER).refused("period_closed")


def test_an_event_that_does_not_fit_is_a_fault_of_ours() -> None:
    for event in (CaseEndNoted(), ASKED, REOPENED, DROPPED):
        with pytest.raises(TypeError, match=f"{type(event).__name__} does not fit a period here"):
            PERIOD.evolve(None, event)


def test_a_month_tells_who_closed_it_and_who_asked_and_confirmed_that_it_takes_postings_again() -> None:
    closed = AccountingPeriod("2023-04", "closed", RECONCILER.person_id, NOON)
    assert PERIOD.fold((CLOSED,)) == closed
    assert PERIOD.fold((CLOSED, ASKED)) == replace(closed, waiting=Reopening("payment_came_late", RECONCILER.person_id, NOON))
    assert PERIOD.fold((CLOSED, ASKED, DROPPED)) == closed
    reopened = replace(closed, status="reopened", asked_by=RECONCILER.person_id, reopened_by=CHIEF.person_id, reopened_at=NOON)
    assert PERIOD.fold((CLOSED, ASKED, REOPENED)) == reopened
    again = CLOSED.model_copy(update={"closed_by": MANAGER.person_id, "closed_at": LATER})
    assert PERIOD.fold((CLOSED, ASKED, REOPENED, again)) == replace(
        reopened, status="closed", closed_by=MANAGER.person_id, closed_at=LATER
    )


def test_a_month_that_was_reopened_and_closed_once_more_is_asked_for_anew() -> None:
    again = PERIODS.given(CLOSED, ASKED, REOPENED, CLOSED)
    again.when(ConfirmReopening(), CHIEF).refused("nothing_waits")
    again.when(REOPEN, RECONCILER).then(ASKED)


@examples(
    orders=st.lists(
        st.tuples(
            st.sampled_from((CLOSE, ClosePeriod(month="2023-03"), REOPEN, ConfirmReopening(), DropReopening())),
            st.sampled_from((RECONCILER, CHIEF, OTHER_CHIEF)),
        ),
        max_size=15,
    )
)
def test_whatever_is_ordered_nobody_reopens_a_month_alone(orders: list[tuple[Command, Actor]]) -> None:
    state: AccountingPeriod | None = None
    log: list[Event] = []
    for order, who in orders:
        try:
            events = PERIOD.decide(state, order, PeriodFacts(TODAY, taken=False), Context(who, NOON))
        except Refusal:
            events = ()
        before, state = state, PERIOD.fold(events, state)
        log += events
        if state is not None:
            assert state.status == "closed" or state.asked_by != state.reopened_by
            assert before is None or state.month == before.month
    assert PERIOD.fold(log) == state
    if state is not None:
        adapter = TypeAdapter(AccountingPeriod)
        assert adapter.validate_python(json.loads(adapter.dump_json(state)), strict=False) == state
        assert date.fromisoformat(f"{state.month}-01") < TODAY
