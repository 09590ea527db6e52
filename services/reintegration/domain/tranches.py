"""The tranches of a grant: released in order, paid under a reference used once, delivered, reconciled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field, StrictBool

from services.reintegration.domain.amounts import PlannedMoney, earliest_day
from services.reintegration.domain.bank_file_hats import (
    not_who_brought_their_files,
    refuse_who_brought_its_file,
)
from services.reintegration.domain.commitment import cost_of_release, in_fund, not_needed, still_covered
from services.reintegration.domain.grant_facts import MOST_TRANCHES, GrantFacts, person_has_arrived, while_in
from services.reintegration.domain.grant_state import TRANCHE_TRANSITIONS, Grant, GrantTranche, TrancheStatus
from services.reintegration.domain.hats import may_wear
from services.reintegration.domain.lost_payments import paid_before_restore, restore_not_cleared
from services.reintegration.domain.next_tranche import next_tranche_may_follow, refuse_unless_accounted_for
from services.reintegration.domain.payee_of_grant import account_to_pay, refuse_of_the_bank
from services.reintegration.domain.periods import period_closed
from services.reintegration.domain.reconciling import (
    difference_of,
    refuse_unless_paid_by_bank,
    refuse_unless_received,
    short_of,
)
from services.reintegration.domain.signers import not_who_signed_its_batch
from services.reintegration.domain.stood_against import stood_against
from services.reintegration.domain.stops import no_recovery, still_committed
from shared.contracts.accounting import DifferenceReason, ShortReason
from shared.contracts.attempts import BookedOtherwise, PaymentMethod
from shared.contracts.paid_although import StoodAgainst, concealed
from shared.contracts.reintegration import (
    Code,
    DeliveryConfirmed,
    GrantCompleted,
    GrantDisbursed,
    PaymentConfirmed,
    TrancheReconciled,
    TrancheReleased,
)
from shared.decider import Events, ReadsFacts, Rule, changing
from shared.errors import RuleViolation
from shared.messages import Command, Context
from shared.moments import Day
from shared.new_ids import NewId, made_where_left_out

TrancheNumber = Annotated[int, Field(strict=True, ge=1, le=MOST_TRANCHES)]
_ATTEMPT_ID: Final = made_where_left_out("A new id for this attempt to pay, by which banks tell it from any other.")
# A bank's report on an earlier attempt ends no later one.
OfAttempt = Annotated[
    UUID | None,
    Field(description="The attempt that is meant, where a bank names one.", json_schema_extra={"x-asked": False}),
]
LateReceipt = Annotated[
    StrictBool,
    Field(description="The receipt arrived after the month of the payment was closed. It is posted in the oldest open month."),
]


class ReleaseTranche(Command):
    """Order the payment of the next tranche to one of those whom the grant is for. Each time is another attempt, under an id of its own."""

    number: TrancheNumber
    payee_id: UUID
    method: PaymentMethod
    attempt_id: NewId = _ATTEMPT_ID


class ConfirmPayment(Command):
    """Confirm that bank or cash desk paid a released tranche, under the reference of that payment."""

    number: TrancheNumber
    reference: Code
    paid_on: Day
    late_receipt: LateReceipt = False
    attempt_id: OfAttempt = None


class ConfirmDelivery(Command):
    """Confirm that the returnee received what a paid tranche was for, or how much of it."""

    number: TrancheNumber
    received: Annotated[
        PlannedMoney | None,
        Field(description="What receipts or the handover add up to. Left out, that is exactly what was paid."),
    ] = None


class ReconcileTranche(Command):
    """Confirm that approval, payment and receipt of a delivered tranche agree, or say why less was received."""

    number: TrancheNumber
    difference_reason: Annotated[
        DifferenceReason | None, Field(description="Why less was received than was paid; left out where all of it was.")
    ] = None
    short_reason: Annotated[
        ShortReason | None, Field(description="Why the bank booked less than was ordered; left out where it booked all of it.")
    ] = None


class ReconcileInTheirPlace(ReconcileTranche):
    """Reconcile a tranche that the bank's file paid, where every reconciler brought or confirmed that file and none may say that all agrees."""


def _next_may_be_released(state: Grant, facts: GrantFacts, context: Context) -> None:
    planned = state.tranches_in("planned")
    if not planned:
        raise RuleViolation("no_tranche_left", "Every tranche of this grant has been released.")
    if state.tranches_in("released", "paid"):
        raise RuleViolation(
            "previous_tranche_not_delivered",
            "The receiving office has not confirmed what the previous tranche was for. Then the next can be "
            "released.",
        )


@ReadsFacts
def _no_open_advance(state: Grant, facts: GrantFacts, context: Context) -> None:
    if facts.open_advances > 0:
        raise RuleViolation(
            "open_advance",
            "Another tranche for this person is on its way and its delivery not confirmed. One at a time.",
        )


@dataclass(frozen=True, slots=True)
class Waits:
    """The status at which a tranche waits for an act, and what is said where it comes too early or again."""

    status: TrancheStatus
    too_early: tuple[str, str]
    again: tuple[str, str]

    def refuse_unless_waiting(self, tranches: Sequence[GrantTranche]) -> None:
        """Refused unless one of these tranches waits for the act."""
        steps = list(TRANCHE_TRANSITIONS)
        if any(tranche.status == self.status for tranche in tranches):
            return
        if any(steps.index(tranche.status) < steps.index(self.status) for tranche in tranches):
            raise RuleViolation(*self.too_early)
        raise RuleViolation(*self.again)

    def guard(self, state: Grant, facts: GrantFacts, context: Context) -> None:
        """The guard that refuses where no tranche of the grant waits for the act."""
        self.refuse_unless_waiting(state.tranches)


_PAYMENT = Waits(
    "released",
    ("tranche_not_released", "A payer releases a tranche before its payment can be confirmed."),
    ("paid_already", "The payment is confirmed already. Nothing is paid twice."),
)
_DELIVERY = Waits(
    "paid",
    ("tranche_not_paid", "A payer confirms the payment of a tranche before its delivery can be confirmed."),
    ("delivered_already", "The delivery is confirmed already."),
)
_RECONCILIATION = Waits(
    "delivered",
    (
        "tranche_not_delivered",
        "The receiving office confirms the delivery of a tranche before it is reconciled.",
    ),
    ("reconciled_already", "This is reconciled already."),
)


def tranche_of(state: Grant, number: int) -> GrantTranche:
    """The tranche with this number; ``no_such_tranche`` where there is none."""
    tranche = state.tranche(number)
    if tranche is None:
        raise RuleViolation("no_such_tranche", "The grant has no tranche with this number.")
    return tranche


def refuse_another_attempt(tranche: GrantTranche, attempt_id: UUID | None) -> None:
    """Refused as ``another_attempt`` where an attempt is named that is not the tranche's present one."""
    if attempt_id is not None and attempt_id != tranche.attempt_id:
        raise RuleViolation("another_attempt", "This is not the attempt to pay that is under way. Look at the tranche again.")


def posted_in(facts: GrantFacts) -> date | None:
    """The first day of the month in which money is posted that is learnt late, or comes back of a later one; None for its own day's."""
    if not facts.month_closed:
        return facts.later_month
    if facts.open_month is None:
        raise period_closed()
    return facts.open_month


def reference_used() -> RuleViolation:
    """Refuses a second payment under one reference; the database's keys refuse it in the same words."""
    return RuleViolation("reference_used", "Another payment carries this reference. One reference, one payment.")


def attempt_used() -> RuleViolation:
    """Refuses a second attempt under one id; the database's key refuses it in the same words."""
    return RuleViolation("attempt_used", "Another attempt to pay has this id. One id, one attempt.")


def paid_once() -> RuleViolation:
    """Refuses a second attempt beside one that is under way or was paid; the database's key refuses it in the same words."""
    return RuleViolation("attempt_under_way", "This tranche is released or paid already. Nothing is paid twice.")


@ReadsFacts
def _restore_cleared(state: Grant, facts: GrantFacts, context: Context) -> None:
    if facts.restore_not_cleared:
        raise restore_not_cleared()


def _release(state: Grant, order: ReleaseTranche, facts: GrantFacts, context: Context) -> Events:
    tranche = tranche_of(state, order.number)
    if tranche != state.tranches_in("planned")[0]:
        raise RuleViolation("tranche_out_of_order", "Tranches are released in their order, each once.")
    if any(former.attempt_id == order.attempt_id for former in state.former_attempts):
        raise attempt_used()
    if tranche.number in facts.lost_tranches:
        raise paid_before_restore()
    if facts.bank_line_waits:
        # Nothing else of the grant is under way, so it may be of an attempt that was refused, came back or was never answered.
        raise RuleViolation("bank_line_waits", "A line of the bank's says that money may have left for it. Find out first what that is.")
    account_no = account_to_pay(state, order.method, facts, context)
    cost = cost_of_release(state, tranche, facts)
    return (
        TrancheReleased(
            number=tranche.number, money=state.money_of(tranche), released_by=context.actor.person_id,
            released_at=context.now, in_fund=cost.in_another, rates=cost.rates, attempt_no=tranche.attempt_no,
            attempt_id=order.attempt_id, payee_id=order.payee_id, account_no=account_no, method=order.method,
        ),
    )  # fmt: skip


def _refuse_unless_by_hand(tranche: GrantTranche) -> None:
    """What the bank pays its files confirm; of cash whoever pays gives the second signature, after the first."""
    refuse_of_the_bank(tranche)
    if tranche.method == "cash" and tranche.witness is None:
        raise RuleViolation("witness_missing", "Nobody of the office has stated yet that this cash was handed over.")


def _confirmed_by_hand(state: Grant, facts: GrantFacts, context: Context) -> None:
    # At most one tranche of a grant is under way.
    for tranche in state.tranches_in("released"):
        _refuse_unless_by_hand(tranche)


def _confirm_payment(state: Grant, order: ConfirmPayment, facts: GrantFacts, context: Context) -> Events:
    tranche = tranche_of(state, order.number)
    _PAYMENT.refuse_unless_waiting((tranche,))
    refuse_another_attempt(tranche, order.attempt_id)
    _refuse_unless_by_hand(tranche)
    if tranche.witness is not None and order.paid_on != tranche.witness.handed_over_on:
        raise RuleViolation("another_day_witnessed", "The cash was handed over on another day, as a colleague saw it.")
    if facts.reference_used:
        raise reference_used()
    if order.paid_on > facts.today:
        raise RuleViolation(
            "in_the_future", "The day of the payment is still to come. Confirm it once it is made."
        )
    if state.approved_at is None or order.paid_on < earliest_day(state.approved_at):
        raise RuleViolation(
            "paid_before_approval", "The day of the payment lies before the grant was approved."
        )
    if tranche.released_at is not None and order.paid_on < earliest_day(tranche.released_at):
        raise RuleViolation("paid_before_release", "The day of the payment lies before it was released.")
    if facts.month_closed and not order.late_receipt:
        raise period_closed()
    against = stood_against(state, tranche, facts.payable, context.now)
    return paid(state, tranche, facts, context, order.reference, order.paid_on, against=against)


def paid(
    state: Grant, tranche: GrantTranche, facts: GrantFacts, context: Context, reference: str, paid_on: date,
    booked: BookedOtherwise | None = None, against: tuple[StoodAgainst, ...] = (),
) -> Events:  # fmt: skip
    """The facts of a payment that was made, as the bank ``booked`` it: of the tranche, and with the last one of the grant; what stood ``against`` it is kept with it."""
    last = len(state.tranches_in("planned", "released")) == 1
    payment = PaymentConfirmed(
        case_id=state.case_id,
        number=tranche.number,
        money=state.money_of(tranche),
        reference=reference,
        paid_on=paid_on,
        confirmed_by=context.actor.person_id,
        confirmed_at=context.now,
        in_fund=in_fund(state, tranche.in_fund),
        not_needed=not_needed(state, tranche) if last else None,
        attempt_no=tranche.attempt_no,
        posted_in=posted_in(facts),
        bank_line=None if booked is None else booked.bank_line,
        bank_charges=None if booked is None else booked.bank_charges,
        booked_short=None if booked is None else booked.booked_short,
        stood_against=concealed(against),
    )
    if last:
        return payment, GrantDisbursed(case_id=state.case_id)
    return (payment,)


def _confirm_delivery(state: Grant, order: ConfirmDelivery, facts: GrantFacts, context: Context) -> Events:
    tranche = tranche_of(state, order.number)
    _DELIVERY.refuse_unless_waiting((tranche,))
    refuse_unless_received(state, tranche, order.received)
    return (
        DeliveryConfirmed(
            number=tranche.number, confirmed_by=context.actor.person_id, confirmed_at=context.now, received=order.received
        ),
    )


def _reconcile(state: Grant, order: ReconcileTranche, facts: GrantFacts, context: Context) -> Events:
    tranche = tranche_of(state, order.number)
    _RECONCILIATION.refuse_unless_waiting((tranche,))
    refuse_unless_paid_by_bank(tranche)
    refuse_who_brought_its_file(tranche, facts)
    refuse_unless_accounted_for(state, tranche, facts.policy)
    reconciled = TrancheReconciled(
        number=tranche.number, reconciled_by=context.actor.person_id, reconciled_at=context.now,
        difference=difference_of(state, tranche, order.difference_reason), reason=order.difference_reason,
        short=short_of(state, tranche, order.short_reason), short_reason=order.short_reason,
    )  # fmt: skip
    if len(state.tranches_in("reconciled")) + 1 == len(state.tranches):
        return reconciled, GrantCompleted(case_id=state.case_id)
    return (reconciled,)


def _reconcilers_reconcile() -> RuleViolation:
    return RuleViolation("reconcilers_reconcile", "No file of the bank's paid this, so nothing keeps a reconciler from reconciling it.")


def _a_file_paid(state: Grant, _: GrantFacts, __: Context) -> None:
    waiting = state.tranches_in("delivered")
    if waiting and all(one.paid_line is None for one in waiting):
        raise _reconcilers_reconcile()


def _reconcile_in_their_place(state: Grant, order: ReconcileInTheirPlace, facts: GrantFacts, context: Context) -> Events:
    events = _reconcile(state, order, facts, context)
    if tranche_of(state, order.number).paid_line is None:
        raise _reconcilers_reconcile()
    return events


# Delivery and reconciliation stay open on a cancelled grant: what was paid must be accounted for, and without
# it the person's advance would stay open for ever. The grant itself remains cancelled.
TRANCHE_RULES: tuple[Rule[Grant, GrantFacts], ...] = (
    changing(
        ReleaseTranche,
        "Release a tranche",
        _release,
        while_in("released", "approved", "in_disbursement"),
        may_wear("payer"),
        no_recovery,
        _restore_cleared,
        person_has_arrived,
        _next_may_be_released,
        next_tranche_may_follow,
        _no_open_advance,
        still_committed,
        still_covered,
    ),
    changing(
        ConfirmPayment,
        "Confirm a payment",
        _confirm_payment,
        while_in("confirmed as paid", "approved", "in_disbursement", "suspended", "disbursed"),
        may_wear("payer"),
        _PAYMENT.guard,
        _confirmed_by_hand,
    ),
    changing(
        ConfirmDelivery,
        "Confirm a delivery",
        _confirm_delivery,
        while_in("confirmed as delivered", "in_disbursement", "suspended", "disbursed", "cancelled"),
        may_wear("deliverer"),
        not_who_signed_its_batch,
        _DELIVERY.guard,
    ),
    changing(
        ReconcileTranche,
        "Reconcile a tranche",
        _reconcile,
        while_in("reconciled", "in_disbursement", "suspended", "disbursed", "cancelled"),
        may_wear("reconciler"),
        not_who_signed_its_batch,
        not_who_brought_their_files,
        _RECONCILIATION.guard,
    ),
    changing(
        ReconcileInTheirPlace, "Reconcile in the reconcilers' place", _reconcile_in_their_place,
        while_in("reconciled", "in_disbursement", "suspended", "disbursed", "cancelled"), may_wear("reconciler"),
        not_who_signed_its_batch, not_who_brought_their_files, _RECONCILIATION.guard, _a_file_paid,
    ),
)
