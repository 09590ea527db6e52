"""Attempts to pay a tranche that end without it: one fails, or what was paid comes back; the tranche is released anew.

Decision 53 says who may say so and why a payment is never edited.
"""

from datetime import date
from typing import Final

from services.reintegration.domain.amounts import NOTHING, earliest_day
from services.reintegration.domain.commitment import in_fund
from services.reintegration.domain.grant_facts import GrantFacts, while_in
from services.reintegration.domain.grant_state import Grant, GrantTranche
from services.reintegration.domain.hats import hats, may_wear
from services.reintegration.domain.lost_payments import paid_before_restore
from services.reintegration.domain.payee_of_grant import (
    paid_by_bank,
    refuse_another_way,
    refuse_of_the_bank,
)
from services.reintegration.domain.signers import not_who_signed_its_batch
from services.reintegration.domain.tranches import (
    OfAttempt,
    TrancheNumber,
    Waits,
    posted_in,
    refuse_another_attempt,
    tranche_of,
)
from shared.actors import Role
from shared.contracts.attempts import (
    DisbursementUndone,
    PaymentFailed,
    PaymentHat,
    PaymentReversed,
    ReportedFailure,
    ReversalReason,
    SentBack,
)
from shared.decider import Events, Rule, changing
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Context, Event
from shared.moments import Day


class ReportPaymentFailed(Command):
    """Report that a released tranche, which somebody else released, was not paid. It can be released anew, which is another attempt."""

    number: TrancheNumber
    reason: ReportedFailure
    failed_on: Day
    attempt_id: OfAttempt = None


class ReversePayment(Command):
    """Record that what was paid for a tranche came back, before it was delivered. It can be released anew."""

    number: TrancheNumber
    reason: ReversalReason
    returned_on: Day
    attempt_id: OfAttempt = None


_FAILURE = Waits(
    "released",
    ("tranche_not_released", "A payer releases a tranche before its payment can fail."),
    ("paid_already", "The payment is confirmed already. If the money came back, that is recorded as a payment that came back."),
)
_RETURN = Waits(
    "paid",
    ("tranche_not_paid", "The payment of this tranche is not confirmed, so nothing can have come back."),
    (
        "delivered_already",
        "The delivery is confirmed, so the money was used. What should not have been paid is asked back of the person.",
    ),
)


_PAYERS: Final = frozenset({Role.FINANCE_PAYER, Role.OFFICE_PAYER})


def recovered_at_its_share(state: Grant) -> bool:
    """Whether money of it came back and was posted at a share of what all of it had cost, which of less would not be true."""
    return state.recovered > NOTHING and state.fund_in_another_currency


def worn_by(state: Grant, context: Context) -> PaymentHat:
    """In which hat somebody reports a failure: the one that they wore on the grant, else the one of their role."""
    worn = {hat for hat, person in hats(state) if person == context.actor.person_id}
    if "payer" in worn:
        return "payer"
    if "reconciler" in worn or context.actor.roles.isdisjoint(_PAYERS):
        return "reconciler"
    return "payer"


def _handles_payments(state: Grant, facts: GrantFacts, context: Context) -> None:
    may_wear(worn_by(state, context))(state, facts, context)


def _refuse_their_own(tranche: GrantTranche, context: Context) -> None:
    """What is paid by hand nobody else sees: whoever could end their own attempt and begin another would pay twice (decision 72)."""
    if tranche.method != "bank_file" and tranche.released_by == context.actor.person_id:
        raise FourEyes("You released this payment, so somebody else has to say that it failed.")


def _released_by_another(state: Grant, facts: GrantFacts, context: Context) -> None:
    # At most one tranche of a grant is under way.
    for tranche in state.tranches_in("released"):
        refuse_another_way(tranche.method, context.actor)
        _refuse_their_own(tranche, context)


def _refuse_beyond_the_hat(state: Grant, tranche: GrantTranche, order: ReportPaymentFailed, context: Context) -> None:
    """A second payer takes back what was not sent; that a payment was tried and failed is for those to say who pay nothing."""
    if tranche.method != "bank_file" and order.reason != "not_sent" and worn_by(state, context) == "payer":
        raise RuleViolation(
            "reconciler_reports", "Whoever pays takes back what was not sent. That a payment failed a reconciler reports."
        )


def line_of_the_bank_waits() -> RuleViolation:
    """Refuses to pay anew, or to take back, what money may have left for."""
    return RuleViolation("bank_line_waits", "A line of the bank's says that money may have left for it. Find out first what that is.")


def _refuse_what_the_bank_has(
    state: Grant, tranche: GrantTranche, order: ReportPaymentFailed, facts: GrantFacts, context: Context
) -> None:
    """Whoever pays takes back what they did not send; of all else that the bank was to pay its files say what became of it."""
    if tranche.method != "bank_file":
        if facts.own_line_waits:
            raise line_of_the_bank_waits()
        return
    if order.reason != "not_sent" or worn_by(state, context) != "payer":
        raise paid_by_bank()
    if facts.in_a_batch:
        raise RuleViolation("in_a_batch", "This payment stands in a batch for the bank. The batch is dropped before it is taken back.")
    # One that waits for the attempt before it does not keep this one, which was not sent, from being taken back: then that one is settled.
    if facts.own_line_waits:
        raise line_of_the_bank_waits()


def _report_failure(state: Grant, order: ReportPaymentFailed, facts: GrantFacts, context: Context) -> Events:
    tranche = tranche_of(state, order.number)
    _FAILURE.refuse_unless_waiting((tranche,))
    refuse_another_attempt(tranche, order.attempt_id)
    refuse_another_way(tranche.method, context.actor)
    if order.reason == "not_sent" and tranche.number in facts.lost_tranches:
        raise paid_before_restore()
    _refuse_what_the_bank_has(state, tranche, order, facts, context)
    _refuse_their_own(tranche, context)
    _refuse_beyond_the_hat(state, tranche, order, context)
    if tranche.witness is not None:
        raise RuleViolation("witnessed_already", "A colleague saw this cash handed over. The payment is confirmed, or comes back.")
    if order.failed_on > facts.today:
        raise RuleViolation("in_the_future", "The day on which the payment failed is still to come.")
    if tranche.released_at is not None and order.failed_on < earliest_day(tranche.released_at):
        raise RuleViolation("failed_before_release", "The day on which the payment failed lies before it was released.")
    return (
        PaymentFailed(
            number=tranche.number, attempt_no=tranche.attempt_no, attempt_id=tranche.attempt_id, reason=order.reason,
            failed_on=order.failed_on, reported_by=context.actor.person_id, reported_as=worn_by(state, context),
            reported_at=context.now,
        ),
    )  # fmt: skip


def _reverse(state: Grant, order: ReversePayment, facts: GrantFacts, context: Context) -> Events:
    tranche = tranche_of(state, order.number)
    _RETURN.refuse_unless_waiting((tranche,))
    refuse_another_attempt(tranche, order.attempt_id)
    refuse_of_the_bank(tranche)
    if order.returned_on > facts.today:
        raise RuleViolation("in_the_future", "The day on which the money came back is still to come.")
    if tranche.paid_on is None or order.returned_on < tranche.paid_on:
        raise RuleViolation("returned_before_payment", "The day on which the money came back lies before that of the payment.")
    return came_back(state, tranche, facts, context, order.reason, order.returned_on)


def came_back(
    state: Grant, tranche: GrantTranche, facts: GrantFacts, context: Context, reason: ReversalReason, returned_on: date,
    by_bank: SentBack | None = None,
) -> Events:  # fmt: skip
    """The facts of a payment that came back, ``by_bank`` where a line of the bank's says so; refused as ``asked_back_already`` where it is asked back as well."""
    if state.recovery_amount is not None and state.recovery_amount > state.booked - tranche.booked:
        raise RuleViolation(
            "asked_back_already", "More of this grant is asked back than would be left as paid. What came back is part of that."
        )
    if recovered_at_its_share(state):
        raise RuleViolation(
            "recovered_already", "Money of this grant came back and was posted at its share of the cost. What comes back now is recorded as part of what is asked back."
        )
    # What comes back to a fund that is closed is committed no more: nothing is paid from it.
    freed = state.status == "cancelled" or facts.fund_closed
    back = PaymentReversed(
        case_id=state.case_id,
        number=tranche.number,
        attempt_no=tranche.attempt_no,
        attempt_id=tranche.attempt_id,
        money=state.money_of(tranche),
        reason=reason,
        returned_on=returned_on,
        reversed_by=context.actor.person_id,
        reversed_at=context.now,
        posted_in=posted_in(facts),
        in_fund=in_fund(state, tranche.in_fund),
        freed=freed,
        bank_line=None if by_bank is None else by_bank.bank_line,
        kept_by_bank=None if by_bank is None else by_bank.kept_by_bank,
    )
    if state.status == "disbursed":
        return back, DisbursementUndone(case_id=state.case_id)
    return (back,)


ATTEMPT_EVENTS: tuple[type[Event], ...] = (PaymentFailed, PaymentReversed, DisbursementUndone)
ATTEMPT_RULES: tuple[Rule[Grant, GrantFacts], ...] = (
    changing(
        ReportPaymentFailed,
        "Report that a payment failed",
        _report_failure,
        while_in("reported as failed", "in_disbursement", "suspended"),
        _handles_payments,
        _FAILURE.guard,
        _released_by_another,
    ),
    changing(
        ReversePayment,
        "Record that a payment came back",
        _reverse,
        while_in("reversed", "in_disbursement", "suspended", "disbursed", "cancelled"),
        may_wear("reconciler"),
        not_who_signed_its_batch,
        _RETURN.guard,
    ),
)
