"""Which attempt to pay a line of the bank's is of, and what it does to it, by what is known of both; pure.

Nothing is guessed: a line is of the attempt that the bank names, or two persons do, and of exactly its amount and currency.
Nothing is paid that was not ordered: the attempt went to the bank in a file that two persons signed, from the account of the line.
All else waits in a queue for somebody to look at.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal, TypeGuard, cast, get_args
from uuid import UUID

from services.reintegration.bank.camt053 import Direction
from services.reintegration.bank.pain002 import HAD_BEFORE
from services.reintegration.domain.bank_files import LineKind
from shared.contracts.attempts import PaymentMethod
from shared.money import Money

AttemptStatus = Literal["released", "paid", "failed", "reversed"]
# What a line does to the attempt that it names.
Settles = Literal["pays", "returns", "refuses"]
# Why a line settles nothing, so that somebody has to look at it.
Unmatched = Literal[
    "names_no_attempt", "attempt_unknown", "not_by_bank", "not_sent", "sent_before_restore", "another_account", "another_file", "another_payee", "another_block", "amount_unknown", "amount_differs", "currency_differs", "too_far_from_rate", "back_in_another_currency", "not_released",
    "already_settled", "booked_after_all", "paid_anew", "not_paid", "delivered_already", "gives_no_reason", "takes_back", "may_have_been_paid", "day_impossible",
    "period_closed", "asked_back_already", "grant_not_in_disbursement",
]  # fmt: skip
# How far what was booked may lie from what the rate of that day makes of what was ordered. Ours, and no rule of IOM's.
BAND: Final = Decimal("0.10")
# How much of what was ordered a debit has at least that two persons find to be it: what a bank keeps is no larger than what it
# pays on, so that a fee or a small movement beside it is never taken for the payment. Ours, and no rule of IOM's.
LEAST_PART: Final = Decimal("0.50")
_CODE: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True)
class BankLine:
    """A line as it may settle an attempt; ``attempt_id`` is the one that the bank names, or that two persons found (``by_hand``).

    ``amount`` is None where the bank does not say how much of a larger line it was, and in reports. ``by_code``: the bank
    handed on no more than the code of a remittance, which anybody may quote who pays us.

    ``instructed_amount`` and ``instructed_currency`` are what the bank says was ordered, which may be another currency than the
    account's; what was booked beyond its worth is exchange, and stands in the line. ``worth`` is what was ordered in the currency
    of the account, by the rate in force on the day of the booking; None where no rate is known, or none was looked up.

    ``sent_at`` is when the file that orders the attempt was first handed out, if it was as the line's own file was confirmed: from
    the account that was booked on, or the very file that a report speaks of. ``sent_otherwise``: it was handed out in others alone.
    ``left_before_restore``: a restore lost that it was, or that it was paid, and finance stated that its money left; it stands in
    no other batch now, from another account.

    ``paid_part`` is how much of it two persons found to be of the attempt, in the attempt's currency; None where they found nothing
    of the kind, so that all of it is. Where it was booked in another, ``part_worth`` is what that part is worth in the account's, by
    the rate in force on the day of the booking; None where no rate is known. ``booking_left`` is how much no other part of the same
    booking takes, None where nobody knows; ``booking_open``: of another one nobody knows yet how much it is. ``booking_whole`` is
    the amount of the booking where the line is not all of it, and ``booking_rest`` what that has beyond all of its parts, where this
    is the last of them to be settled.

    ``other_payee``: the bank states an account to which this went, and it is not the one that the attempt was released to.
    ``other_block``: it names a block of payments, and the attempt stands in no such file.
    """

    id: UUID
    kind: LineKind
    attempt_id: UUID | None
    amount: Decimal | None = None
    currency: str | None = None
    direction: Direction | None = None
    reversal: bool = False
    booked_on: date | None = None
    bank_reference: str | None = None
    reasons: tuple[str, ...] = ()
    by_code: bool = False
    by_hand: bool = False
    paid_part: Decimal | None = None
    part_worth: Decimal | None = None
    booking_left: Decimal | None = None
    booking_open: bool = False
    booking_whole: Decimal | None = None
    booking_rest: Decimal | None = None
    imported_at: datetime | None = None
    sent_at: datetime | None = None
    sent_otherwise: bool = False
    left_before_restore: bool = False
    instructed_amount: Decimal | None = None
    instructed_currency: str | None = None
    worth: Decimal | None = None
    other_payee: bool = False
    other_block: bool = False

    @property
    def own_reference(self) -> str:
        """A payment's reference where the bank gives none of its own, or gave the same one to several: no other line has it."""
        return f"BL-{self.id.hex}"

    @property
    def reference(self) -> str:
        """The bank's reference as that of a payment; its own where the bank gives none, or one that is no code."""
        known = self.bank_reference
        return known if known is not None and _CODE.fullmatch(known) else self.own_reference


@dataclass(frozen=True, slots=True)
class PartOfBooking:
    """Another part of what a line was booked with: whether it is settled as a payment, and how much of the booking it takes, where that is known."""

    settled: bool
    taken: Decimal | None


@dataclass(frozen=True, slots=True)
class KnownAttempt:
    """An attempt to pay as a line is held against it; ``unanswered``: two persons ended it since the bank had not answered.

    ``booked_short`` is by how much less than its ``amount`` it was paid. ``planned``: no other attempt pays its tranche, or did;
    ``paid_anew``: another one did. ``pays_for``: the grant and the number of its tranche, where that was looked up.
    """

    attempt_id: UUID
    status: AttemptStatus
    method: PaymentMethod | None
    amount: Decimal
    currency: str
    delivered: bool = False
    unanswered: bool = False
    booked_short: Decimal | None = None
    planned: bool = False
    paid_anew: bool = False
    pays_for: tuple[UUID, int] | None = None

    @property
    def booked(self) -> Decimal:
        """How much of what was ordered left the account, and may come back."""
        return self.amount - (self.booked_short or Decimal(0))


def settles(line: BankLine, attempt: KnownAttempt | None) -> Settles | Unmatched:
    """What a line does to the attempt that it names, or why it does nothing.

    A debit of exactly the amount that was ordered pays a released one, a credit of it returns a paid one, and a report refuses a released
    one unless the bank says that it has had the same before. ``attempt`` is None where none is known under that id. What was
    never sent somebody moved by hand under our id (``not_sent``), whatever else fits; where a restore lost that it was, and its money
    left, two persons find which line it is (``sent_before_restore``). What went to another account than was
    ordered (``another_payee``), or by another block, two persons look at, who may find that it is a payment all the same. So do they
    where it was booked in another currency than ordered: at a debit that is far from the rate of its day (`BAND`), and at each credit.
    """
    if line.attempt_id is None:
        return "names_no_attempt"
    if attempt is None:
        return "attempt_unknown"
    if attempt.method != "bank_file":
        # Cash and what an office pays leave no account of the mission's under an id of ours.
        moved = line.kind == "booked" and line.direction == "debit" and attempt.method is not None
        return "not_sent" if moved else "not_by_bank"
    if line.sent_at is not None:
        return _of_what_was_sent(line, attempt)
    # What a bank refuses of a file that nobody knows any more moved no money: finance states that it did not leave.
    if line.kind != "booked" or not line.left_before_restore:
        return _of_another_order(line)
    found = _of_what_was_sent(line, attempt)
    return "sent_before_restore" if is_settling(found) and not line.by_hand else found


def is_settling(found: Settles | Unmatched) -> TypeGuard[Settles]:
    """Whether a line does something to the attempt that it names."""
    return found in get_args(Settles)


def why_not(line: BankLine, attempt: KnownAttempt | None) -> Unmatched | None:
    """Why a line settles nothing as far as the attempt says; None where it settles it."""
    found = settles(line, attempt)
    return None if is_settling(found) else cast("Unmatched", found)


def _of_what_was_sent(line: BankLine, attempt: KnownAttempt) -> Settles | Unmatched:
    if line.kind != "booked":
        return _of_a_report(line, attempt)
    if line.direction == "debit" and not line.by_hand and (line.other_payee or line.other_block):
        return "another_payee" if line.other_payee else "another_block"
    stands_against_it = _another_amount(line, attempt) if line.paid_part is None else _another_part(line, attempt)
    if stands_against_it is not None:
        return stands_against_it
    return _of_a_debit(line, attempt) if line.direction == "debit" else _of_a_credit(line, attempt)


def _of_another_order(line: BankLine) -> Unmatched:
    if not line.sent_otherwise:
        return "not_sent"
    return "another_account" if line.kind == "booked" else "another_file"


def _of_a_report(line: BankLine, attempt: KnownAttempt) -> Settles | Unmatched:
    if not HAD_BEFORE.isdisjoint(line.reasons):
        return "may_have_been_paid"
    match attempt.status:
        case "released":
            return "refuses"
        case "failed":
            return "already_settled"
        case "paid" | "reversed":
            # Whoever took this for a failure would pay again what is booked.
            return "may_have_been_paid"


def bank_charges(line: BankLine, currency: str) -> Money | None:
    """What the bank booked beyond a payment of that currency, in the account's: its charges; None where that is nothing.

    It is what a line has beyond the part that two persons found to be the payment, and what its booking has beyond all parts of
    it where this is the last of them. What was booked of less than it was worth is exchange, and no charge.
    """
    beyond = line.booking_rest or Decimal(0)
    part = _booked_part(line, currency)
    if part is not None and line.amount is not None:
        beyond += max(line.amount - part, Decimal(0))
    return Money(amount=beyond, currency=line.currency) if line.currency is not None and beyond > 0 else None


def rest_of_booking(line: BankLine, others: Sequence[PartOfBooking], currency: str) -> Decimal | None:
    """What a booking has beyond its parts, once ``line``, a payment of that currency, is settled as the last of them.

    None where another part is not settled as a payment, so that the rest may be of that one, and where nothing is left.
    """
    part = _booked_part(line, currency)
    own = line.amount if line.amount is not None else part
    if own is None or line.booking_whole is None or any(not one.settled or one.taken is None for one in others):
        return None
    rest = line.booking_whole - own - sum((one.taken for one in others if one.taken is not None), Decimal(0))
    return rest if rest > 0 else None


def _booked_part(line: BankLine, currency: str) -> Decimal | None:
    """How much of the line, in the account's currency, the part is that two persons found, and never more than the line has."""
    if line.paid_part is None or line.currency == currency:
        return line.paid_part
    return None if line.part_worth is None else worth_of_part(line, line.part_worth)


def worth_of_part(line: BankLine, worth: Decimal) -> Decimal:
    """How much of a line a part of this worth is: no more than the line has, for what it was booked below its worth is exchange."""
    has = _has(line)
    return worth if has is None else min(worth, has)


def _has(line: BankLine) -> Decimal | None:
    return line.amount if line.amount is not None else line.booking_left


def _another_part(line: BankLine, attempt: KnownAttempt) -> Unmatched | None:
    """Of a debit no more is the attempt's than was ordered, than the line has or says was ordered, and than no other part of its booking takes.

    Nor is it less than was ordered where the line has all of that, nor less than `LEAST_PART` of it. In another currency the line
    has about what the part is worth (`BAND`).
    """
    assert line.paid_part is not None
    if line.direction == "credit":
        return _another_part_back(line, line.paid_part, attempt)
    within = [attempt.amount]
    if line.currency == attempt.currency:
        within += [one for one in (line.amount, line.booking_left) if one is not None]
    if line.instructed_amount is not None and line.instructed_currency == attempt.currency:
        within.append(line.instructed_amount)
    most = min(within)
    least = attempt.amount * LEAST_PART
    if line.currency == attempt.currency and line.amount is not None and most == attempt.amount:
        least = attempt.amount
    if not least <= line.paid_part <= most:
        return "amount_differs"
    return None if line.currency == attempt.currency or _part_near_its_worth(line) else "too_far_from_rate"


def _another_part_back(line: BankLine, part: Decimal, attempt: KnownAttempt) -> Unmatched | None:
    """Of a credit all that the line has came back, no more than was booked and `LEAST_PART` of it; the rest a bank kept on the way.

    In another currency the line has about what the part is worth (`BAND`).
    """
    if not attempt.booked * LEAST_PART <= part <= attempt.booked:
        return "amount_differs"
    if line.currency != attempt.currency:
        return None if _part_near_its_worth(line) else "too_far_from_rate"
    has = _has(line)
    return "amount_differs" if has is None or part > has or (line.amount is not None and part < has) else None


def _another_amount(line: BankLine, attempt: KnownAttempt) -> Unmatched | None:
    """What was ordered and, in the account's own currency, what was booked are both the attempt's; what comes back is what was booked."""
    told: list[tuple[Decimal | None, str | None]] = [(line.amount, line.currency)] if line.currency == attempt.currency else []
    if line.instructed_amount is not None:
        told.append((line.instructed_amount, line.instructed_currency))
    if not told or any(currency != attempt.currency for _, currency in told):
        return "currency_differs"
    if any(amount is None for amount, _ in told):
        return "amount_unknown"
    expected = attempt.booked if line.direction == "credit" else attempt.amount
    return None if all(amount == expected for amount, _ in told) else "amount_differs"


def _is_exchanged(line: BankLine, attempt: KnownAttempt) -> bool:
    """Whether it was booked in another currency than ordered, and no two persons found that it is this payment all the same."""
    return line.currency != attempt.currency and not line.by_hand


def _part_near_its_worth(line: BankLine) -> bool:
    """Whether the line has what the part is worth; of a booking with parts that nobody knows yet it has that at least."""
    has, worth = _has(line), line.part_worth
    if has is None or worth is None:
        return False
    off = has - worth
    return -off <= worth * BAND and (off <= worth * BAND or (line.amount is None and line.booking_open))


def _near_its_worth(line: BankLine) -> bool:
    if line.amount is None or line.worth is None:
        return False
    return abs(line.amount - line.worth) <= line.worth * BAND


def _of_a_debit(line: BankLine, attempt: KnownAttempt) -> Settles | Unmatched:
    if line.reversal:
        # It takes back a credit, so that what came back is away again.
        return "takes_back"
    match attempt.status:
        case "released" if _is_exchanged(line, attempt) and not _near_its_worth(line):
            return "too_far_from_rate"
        case "released":
            return "pays"
        case "paid" | "reversed":
            return "already_settled"
        case "failed" if attempt.unanswered:
            # It may be paid anew since, so that it was paid twice; as long as it is not two persons find that it is this payment.
            return "paid_anew" if attempt.paid_anew else "pays" if line.by_hand and attempt.planned else "booked_after_all"
        case "failed":
            return "not_released"


def _of_a_credit(line: BankLine, attempt: KnownAttempt) -> Settles | Unmatched:
    if line.by_code and not line.reasons and not line.reversal and not line.by_hand:
        return "gives_no_reason"
    match attempt.status:
        case "paid" if attempt.delivered:
            return "delivered_already"
        case "paid" if _is_exchanged(line, attempt):
            return "back_in_another_currency"
        case "paid":
            return "returns"
        case "reversed":
            return "already_settled"
        case "released" | "failed":
            return "not_paid"
