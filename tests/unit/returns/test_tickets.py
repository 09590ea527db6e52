"""What the tickets of a case cost: of which booking, whenever the bill is known, and what is refused."""

from decimal import Decimal

import pytest

from services.returns.domain.case_tickets import RecordTicketCost
from services.returns.domain.tickets import TicketCost
from shared.contracts.departures import TicketCostRecorded
from shared.contracts.returns import CaseWithdrawn
from shared.messages import Concealed, Event
from shared.money import Money
from tests.unit.returns.examples import (
    BOOKED,
    DEPARTED,
    DOCUMENTED,
    FAMILY,
    OPERATIONS,
    after,
    booked,
    given,
)

WITHDRAWN = (*BOOKED, CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=FAMILY))


def euro(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


NOTHING = euro("0.00")


def bill(booking: int = 1, cost: str = "412.50", refunded: Money = NOTHING) -> RecordTicketCost:
    return RecordTicketCost(booking=booking, cost=euro(cost), refunded=refunded)


@pytest.mark.parametrize("past", [BOOKED, WITHDRAWN, DEPARTED], ids=["booked", "withdrawn", "departed"])
def test_a_bill_is_recorded_when_it_comes_also_for_tickets_that_nobody_used(past: tuple[Event, ...]) -> None:
    recorded = given(*past).when(bill(refunded=euro("100.00")), OPERATIONS)
    recorded.then(TicketCostRecorded(booking=1, cost=euro("412.50"), refunded=euro("100.00")))


def test_of_a_booking_the_last_bill_counts_and_the_same_one_changes_nothing() -> None:
    first, second = (TicketCostRecorded(booking=1, cost=euro(cost), refunded=euro("0")) for cost in ("400", "450"))
    other = TicketCostRecorded(booking=2, cost=euro("300"), refunded=euro("0"))
    past = (*BOOKED, booked(*FAMILY), other, first, second)
    assert after(*past).ticket_costs == (TicketCost(1, euro("450"), euro("0")), TicketCost(2, euro("300"), euro("0")))
    given(*past).when(bill(cost="450"), OPERATIONS).then()


def test_what_cannot_be_the_cost_of_a_booking_is_refused() -> None:
    given(*DOCUMENTED).when(bill(), OPERATIONS).refused("nothing_booked")
    given(*BOOKED).when(bill(2), OPERATIONS).refused("no_such_booking")
    given(*BOOKED).when(bill(refunded=euro("412.51")), OPERATIONS).refused("refund_exceeds_cost")
    marks = Money(amount=Decimal(10), currency="BAM")
    given(*BOOKED).when(bill(refunded=marks), OPERATIONS).refused("currencies_differ")
