"""The events of reintegration about accounting periods: which months are closed, and which were opened again."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.counselling import StaffId
from shared.messages import Event

Month = Annotated[str, Field(pattern=r"^[1-9][0-9]{3}-(0[1-9]|1[0-2])$", description="A month, such as 2023-05")]
ReopeningReason = Literal["payment_came_late", "entered_in_error", "audit_finding"]


class PeriodClosed(Event, kind="avrr.reintegration.period.closed.v1"):
    """Nothing is posted into this month any more."""

    month: Month
    closed_by: StaffId
    closed_at: datetime


class ReopeningAsked(Event, kind="avrr.reintegration.period.reopening_asked.v1"):
    """The month is to take postings again; it does once somebody else confirms it."""

    reason: ReopeningReason
    asked_by: StaffId
    asked_at: datetime


class PeriodReopened(Event, kind="avrr.reintegration.period.reopened.v1"):
    """The month takes postings again, until it is closed once more."""

    asked_by: StaffId
    confirmed_by: StaffId
    confirmed_at: datetime


class ReopeningDropped(Event, kind="avrr.reintegration.period.reopening_dropped.v1"):
    """The month stays closed."""

    dropped_by: StaffId
    dropped_at: datetime


EVENTS: tuple[type[Event], ...] = (PeriodClosed, ReopeningAsked, PeriodReopened, ReopeningDropped)
