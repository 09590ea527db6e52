"""What the tickets of one booking cost the mission."""

from dataclasses import dataclass

from shared.contracts.departures import TicketCostRecorded
from shared.money import Money


@dataclass(frozen=True, slots=True)
class TicketCost:
    """What was paid for the tickets of one booking of a case, counted from 1, and what came back of it."""

    booking: int
    cost: Money
    refunded: Money


def with_ticket_cost(costs: tuple[TicketCost, ...], event: TicketCostRecorded) -> tuple[TicketCost, ...]:
    """The costs after one was recorded, by booking; of a booking the latest counts."""
    others = (one for one in costs if one.booking != event.booking)
    return tuple(sorted((*others, TicketCost(event.booking, event.cost, event.refunded)), key=lambda one: one.booking))
