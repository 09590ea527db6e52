"""A payment of a file that the bank took and never answered: two persons who paid nothing end that attempt, and it is paid anew.

Decision 88.
"""

from datetime import timedelta
from typing import Final

from services.reintegration.domain.grant_facts import GrantFacts, while_in
from services.reintegration.domain.grant_state import Grant, GrantTranche
from services.reintegration.domain.hats import may_wear
from services.reintegration.domain.signers import not_who_signed_its_batch
from services.reintegration.domain.tranches import (
    OfAttempt,
    TrancheNumber,
    refuse_another_attempt,
    tranche_of,
)
from shared.actors import Role
from shared.contracts.attempts import PaymentEndAsked, PaymentFailed, PaymentKeptOpen
from shared.decider import Events, Rule, changing
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Context, Event

# An example, never a rule of IOM: whatever a bank did stands in its statements of a week.
ANSWERED_WITHIN: Final = timedelta(days=10)
# An example as well: what a bank reported as paid stands in the statement of that month, or it is not there at all.
BOOKED_WITHIN: Final = timedelta(days=30)


class AskToEndPayment(Command):
    """Say that the bank never answered for a payment that it was ordered. A colleague confirms it; then it can be paid anew."""

    number: TrancheNumber
    attempt_id: OfAttempt = None


class ConfirmPaymentEnd(Command):
    """Confirm, after you asked the bank and looked through its statements, that it never answered. The tranche can be released anew."""

    number: TrancheNumber
    attempt_id: OfAttempt = None


class KeepPaymentOpen(Command):
    """Take back, or decline, that a payment which the bank has not answered is ended; it is waited for as before."""

    number: TrancheNumber
    attempt_id: OfAttempt = None


ORDERS: Final = (AskToEndPayment, ConfirmPaymentEnd, KeepPaymentOpen)


def not_by_whoever_asked() -> FourEyes:
    """Refuses to end an attempt alone; the database's CHECK refuses it in the same words."""
    return FourEyes("You asked to end this payment, so somebody else has to confirm that the bank never answered.")


def _bank_may_answer() -> RuleViolation:
    return RuleViolation("bank_may_answer", "The bank may still answer: it is ended ten days after the day on which it was to be paid, at the earliest.")


def _waits_for_the_bank(state: Grant, _: GrantFacts, context: Context) -> None:
    # At most one tranche of a grant is under way, and no batch pays on a day before the release.
    ordered = [one for one in state.tranches_in("released") if one.method == "bank_file"]
    if not ordered:
        raise RuleViolation("not_with_the_bank", "No payment of this grant waits for the bank.")
    if any(one.released_at is not None and context.now < one.released_at + ANSWERED_WITHIN for one in ordered):
        raise _bank_may_answer()


def _nothing_asked(state: Grant, _: GrantFacts, __: Context) -> None:
    if any(one.end_asked is not None for one in state.tranches):
        raise RuleViolation("end_asked", "A colleague asked to end this payment already. It waits for a second person.")


def _asked(state: Grant, _: GrantFacts, __: Context) -> None:
    if all(one.end_asked is None for one in state.tranches):
        raise RuleViolation("nothing_waits", "Nobody asked to end a payment of this grant.")


def _not_by_whoever_asked(state: Grant, _: GrantFacts, context: Context) -> None:
    if any(one.end_asked is not None and one.end_asked.asked_by == context.actor.person_id for one in state.tranches):
        raise not_by_whoever_asked()


def _unanswered(state: Grant, order: AskToEndPayment | ConfirmPaymentEnd, facts: GrantFacts) -> GrantTranche:
    """The tranche; refused unless the bank had ten days to answer, and nothing that it says may be of it."""
    tranche = _meant(state, order)
    if facts.ordered_on is None:
        raise RuleViolation("not_with_the_bank", "This payment stands in no file that was taken to the bank. It is taken back, or its batch dropped.")
    if facts.today < facts.ordered_on + ANSWERED_WITHIN:
        raise _bank_may_answer()
    if facts.bank_line_waits:
        raise RuleViolation("bank_line_waits", "A line of the bank's says that money may have left for it. Find out first what that is.")
    if facts.said_paid_on is not None and facts.today - facts.said_paid_on < BOOKED_WITHIN:
        raise RuleViolation("bank_says_paid", "The bank reported that it made this payment. Its statement says when; without one it is ended after thirty days.")
    return tranche


def _meant(state: Grant, order: AskToEndPayment | ConfirmPaymentEnd | KeepPaymentOpen) -> GrantTranche:
    tranche = tranche_of(state, order.number)
    if tranche.status != "released":
        raise RuleViolation("not_with_the_bank", "No payment of this tranche waits for the bank.")
    refuse_another_attempt(tranche, order.attempt_id)
    return tranche


def _ask(state: Grant, order: AskToEndPayment, facts: GrantFacts, context: Context) -> Events:
    tranche = _unanswered(state, order, facts)
    return (
        PaymentEndAsked(
            number=tranche.number, attempt_no=tranche.attempt_no, attempt_id=tranche.attempt_id,
            asked_by=context.actor.person_id, asked_at=context.now,
        ),
    )  # fmt: skip


def _confirm(state: Grant, order: ConfirmPaymentEnd, facts: GrantFacts, context: Context) -> Events:
    tranche = _unanswered(state, order, facts)
    if facts.said_paid_on is not None and Role.CHIEF_OF_MISSION not in context.actor.roles:
        raise RuleViolation("chief_confirms", "The bank reported that it made this payment, so that only the chief of mission confirms its end.")
    assert tranche.end_asked is not None
    return (
        PaymentFailed(
            number=tranche.number, attempt_no=tranche.attempt_no, attempt_id=tranche.attempt_id, reason="not_answered",
            failed_on=facts.today, reported_by=context.actor.person_id, reported_as="reconciler", reported_at=context.now,
            asked_by=tranche.end_asked.asked_by,
        ),
    )  # fmt: skip


def _keep(state: Grant, order: KeepPaymentOpen, _: GrantFacts, context: Context) -> Events:
    tranche = _meant(state, order)
    return (
        PaymentKeptOpen(
            number=tranche.number, attempt_no=tranche.attempt_no, attempt_id=tranche.attempt_id,
            kept_by=context.actor.person_id, kept_at=context.now,
        ),
    )  # fmt: skip


_WHILE = while_in("ended", "in_disbursement", "suspended")
UNANSWERED_EVENTS: tuple[type[Event], ...] = (PaymentEndAsked, PaymentKeptOpen)
UNANSWERED_RULES: tuple[Rule[Grant, GrantFacts], ...] = (
    changing(
        AskToEndPayment, "Ask to end a payment without an answer", _ask, _WHILE, may_wear("reconciler"), not_who_signed_its_batch,
        _waits_for_the_bank, _nothing_asked,
    ),
    changing(
        ConfirmPaymentEnd, "Confirm that the bank never answered", _confirm, _WHILE, may_wear("reconciler"), not_who_signed_its_batch,
        _waits_for_the_bank, _asked, _not_by_whoever_asked,
    ),
    changing(
        KeepPaymentOpen, "Go on waiting for the bank", _keep, _WHILE, may_wear("reconciler"), not_who_signed_its_batch, _asked
    ),
)  # fmt: skip
