"""A tranche is reconciled where what was approved, paid and received agree, or where it is said why they do not."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reintegration.domain.grant import GRANT
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.reconciling import ASKED_BACK
from services.reintegration.domain.stops import OpenRecovery
from services.reintegration.domain.tranches import (
    ConfirmDelivery,
    ReconcileInTheirPlace,
    ReconcileTranche,
)
from shared.contracts.accounting import DifferenceReason, ShortReason
from shared.contracts.reintegration import (
    DeliveryConfirmed,
    GrantCompleted,
    GrantDisbursed,
    TrancheReconciled,
)
from shared.contracts.stops import RecoveryOpened
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event
from shared.money import Money
from tests.given import NOON, Given, staff
from tests.unit.reintegration.examples import (
    CASE_ID,
    DELIVERED_1,
    NOTHING_STANDS_AGAINST_IT,
    OFFICE,
    PAID_1,
    PAYER,
    RECONCILER,
    RELEASED_1,
    UNTIL_APPROVED,
    UNTIL_PAID,
    eur,
    ref,
)

GRANTS = Given(GRANT, NOTHING_STANDS_AGAINST_IT)
DELIVER = ConfirmDelivery(number=1, received=eur("750.00"))
RECONCILE = ReconcileTranche(number=1)
PAID_GRANT = GRANTS.given(*UNTIL_PAID)
LESS = DELIVERED_1.model_copy(update={"received": eur("750.00")})
WITH_LESS = GRANTS.given(*UNTIL_PAID, LESS)
REASONS: tuple[DifferenceReason, ...] = get_args(DifferenceReason)


def asked_back(amount: str) -> RecoveryOpened:
    return RecoveryOpened(reason="used_otherwise", money=eur(amount), opened_by=RECONCILER.person_id, opened_at=NOON)


def found(amount: str, reason: DifferenceReason, number: int = 1) -> TrancheReconciled:
    return TrancheReconciled(
        number=number, reconciled_by=RECONCILER.person_id, reconciled_at=NOON, difference=eur(amount), reason=reason
    )


def because(reason: DifferenceReason, number: int = 1) -> ReconcileTranche:
    return ReconcileTranche(number=number, difference_reason=reason)


@pytest.mark.parametrize("amount", ["0", "0.01", "799.99", "800.00"])
def test_a_delivery_says_what_was_received_from_nothing_to_all(amount: str) -> None:
    deliver = ConfirmDelivery(number=1, received=eur(amount))
    PAID_GRANT.when(deliver, OFFICE).then(
        DeliveryConfirmed(number=1, confirmed_by=OFFICE.person_id, confirmed_at=NOON, received=eur(amount))
    )


@pytest.mark.parametrize(
    ("received", "code"),
    [
        (eur("800.01"), "received_more_than_paid"),
        (Money(amount=Decimal("800.00"), currency="USD"), "currencies_differ"),
        (eur("799.999"), "finer_than_paid"),
        (Money(amount=Decimal("1.00"), currency="ZZZ"), "not_a_currency"),
    ],
    ids=["more", "another_currency", "too_fine", "no_currency"],
)
def test_what_cannot_have_been_received_is_refused(received: Money, code: str) -> None:
    PAID_GRANT.when(ConfirmDelivery(number=1, received=received), OFFICE).refused(code)


def test_less_than_nothing_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="amount"):
        ConfirmDelivery.model_validate({"number": 1, "received": {"amount": "-1.00", "currency": "EUR"}})


@pytest.mark.parametrize("delivered", [DELIVERED_1, DELIVERED_1.model_copy(update={"received": eur("800.00")})], ids=["unsaid", "said"])
def test_where_all_was_received_nothing_is_to_be_explained(delivered: Event) -> None:
    given = GRANTS.given(*UNTIL_PAID, delivered)
    given.when(RECONCILE, RECONCILER).then(TrancheReconciled(number=1, reconciled_by=RECONCILER.person_id, reconciled_at=NOON))
    for reason in REASONS:
        given.when(because(reason), RECONCILER).refused("no_difference")


def test_a_difference_that_nobody_explains_is_not_reconciled() -> None:
    WITH_LESS.when(RECONCILE, RECONCILER).refused("difference_unexplained")
    WITH_LESS.given(asked_back("50.00")).when(RECONCILE, RECONCILER).refused("difference_unexplained")


@pytest.mark.parametrize("reason", sorted(set(REASONS) - ASKED_BACK))
def test_what_it_costs_to_pay_is_explained_and_not_asked_back(reason: DifferenceReason) -> None:
    WITH_LESS.when(because(reason), RECONCILER).then(found("50.00", reason))


@pytest.mark.parametrize("reason", sorted(ASKED_BACK))
def test_what_was_not_used_is_asked_back_first_all_of_it(reason: DifferenceReason) -> None:
    WITH_LESS.when(because(reason), RECONCILER).refused("recovery_not_opened")
    WITH_LESS.given(asked_back("49.99")).when(because(reason), RECONCILER).refused("recovery_not_opened")
    WITH_LESS.given(asked_back("50.00")).when(because(reason), RECONCILER).then(found("50.00", reason))


BY_BANK = RELEASED_1.model_copy(update={"method": "bank_file"})


def booked_short(short: str, received: str | None) -> Given[Grant, GrantFacts]:
    """A tranche of 800 of which the bank booked so much less, and of which so much was received; None is all that was booked."""
    told = PAID_1.model_copy(update={"bank_line": ref(78), "booked_short": eur(short)})
    delivered = DELIVERED_1.model_copy(update={"received": None if received is None else eur(received)})
    return GRANTS.given(*UNTIL_APPROVED, BY_BANK, told, delivered)


def test_what_was_never_booked_is_explained_apart_and_is_neither_unspent_nor_hides_what_is() -> None:
    alone = booked_short("10.00", None)
    for order in (RECONCILE, because("bank_charge")):
        alone.when(order, RECONCILER).refused("no_difference" if order.difference_reason else "short_unexplained")
    order = RECONCILE.model_copy(update={"short_reason": "bank_charge"})
    (event,) = alone.when(order, RECONCILER).events
    assert isinstance(event, TrancheReconciled)
    assert (event.difference, event.reason, event.short, event.short_reason) == (None, None, eur("10.00"), "bank_charge")
    both = booked_short("10.00", "750.00")
    both.when(order, RECONCILER).refused("difference_unexplained")
    unspent = order.model_copy(update={"difference_reason": "unspent"})
    both.when(unspent, RECONCILER).refused("recovery_not_opened")
    both.given(asked_back("39.99")).when(unspent, RECONCILER).refused("recovery_not_opened")
    (event,) = both.given(asked_back("40.00")).when(unspent, RECONCILER).events
    assert isinstance(event, TrancheReconciled)
    assert (event.difference, event.short) == (eur("40.00"), eur("10.00"))
    WITH_LESS.when(because("rounding").model_copy(update={"short_reason": "rounding"}), RECONCILER).refused("nothing_short")


CENTS = st.integers(0, 80_000).map(lambda cents: Decimal(cents) / 100)


@given(CENTS, CENTS, st.sampled_from((None, *REASONS)), st.sampled_from((None, *get_args(ShortReason))), CENTS)
def test_whatever_was_booked_and_received_both_are_explained_and_no_more_is_asked_back_than_left(
    short: Decimal, received: Decimal, reason: DifferenceReason | None, short_reason: ShortReason | None, back: Decimal
) -> None:
    left = Decimal(800) - short
    received = min(received, left)
    told = PAID_1.model_copy(update={"bank_line": ref(78), "booked_short": eur(str(short)) if short else None})
    state = GRANT.fold((*UNTIL_APPROVED, BY_BANK, told, DELIVERED_1.model_copy(update={"received": eur(str(received))})))
    assert state is not None
    assert state.booked == left
    if back:
        events, refused = decided(state, OpenRecovery(reason="used_otherwise", money=eur(str(back))))
        assert refused == (None if back <= left else "beyond_paid")
        state = GRANT.fold(events, state)
    assert state is not None
    assert (state.recovery_amount or Decimal(0)) <= left
    missing = left - received
    said = ReconcileTranche(number=1, difference_reason=reason, short_reason=short_reason)
    right = (missing > 0) == (reason is not None) and (short > 0) == (short_reason is not None)
    events, refused = decided(state, said)
    assert (refused is None) == (right and (reason not in ASKED_BACK or missing <= (state.recovery_amount or Decimal(0)))), refused
    for event in events:
        assert isinstance(event, TrancheReconciled)
        unused, never = (Decimal(0) if one is None else one.amount for one in (event.difference, event.short))
        assert (unused, never, received + unused + never) == (missing, short, Decimal(800))


def decided(state: Grant, order: Command) -> tuple[Sequence[Event], str | None]:
    """What a reconciler's order states, or as what it is refused."""
    try:
        return GRANT.decide(state, order, NOTHING_STANDS_AGAINST_IT, Context(RECONCILER, NOON)), None
    except RuleViolation as refusal:
        return (), refusal.code


def test_a_reconciliation_of_before_has_what_was_booked_short_in_its_difference() -> None:
    told = PAID_1.model_copy(update={"bank_line": ref(78), "booked_short": eur("10.00")})
    state = GRANT.fold((*UNTIL_APPROVED, BY_BANK, told, DELIVERED_1, found("10.00", "bank_charge")))
    assert state is not None
    assert (state.tranches[0].difference, state.tranches[0].short_reason) == (Decimal(10), None)


def both_tranches(*between: Event) -> Given[Grant, GrantFacts]:
    """Two tranches delivered with less: 50 missing of the first, 30 of the second."""
    second: tuple[Event, ...] = (
        RELEASED_1.model_copy(update={"number": 2, "money": eur("400.00"), "attempt_id": ref(77)}),
        PAID_1.model_copy(update={"number": 2, "money": eur("400.00"), "reference": "BANK-0002"}),
        GrantDisbursed(case_id=CASE_ID), LESS.model_copy(update={"number": 2, "received": eur("370.00")}),
    )  # fmt: skip
    return GRANTS.given(*UNTIL_PAID, LESS, *second, *between)


def test_what_is_missing_of_several_tranches_is_asked_back_together() -> None:
    short = both_tranches(asked_back("79.99"), found("50.00", "unspent"))
    short.when(because("not_accounted_for", 2), RECONCILER).refused("recovery_not_opened")
    whole = both_tranches(asked_back("80.00"), found("50.00", "unspent"))
    whole.when(because("not_accounted_for", 2), RECONCILER).then(
        found("30.00", "not_accounted_for", 2), GrantCompleted(case_id=CASE_ID)
    )
    # What the bank took of the first is not asked back with the second.
    both_tranches(asked_back("30.00"), found("50.00", "bank_charge")).when(because("unspent", 2), RECONCILER).then_kinds(
        TrancheReconciled, GrantCompleted
    )


def test_what_the_bank_was_to_pay_is_not_reconciled_without_its_line() -> None:
    by_bank = RELEASED_1.model_copy(update={"method": "bank_file"})
    # Nobody can confirm such a payment by hand; what is no longer possible would still not be reconciled.
    by_hand = GRANTS.given(*UNTIL_APPROVED, by_bank, PAID_1, DELIVERED_1)
    by_hand.when(RECONCILE, RECONCILER).refused("no_bank_line")
    told = PAID_1.model_copy(update={"bank_line": ref(78)})
    GRANTS.given(*UNTIL_APPROVED, by_bank, told, DELIVERED_1).when(RECONCILE, RECONCILER).then_kinds(TrancheReconciled)


def test_whoever_brought_or_confirmed_the_file_that_says_so_leaves_that_tranche_to_another() -> None:
    by_bank = RELEASED_1.model_copy(update={"method": "bank_file"})
    told = PAID_1.model_copy(update={"confirmed_by": None, "bank_line": ref(77)})
    theirs = replace(NOTHING_STANDS_AGAINST_IT, by_my_file=frozenset({1}))
    delivered = GRANTS.given(*UNTIL_APPROVED, by_bank, told, DELIVERED_1)
    delivered.knowing(theirs).when(RECONCILE, RECONCILER).refused("four_eyes")
    delivered.knowing(replace(theirs, by_my_file=frozenset({2}))).when(RECONCILE, RECONCILER).then_kinds(TrancheReconciled)
    # What nobody looked up refuses; what no file says anything of was paid otherwise.
    delivered.knowing(replace(theirs, by_my_file=GrantFacts().by_my_file)).when(RECONCILE, RECONCILER).refused("four_eyes")
    GRANTS.knowing(theirs).given(*UNTIL_PAID, DELIVERED_1).when(RECONCILE, RECONCILER).then_kinds(TrancheReconciled)


def test_in_the_reconcilers_place_somebody_without_another_hat_reconciles_what_a_file_paid_and_nothing_else() -> None:
    by_bank = RELEASED_1.model_copy(update={"method": "bank_file"})
    told = PAID_1.model_copy(update={"confirmed_by": None, "bank_line": ref(77)})
    order, chief = ReconcileInTheirPlace(number=1), staff("chief", "chief_of_mission")
    delivered = GRANTS.given(*UNTIL_APPROVED, by_bank, told, DELIVERED_1)
    (event,) = delivered.when(order, chief).events
    assert isinstance(event, TrancheReconciled)
    assert event.reconciled_by == chief.person_id
    delivered.when(order, PAYER).refused("four_eyes")
    delivered.knowing(replace(NOTHING_STANDS_AGAINST_IT, by_my_file=frozenset({1}))).when(order, chief).refused("four_eyes")
    delivered.knowing(replace(NOTHING_STANDS_AGAINST_IT, signed_its_batch=True)).when(order, chief).refused("four_eyes")
    GRANTS.given(*UNTIL_PAID, DELIVERED_1).when(order, chief).refused("reconcilers_reconcile")
    GRANTS.given(*UNTIL_APPROVED, by_bank, told).when(order, chief).refused("tranche_not_delivered")


def test_events_of_before_say_that_all_was_received() -> None:
    old = DeliveryConfirmed.model_validate({"number": 1, "confirmed_by": OFFICE.person_id})
    done = TrancheReconciled.model_validate({"number": 1, "reconciled_by": RECONCILER.person_id})
    state = GRANT.fold((*UNTIL_PAID, old, done))
    assert state is not None
    tranche = state.tranches[0]
    assert (tranche.status, tranche.received, tranche.difference, tranche.difference_reason) == ("reconciled", None, None, None)


def test_the_tranche_keeps_what_was_received_what_differs_and_why() -> None:
    state = GRANT.fold((*UNTIL_PAID, LESS, found("50.00", "rounding")))
    assert state is not None
    tranche = state.tranches[0]
    assert (tranche.received, tranche.difference, tranche.difference_reason) == (Decimal("750.00"), Decimal("50.00"), "rounding")
