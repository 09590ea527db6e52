"""How facts about a tranche and its attempts change a grant."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from services.reintegration.domain.amounts import NOTHING
from services.reintegration.domain.grant_state import (
    TRANCHE_TRANSITIONS,
    EndAsked,
    EndedEarly,
    FormerAttempt,
    Grant,
    GrantTranche,
    TrancheStatus,
)
from shared.contracts.attempts import (
    PaymentAnsweredLate,
    PaymentEndAsked,
    PaymentFailed,
    PaymentKeptOpen,
    PaymentReversed,
)
from shared.money import Money
from shared.transitions import moved


def advanced(state: Grant, number: int, status: TrancheStatus) -> GrantTranche:
    """The tranche at its next status; an event that names one which its grant does not have raises LookupError."""
    tranche = state.tranche(number)
    if tranche is None:
        raise LookupError("an event names a tranche that its grant does not have")
    return replace(tranche, status=moved(TRANCHE_TRANSITIONS, tranche.status, status))


def failed(state: Grant, event: PaymentFailed) -> Grant:
    """The attempt is over and the tranche planned anew; whoever reported it wears their hat from then on, the bank none."""
    planned = _planned_anew(
        state, event.number, ended_as=None if event.reported_as == "bank" else event.reported_as,
        ended_by=None if event.reported_as == "bank" else event.reported_by, ended_at=event.reported_at,
        ended_on=event.failed_on, reason=event.reason, ended_line=event.bank_line, end_asked_by=event.asked_by,
    )  # fmt: skip
    if event.reported_as == "bank":
        return planned
    if event.reported_as == "payer":
        return replace(planned, payer_id=event.reported_by)
    return replace(planned, reconciler_id=event.reported_by)


def may_end(state: Grant, event: PaymentEndAsked | PaymentKeptOpen) -> Grant:
    """Somebody asked to end an attempt that the bank never answered, or it is waited for as before."""
    asked = EndAsked(event.asked_by, event.asked_at) if isinstance(event, PaymentEndAsked) else None
    tranches = tuple(replace(one, end_asked=asked) if one.number == event.number else one for one in state.tranches)
    return replace(state, tranches=tranches)


def answered_late(state: Grant, event: PaymentAnsweredLate) -> Grant:
    """An attempt that two persons had ended is under way again as it was released, and who ended it is kept with it."""
    over = next(one for one in state.former_attempts if one.attempt_id == event.attempt_id)
    again = GrantTranche(
        number=over.tranche, amount=over.amount, status=advanced(state, over.tranche, "released").status, released_by=over.released_by,
        released_at=over.released_at, in_fund=over.in_fund, attempt_no=over.attempt_no, attempt_id=over.attempt_id, payee_id=over.payee_id,
        account_no=over.account_no, method=over.method, ended_early=EndedEarly(over.end_asked_by, over.ended_by, over.ended_at),
    )  # fmt: skip
    others = tuple(one for one in state.former_attempts if one is not over)
    return replace(with_tranche(state, again, event.answered_at), former_attempts=others)


def reversed_(state: Grant, event: PaymentReversed) -> Grant:
    """What was paid came back: it is committed again, or free of the grant that was cancelled."""
    by_bank = event.bank_line is not None
    planned = _planned_anew(
        state, event.number, ended_as=None if by_bank else "reconciler", ended_by=None if by_bank else event.reversed_by,
        ended_at=event.reversed_at, ended_on=event.returned_on, reason=event.reason, return_posted_in=event.posted_in,
        ended_line=event.bank_line, kept_by_bank=None if event.kept_by_bank is None else event.kept_by_bank.amount,
    )  # fmt: skip
    cost, own = (event.in_fund or event.money).amount, event.money.amount
    return replace(
        planned,
        reconciler_id=state.reconciler_id if by_bank else event.reversed_by,
        paid=state.paid - own,
        committed=state.committed + (NOTHING if event.freed else own),
        fund_paid=(state.fund_paid or NOTHING) - cost,
        fund_committed=(state.fund_committed or NOTHING) + (NOTHING if event.freed else cost),
    )


def _planned_anew(state: Grant, number: int, **ended: Any) -> Grant:
    """The grant with the attempt at which a tranche stands behind it, as it ended, and the tranche planned for the next one."""
    over = state.tranche(number)
    advanced(state, number, "planned")
    assert over is not None
    former = FormerAttempt(
        tranche=number, attempt_no=over.attempt_no, attempt_id=over.attempt_id, amount=over.amount, in_fund=over.in_fund,
        released_by=over.released_by, released_at=over.released_at, confirmed_by=over.confirmed_by,
        confirmed_at=over.confirmed_at, reference=over.reference, paid_on=over.paid_on, posted_in=over.posted_in,
        payee_id=over.payee_id, account_no=over.account_no, method=over.method, paid_line=over.paid_line,
        witness=over.witness, bank_charges=over.bank_charges, booked_short=over.booked_short,
        ended_early=over.ended_early, charges_currency=over.charges_currency, **ended,
    )  # fmt: skip
    # One that was answered late may have an earlier number than those that were tried meanwhile.
    tried = [one.attempt_no for one in state.former_attempts if one.tranche == number]
    planned = GrantTranche(number, over.amount, attempt_no=max(over.attempt_no, *tried, 0) + 1)
    return replace(with_tranche(state, planned, former.ended_at), former_attempts=(*state.former_attempts, former))


def charged_in(state: Grant, charges: Money | None) -> str | None:
    """The currency of a bank's charges where it is another one than the grant's."""
    return None if charges is None or charges.currency == state.currency else charges.currency


def with_tranche(state: Grant, changed: GrantTranche, at: datetime | None) -> Grant:
    """The grant with this tranche as it is now, waiting since then for whoever comes next."""
    tranches = tuple(changed if tranche.number == changed.number else tranche for tranche in state.tranches)
    return replace(state, tranches=tranches, waiting_since=at or state.waiting_since)
