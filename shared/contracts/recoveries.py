"""The events by which what is asked back of a grant comes back or is written off; fields are only ever added."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from shared.messages import Event
from shared.money import Money

# Why nobody waits for the money any more, in words that accuse nobody.
WriteOffReason = Literal["unreachable", "not_worth_it", "hardship", "error"]


class MoneyRecovered(Event, kind="avrr.reintegration.grant.money_recovered.v1"):
    """Of what was asked back so much came back on a day, under a reference used once: the fund has spent that much less.

    ``in_fund`` is the share of what the grant had cost a fund in another currency. It is posted on its day, and where the
    month of that is closed, or before that of the payment, in the month that begins with ``posted_in``. ``bank_line`` is the line of a bank's statement; where
    there is none, ``recorded_by`` confirmed what ``proposed_by`` said. None of both stands in events of before this was asked.
    """

    case_id: UUID
    recovery_no: int
    money: Money
    received_on: date
    reference: str
    recorded_by: str
    recorded_at: datetime
    bank_line: UUID | None = None
    in_fund: Money | None = None
    posted_in: date | None = None
    proposed_by: str | None = None


class RecoveryProposed(Event, kind="avrr.reintegration.grant.recovery_proposed.v1"):
    """Somebody says that so much was given back that no line of the bank's tells of; it counts once another person confirms it."""

    proposal_no: int
    money: Money
    received_on: date
    reference: str
    proposed_by: str
    proposed_at: datetime


class RecoveryProposalDropped(Event, kind="avrr.reintegration.grant.recovery_proposal_dropped.v1"):
    """What somebody said had been given back is not counted, and waited for as before."""

    proposal_no: int
    money: Money
    dropped_by: str
    dropped_at: datetime


class WriteOffAsked(Event, kind="avrr.reintegration.grant.write_off_asked.v1"):
    """Somebody asks that so much of what is asked back is not waited for any more; another person decides."""

    write_off_no: int
    money: Money
    reason: WriteOffReason
    asked_by: str
    asked_at: datetime


class WriteOffDropped(Event, kind="avrr.reintegration.grant.write_off_dropped.v1"):
    """What was asked to be written off is waited for all the same."""

    write_off_no: int
    money: Money
    dropped_by: str
    dropped_at: datetime


class RecoveryWrittenOff(Event, kind="avrr.reintegration.grant.recovery_written_off.v1"):
    """So much of what was asked back is not waited for any more. It stays spent."""

    write_off_no: int
    money: Money
    reason: WriteOffReason
    asked_by: str
    asked_at: datetime
    confirmed_by: str
    confirmed_at: datetime


class RecoveryClosed(Event, kind="avrr.reintegration.grant.recovery_closed.v1"):
    """All that was asked back has come back or is written off."""

    case_id: UUID
    recovered: Money
    written_off: Money
    closed_at: datetime


EVENTS: tuple[type[Event], ...] = (
    MoneyRecovered, RecoveryProposed, RecoveryProposalDropped, WriteOffAsked, WriteOffDropped, RecoveryWrittenOff, RecoveryClosed,
)  # fmt: skip
