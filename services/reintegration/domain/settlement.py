"""How what the bank says settles the attempts to pay of a grant: by the bank's word alone, in nobody's hat. Decision 59."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from services.reintegration.domain.amounts import earliest_day
from services.reintegration.domain.attempts import (
    ATTEMPT_EVENTS,
    ATTEMPT_RULES,
    came_back,
    recovered_at_its_share,
)
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import FormerAttempt, Grant, GrantTranche
from services.reintegration.domain.matching import (
    AttemptStatus,
    BankLine,
    KnownAttempt,
    Settles,
    Unmatched,
    bank_charges,
    is_settling,
    settles,
)
from services.reintegration.domain.tranche_evolve import answered_late
from services.reintegration.domain.tranches import paid
from shared.contracts.attempts import (
    BookedOtherwise,
    FailureReason,
    PaymentAnsweredLate,
    PaymentFailed,
    SentBack,
)
from shared.decider import Events, Rule, changing
from shared.messages import Command, Context, Event
from shared.money import Money

# ISO's reasons for a refusal as ours; every other one is that the bank refused.
_REASONS: Final[Mapping[str, FailureReason]] = {
    "AC04": "account_closed", "AC07": "account_closed",
    **dict.fromkeys(("AC01", "AC02", "AC03", "AC05", "AC12", "AC13", "AC14", "RC01", "RC04"), "account_unknown"),
    **dict.fromkeys(("BE01", "BE05", "BE06", "BE07"), "name_mismatch"),
    **dict.fromkeys(("AM02", "AM13", "AM14", "AM21"), "limit_exceeded"),
}  # fmt: skip
_STATES: Final[Mapping[Settles, frozenset[str]]] = {
    "pays": frozenset({"approved", "in_disbursement", "suspended", "disbursed"}),
    "returns": frozenset({"in_disbursement", "suspended", "disbursed", "cancelled"}),
    "refuses": frozenset({"in_disbursement", "suspended"}),
}


def attempts_of(grant: Grant) -> Mapping[UUID, KnownAttempt]:
    """Each attempt to pay of a grant, under its id."""
    over: Sequence[GrantTranche | FormerAttempt] = grant.former_attempts
    begun = [tranche for tranche in grant.tranches if tranche.status != "planned"]
    now = {tranche.number: tranche.status for tranche in grant.tranches}
    return {
        one.attempt_id: KnownAttempt(
            one.attempt_id, _status(one), one.method, one.amount, grant.currency,
            delivered=isinstance(one, GrantTranche) and one.status in ("delivered", "reconciled"),
            unanswered=isinstance(one, FormerAttempt) and one.reason == "not_answered", booked_short=one.booked_short,
            planned=isinstance(one, FormerAttempt) and now[one.tranche] == "planned",
            paid_anew=isinstance(one, FormerAttempt) and now[one.tranche] not in ("planned", "released"),
        )
        for one in (*over, *begun) if one.attempt_id is not None
    }  # fmt: skip


def _status(one: GrantTranche | FormerAttempt) -> AttemptStatus:
    if isinstance(one, FormerAttempt):
        return "failed" if one.paid_on is None else "reversed"
    return "released" if one.paid_on is None else "paid"


def outcome(grant: Grant, line: BankLine, today: date) -> Settles | Unmatched:
    """What a line does to a grant as it stands on a day of the mission's, or why it does nothing."""
    found = settles(line, attempts_of(grant).get(line.attempt_id) if line.attempt_id is not None else None)
    if not is_settling(found):
        return found
    if grant.status not in _STATES[found]:
        return "grant_not_in_disbursement"
    grant = _with_what_was_answered_late(grant, _answered_late(grant, line, grant.waiting_since))
    day = day_of(line)
    tranche = _tranche(grant, line)
    earliest = {"pays": _day_of(line.sent_at or tranche.released_at), "refuses": _day_of(tranche.released_at), "returns": tranche.paid_on}[found]
    if day is None or day > today or (earliest is not None and day < earliest):
        return "day_impossible"
    left = grant.booked - tranche.booked
    if found == "returns" and grant.recovery_amount is not None and grant.recovery_amount > left:
        return "asked_back_already"
    if found == "returns" and recovered_at_its_share(grant):
        return "asked_back_already"
    return found


def first_that_settles(grant: Grant, lines: Sequence[BankLine], today: date) -> BankLine | None:
    """The first of these lines, in the order in which they were booked, that settles an attempt of the grant."""
    return next((line for line in sorted(lines, key=_place) if is_settling(outcome(grant, line, today))), None)


def day_of(line: BankLine) -> date | None:
    """The day of what a line says: on which it was booked; a report says none, so that it is that of the import."""
    if line.booked_on is not None:
        return line.booked_on
    return None if line.imported_at is None else line.imported_at.date()


def _place(line: BankLine) -> tuple[date, bool, UUID]:
    # Of one day what went out comes first: nothing can come back before.
    return day_of(line) or date.max, line.direction == "credit", line.id


def _day_of(moment: datetime | None) -> date | None:
    return None if moment is None else earliest_day(moment)


def _tranche(grant: Grant, line: BankLine) -> GrantTranche:
    return next(one for one in grant.tranches if one.status != "planned" and one.attempt_id == line.attempt_id)


def _answered_late(grant: Grant, line: BankLine, at: datetime) -> tuple[PaymentAnsweredLate, ...]:
    """That a line is of an attempt that two persons had ended, where it is."""
    return tuple(
        PaymentAnsweredLate(number=one.tranche, attempt_no=one.attempt_no, attempt_id=one.attempt_id, answered_at=at)
        for one in grant.former_attempts
        if one.attempt_id is not None and one.attempt_id == line.attempt_id and one.reason == "not_answered"
    )


def _with_what_was_answered_late(grant: Grant, late: tuple[PaymentAnsweredLate, ...]) -> Grant:
    return answered_late(grant, late[0]) if late else grant


class SettleByBank(Command):
    """Settle the next attempt to pay of this grant of which a line of the bank's says what became of it."""


def _settle(state: Grant, _: SettleByBank, facts: GrantFacts, context: Context) -> Events:
    line = facts.bank_line
    if line is None:
        return ()
    found = outcome(state, line, facts.today)
    # What stands against it stays in the queue, under its reason; to look again costs nothing.
    if not is_settling(found) or (found != "refuses" and facts.month_closed and facts.open_month is None):
        return ()
    late = _answered_late(state, line, context.now)
    state = _with_what_was_answered_late(state, late)
    tranche, day = _tranche(state, line), day_of(line)
    assert day is not None
    match found:
        case "pays":
            reference = line.own_reference if facts.reference_used else line.reference
            booked = BookedOtherwise(
                bank_line=line.id, bank_charges=bank_charges(line, state.currency),
                booked_short=None if line.paid_part is None else _money(state, tranche.amount - line.paid_part),
            )  # fmt: skip
            return (*late, *paid(state, tranche, facts, context, reference, day, booked))
        case "returns":
            kept = None if line.paid_part is None else _money(state, tranche.booked - line.paid_part)
            return came_back(state, tranche, facts, context, "returned_by_bank", day, SentBack(bank_line=line.id, kept_by_bank=kept))
        case "refuses":
            return (
                PaymentFailed(
                    number=tranche.number, attempt_no=tranche.attempt_no, attempt_id=tranche.attempt_id,
                    reason=failure_reason(line.reasons), failed_on=day, reported_by=context.actor.person_id, reported_as="bank",
                    reported_at=context.now, bank_line=line.id,
                ),
            )  # fmt: skip


def _money(state: Grant, amount: Decimal) -> Money | None:
    return Money(amount=amount, currency=state.currency) if amount else None


def failure_reason(codes: Sequence[str]) -> FailureReason:
    """Why a payment failed, by the first of the bank's codes that says more than that it refused."""
    return next((_REASONS[code] for code in codes if code in _REASONS), "refused_by_bank")


# What becomes of an attempt that was released: by somebody's word, or by the bank's.
PAYMENT_EVENTS: tuple[type[Event], ...] = (*ATTEMPT_EVENTS, PaymentAnsweredLate)
PAYMENT_RULES: tuple[Rule[Grant, GrantFacts], ...] = (
    *ATTEMPT_RULES,
    changing(SettleByBank, "Settle by the bank", _settle),
)
