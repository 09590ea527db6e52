"""The events of returns about a departure of which nobody has seen an arrival, and about what tickets cost; fields are only ever added."""

from datetime import datetime

from shared.messages import Event
from shared.money import Money


class DepartureConfirmationAsked(Event, kind="avrr.returns.case.departure_confirmation_asked.v1"):
    """The receiving office, to which nobody has come for long, asks whether the persons departed at all."""

    asked_at: datetime


class DepartureConfirmed(Event, kind="avrr.returns.case.departure_confirmed.v1"):
    """Somebody of the mission looked into it: the persons departed, as it is recorded. The office may ask again later."""

    confirmed_by: str
    confirmed_at: datetime


class TicketCostRecorded(Event, kind="avrr.returns.case.ticket_cost_recorded.v1"):
    """What the tickets of one booking cost the mission, and what the carrier gave back of it, whether or not anybody flew.

    ``booking`` counts the bookings of the case from 1. A later one about the same booking takes the place of the earlier.
    """

    booking: int
    cost: Money
    refunded: Money


EVENTS: tuple[type[Event], ...] = (DepartureConfirmationAsked, DepartureConfirmed, TicketCostRecorded)
