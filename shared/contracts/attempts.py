"""The events of payments that did not arrive or came back; fields are only ever added."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from shared.messages import Event
from shared.money import Money

# What one person alone may say; that the bank never answered two say.
ReportedFailure = Literal[
    "account_closed", "account_unknown", "name_mismatch", "refused_by_bank", "limit_exceeded", "not_collected", "not_sent",
    "other",
]  # fmt: skip
FailureReason = Literal[ReportedFailure, "not_answered"]
ReversalReason = Literal["returned_by_bank", "unclaimed_cash", "paid_in_error"]
# By the country mission's bank in a batch, by the receiving office's own account, or by that office in cash.
PaymentMethod = Literal["bank_file", "office_account", "cash"]
# In which of the two hats of those who handle payments somebody acted.
PaymentHat = Literal["payer", "reconciler"]
# Or the bank said so, and nobody acted.
Reporter = Literal["payer", "reconciler", "bank"]


class PaidToPayee(Event):
    """Which account of which payee a tranche is paid to, and how; attempts of before name none of them."""

    payee_id: UUID | None = None
    account_no: int | None = None
    method: PaymentMethod | None = None


class SaidByBank(Event):
    """By which line of the bank's it became known, where it did; then the service acted, and no person in any hat."""

    bank_line: UUID | None = None


class BookedOtherwise(SaidByBank):
    """By which line of the bank's it became known, and what that has otherwise than was ordered.

    ``bank_charges`` is what was booked beyond the payment, in the currency of the account, which no fund bears; ``booked_short`` is
    what two persons found that it has less than was ordered.
    """

    bank_charges: Money | None = None
    booked_short: Money | None = None


class SentBack(SaidByBank):
    """By which line of the bank's it became known, and what of it a bank kept on the way back, which no fund bears."""

    kept_by_bank: Money | None = None


class PaymentFailed(SaidByBank, kind="avrr.reintegration.grant.payment_failed.v1"):
    """A released tranche was not paid: this attempt is over, and the tranche can be released anew.

    Of what the bank never answered (``not_answered``) two persons said so: ``asked_by`` asked and ``reported_by`` confirmed it.
    """

    number: int
    attempt_no: int
    attempt_id: UUID | None
    reason: FailureReason
    failed_on: date
    reported_by: str
    reported_as: Reporter
    reported_at: datetime
    asked_by: str | None = None


class PaymentEndAsked(Event, kind="avrr.reintegration.grant.payment_end_asked.v1"):
    """Somebody asks to end an attempt to pay that the bank was ordered and never answered; another person decides."""

    number: int
    attempt_no: int
    attempt_id: UUID | None
    asked_by: str
    asked_at: datetime


class PaymentKeptOpen(Event, kind="avrr.reintegration.grant.payment_kept_open.v1"):
    """An attempt to pay that somebody asked to end is waited for as before."""

    number: int
    attempt_no: int
    attempt_id: UUID | None
    kept_by: str
    kept_at: datetime


class PaymentAnsweredLate(Event, kind="avrr.reintegration.grant.payment_answered_late.v1"):
    """The bank booked what two persons had ended as never answered, and nothing else pays its tranche: that attempt is under way again."""

    number: int
    attempt_no: int
    attempt_id: UUID
    answered_at: datetime


class PaymentReversed(SentBack, kind="avrr.reintegration.grant.payment_reversed.v1"):
    """What was paid for a tranche came back on a day: it is spent no more, and the tranche can be released anew.

    It is posted on that day, and where the month of that is closed, or before that of the payment, in the month that begins with
    ``posted_in``. ``in_fund`` is what the attempt had cost a fund in another currency. ``freed`` says that the grant had been cancelled, or its
    fund closed, so that the money is not committed again but free.
    """

    case_id: UUID
    number: int
    attempt_no: int
    attempt_id: UUID | None
    money: Money
    reason: ReversalReason
    returned_on: date
    reversed_by: str
    reversed_at: datetime
    posted_in: date | None = None
    in_fund: Money | None = None
    freed: bool = False


class DisbursementUndone(Event, kind="avrr.reintegration.grant.disbursement_undone.v1"):
    """A grant of which every tranche was paid is not fully paid any more, since a payment came back."""

    case_id: UUID


EVENTS: tuple[type[Event], ...] = (PaymentFailed, PaymentEndAsked, PaymentKeptOpen, PaymentAnsweredLate, PaymentReversed, DisbursementUndone)
