"""Cash by two signatures: somebody of the office sees who takes it, and only then whoever pays confirms the payment."""

from datetime import datetime, timedelta
from typing import Final

from services.reintegration.domain.amounts import earliest_day
from services.reintegration.domain.attempts import line_of_the_bank_waits
from services.reintegration.domain.grant_facts import GrantFacts, while_in
from services.reintegration.domain.grant_state import Grant, GrantTranche
from services.reintegration.domain.hats import may_wear
from services.reintegration.domain.payee_facts import Payable
from services.reintegration.domain.signers import not_who_signed_its_batch
from services.reintegration.domain.stood_against import refuse_unless_payable_still, stood_against
from services.reintegration.domain.tranches import (
    OfAttempt,
    TrancheNumber,
    Waits,
    refuse_another_attempt,
    tranche_of,
)
from shared.contracts.paid_although import concealed
from shared.contracts.visits import CashWitnessed, IdentityDocument
from shared.decider import Events, Rule, changing
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Context, Event
from shared.moments import Day

# An example, never an IOM rule: from then on somebody asks why nobody came for the cash.
UNCLAIMED_AFTER: Final = timedelta(days=14)


class WitnessCash(Command):
    """State that you checked who they are and saw the cash handed over. Whoever pays confirms the payment after you."""

    number: TrancheNumber
    identity_document: IdentityDocument
    handed_over_on: Day
    attempt_id: OfAttempt = None


_HANDOVER = Waits(
    "released",
    ("tranche_not_released", "A payer releases a tranche before its cash can be handed over."),
    ("paid_already", "The payment is confirmed already."),
)


def _refuse_unless_cash_waits(tranche: GrantTranche) -> None:
    if tranche.method != "cash":
        raise RuleViolation("not_in_cash", "This tranche is not paid in cash, so nobody hands it over.")
    if tranche.witness is not None:
        raise RuleViolation("witnessed_already", "A colleague has stated that this cash was handed over.")


def refuse_voucher(state: Grant, tranche: GrantTranche, known: Payable, now: datetime, *, bank_line_waits: bool) -> None:
    """Refused where the voucher of this cash is not printed: as `_refuse_unless_cash_waits`, or by what stands against paying it.

    ``bank_line_waits``: a line of the bank's says that money may have left for it, or for the payment before it, and nobody has found out yet what that is.
    """
    _refuse_unless_cash_waits(tranche)
    if bank_line_waits:
        raise line_of_the_bank_waits()
    refuse_unless_payable_still(state, tranche, known, now)


def _did_not_ask(state: Grant, facts: GrantFacts, context: Context) -> None:
    """Whoever asked may confirm what was delivered, but cash leaves nothing else to look at than who saw it handed over."""
    if context.actor.person_id == state.requester_id:
        raise FourEyes("You asked for this grant, so somebody else has to see its cash handed over.")


def _cash_waits(state: Grant, facts: GrantFacts, context: Context) -> None:
    # At most one tranche of a grant is under way.
    for tranche in state.tranches_in("released"):
        _refuse_unless_cash_waits(tranche)


def _witness(state: Grant, order: WitnessCash, facts: GrantFacts, context: Context) -> Events:
    tranche = tranche_of(state, order.number)
    _HANDOVER.refuse_unless_waiting((tranche,))
    refuse_another_attempt(tranche, order.attempt_id)
    _refuse_unless_cash_waits(tranche)
    if order.handed_over_on > facts.today:
        raise RuleViolation("in_the_future", "The day on which the cash was handed over is still to come.")
    if tranche.released_at is not None and order.handed_over_on < earliest_day(tranche.released_at):
        raise RuleViolation("handed_over_before_release", "The day on which the cash was handed over lies before its release.")
    return (
        CashWitnessed(
            number=tranche.number, attempt_no=tranche.attempt_no, attempt_id=tranche.attempt_id,
            handed_over_on=order.handed_over_on, identity_document=order.identity_document,
            witnessed_by=context.actor.person_id, witnessed_at=context.now,
            stood_against=concealed(stood_against(state, tranche, facts.payable, context.now)),
        ),
    )  # fmt: skip


CASH_EVENTS: tuple[type[Event], ...] = (CashWitnessed,)
CASH_RULES: tuple[Rule[Grant, GrantFacts], ...] = (
    changing(
        WitnessCash, "State that cash was handed over", _witness, while_in("handed over", "in_disbursement", "suspended"),
        may_wear("deliverer"), not_who_signed_its_batch, _did_not_ask, _HANDOVER.guard, _cash_waits,
    ),
)  # fmt: skip
