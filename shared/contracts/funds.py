"""The events of reintegration about donors' money: what one person asks for a fund, and another one confirms."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.counselling import Country, StaffId
from shared.messages import Event
from shared.money import Money

FundCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,40}$")]
FundChangeReason = Literal["donor_adds", "donor_reduces", "extended", "shortened", "entered_in_error"]
FundClosingReason = Literal["project_ended", "donor_withdrew", "spent_out", "entered_in_error"]


class FundAsked(Event, kind="avrr.reintegration.fund.asked.v1"):
    """A donor's line is recorded, and holds nothing until somebody else confirms it as change ``change_no``.

    It pays for grants in ``countries``, of ``grant_categories`` and of cases of ``programmes``; where none is named, for all.
    """

    change_no: int
    project: FundCode
    donor: FundCode
    granted: Money
    valid_from: date
    valid_until: date
    countries: tuple[Country, ...]
    grant_categories: tuple[FundCode, ...]
    programmes: tuple[FundCode, ...]
    asked_by: StaffId
    asked_at: datetime


class FundOpened(Event, kind="avrr.reintegration.fund.opened.v1"):
    """A donor's line of money is available from a day to a day.

    Once one person opened a fund alone; of those nobody is named here, and nothing was asked before.
    """

    project: FundCode
    donor: FundCode
    granted: Money
    valid_from: date
    valid_until: date
    countries: tuple[Country, ...] = ()
    grant_categories: tuple[FundCode, ...] = ()
    programmes: tuple[FundCode, ...] = ()
    change_no: int = 0
    asked_by: StaffId | None = None
    confirmed_by: StaffId | None = None
    confirmed_at: datetime | None = None


class FundChangeAsked(Event, kind="avrr.reintegration.fund.change_asked.v1"):
    """What the donor grants, and until when, is to be this from now on; it counts once somebody else confirms it."""

    change_no: int
    granted: Money
    valid_until: date
    reason: FundChangeReason
    asked_by: StaffId
    asked_at: datetime


class FundChanged(Event, kind="avrr.reintegration.fund.changed.v1"):
    """From now on the donor grants this, until this day; what was committed and spent before stays."""

    change_no: int
    granted: Money
    valid_until: date
    asked_by: StaffId
    confirmed_by: StaffId
    confirmed_at: datetime


class FundClosingAsked(Event, kind="avrr.reintegration.fund.closing_asked.v1"):
    """The fund is to be closed; it is once somebody else confirms it."""

    change_no: int
    reason: FundClosingReason
    asked_by: StaffId
    asked_at: datetime


class FundClosed(Event, kind="avrr.reintegration.fund.closed.v1"):
    """Nothing is committed from this fund any more; nothing of it was committed and unpaid."""

    change_no: int
    asked_by: StaffId
    confirmed_by: StaffId
    confirmed_at: datetime


class FundChangeDropped(Event, kind="avrr.reintegration.fund.change_dropped.v1"):
    """What was asked for the fund is not confirmed, and no longer waits for anybody."""

    change_no: int
    dropped_by: StaffId
    dropped_at: datetime


EVENTS: tuple[type[Event], ...] = (
    FundAsked, FundOpened, FundChangeAsked, FundChanged, FundClosingAsked, FundClosed, FundChangeDropped,
)  # fmt: skip
