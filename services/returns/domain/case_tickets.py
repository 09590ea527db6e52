"""What the tickets of a case cost: recorded when the bill is known, whoever flew, and also once the case has ended."""

from typing import Annotated

from pydantic import Field

from services.returns.domain.case_state import Case, CaseFacts
from services.returns.domain.tickets import TicketCost
from shared.contracts.departures import TicketCostRecorded
from shared.decider import Events, Rule, changing
from shared.errors import RuleViolation
from shared.messages import Command, Context
from shared.money import Money, refuse_unpayable


class RecordTicketCost(Command):
    """Record what the tickets of a booking cost, and what the carrier gave back where somebody did not fly.

    It takes the place of what was recorded for that booking before. It is possible after the case has ended as well: a
    bill comes when it comes.
    """

    booking: Annotated[
        int, Field(strict=True, ge=1, le=1000, description="Which booking of the case, counted from 1; the last one is the present one.")
    ]
    cost: Annotated[Money, Field(description="What the mission paid for the tickets.")]
    refunded: Annotated[Money, Field(description="What the carrier gave back of it; zero if nothing.")]


def _something_was_booked(case: Case, _: CaseFacts, __: Context) -> None:
    if case.times_booked == 0:
        raise RuleViolation("nothing_booked", "Nothing was booked in this case, so there are no tickets.")


def _record(case: Case, order: RecordTicketCost, _: CaseFacts, __: Context) -> Events:
    if order.booking > case.times_booked:
        raise RuleViolation("no_such_booking", f"This case was booked {case.times_booked} times. Name one of these bookings.")
    refuse_unpayable((order.cost, order.refunded))
    if order.refunded.currency != order.cost.currency:
        raise RuleViolation("currencies_differ", "What was given back must be in the currency of the cost.")
    if not order.refunded <= order.cost:
        raise RuleViolation("refund_exceeds_cost", "A carrier gives back no more than the tickets cost. Check both amounts.")
    if TicketCost(order.booking, order.cost, order.refunded) in case.ticket_costs:
        return ()
    return (TicketCostRecorded(booking=order.booking, cost=order.cost, refunded=order.refunded),)


RULES: tuple[Rule[Case, CaseFacts], ...] = (
    changing(RecordTicketCost, "Record what the tickets cost", _record, _something_was_booked),
)
