"""What came back of what is asked back of a grant, and what of it is written off."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from shared.contracts.recoveries import WriteOffReason


@dataclass(frozen=True, slots=True)
class MoneyBack:
    """Money that came back on a day, who recorded it on whose word, and its share of what the grant had cost its fund."""

    recovery_no: int
    amount: Decimal
    in_fund: Decimal | None
    received_on: date
    reference: str
    bank_line: UUID | None
    recorded_by: str
    recorded_at: datetime
    posted_in: date | None
    proposed_by: str | None = None


@dataclass(frozen=True, slots=True)
class ProposedBack:
    """Money of which one person says that it was given back, without a line of the bank's; another person confirms it."""

    proposal_no: int
    amount: Decimal
    received_on: date
    reference: str
    proposed_by: str
    proposed_at: datetime


@dataclass(frozen=True, slots=True)
class WriteOff:
    """What is, or is asked to be, waited for no more; ``confirmed_by`` is None while it waits for the second person."""

    write_off_no: int
    amount: Decimal
    reason: WriteOffReason
    asked_by: str
    asked_at: datetime
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None
