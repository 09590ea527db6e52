"""Tranches go out one at a time, are paid once, and end in a grant of which every cent is accounted for."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import get_args

import pytest

from services.reintegration.domain.grant import GRANT
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant, GrantStatus
from services.reintegration.domain.tranches import (
    ConfirmDelivery,
    ConfirmPayment,
    ReconcileTranche,
    paid_once,
)
from shared.actors import Actor
from shared.contracts.approvals import ApprovalGiven
from shared.contracts.reintegration import (
    DeliveryConfirmed,
    GrantApproved,
    GrantCancelled,
    GrantCompleted,
    GrantDisbursed,
    GrantDrafted,
    GrantEndorsed,
    GrantSubmitted,
    PaymentConfirmed,
    TrancheReconciled,
    TrancheReleased,
)
from shared.errors import NotFound, RuleViolation
from shared.messages import Command, Context, Event
from tests.given import NOON, Given, code_of
from tests.unit.reintegration.examples import (
    APPROVED,
    ARRIVED,
    ATTEMPT_2,
    CASE_ID,
    DELIVERED_1,
    MANAGER,
    NOTED,
    NOTHING_STANDS_AGAINST_IT,
    OFFICE,
    PAID_1,
    PAYER,
    PERSON,
    RECONCILED_1,
    RECONCILER,
    RELEASE_1,
    RELEASED_1,
    THE_WHOLE_LINE,
    TODAY,
    UNTIL_APPROVED,
    UNTIL_DELIVERED,
    UNTIL_PAID,
    eur,
    release,
)

GRANTS = Given(GRANT, NOTHING_STANDS_AGAINST_IT)
RELEASED_2 = RELEASED_1.model_copy(update={"number": 2, "money": eur("400.00"), "attempt_id": ATTEMPT_2})
PAID_2 = PAID_1.model_copy(update={"number": 2, "money": eur("400.00"), "reference": "BANK-0002"})
DISBURSED = GrantDisbursed(case_id=CASE_ID)
CANCELLED = GrantCancelled(case_id=CASE_ID, reason="re_migrated", released=eur("400.00"), cancelled_at=NOON)
ALL_PAID = (*UNTIL_DELIVERED, RELEASED_2, PAID_2, DISBURSED)
PAY_1 = ConfirmPayment(number=1, reference="BANK-0001", paid_on=TODAY)
PAY_2 = ConfirmPayment(number=2, reference="BANK-0002", paid_on=TODAY)


def _knowing(given: Given[Grant, GrantFacts], **facts: object) -> Given[Grant, GrantFacts]:
    return given.knowing(replace(NOTHING_STANDS_AGAINST_IT, **facts))  # type: ignore[arg-type]


def test_a_grant_goes_from_request_to_completion() -> None:
    grant = GRANTS
    happened = []
    for command, by in THE_WHOLE_LINE:
        done = grant.when(command, by)
        assert done.refusal is None, done.refusal
        grant = grant.given(*done.events)
        happened += [type(event) for event in done.events]
    assert happened == [
        GrantDrafted,
        GrantSubmitted,
        GrantEndorsed,
        ApprovalGiven,
        GrantApproved,
        TrancheReleased,
        PaymentConfirmed,
        DeliveryConfirmed,
        TrancheReleased,
        PaymentConfirmed,
        GrantDisbursed,
        DeliveryConfirmed,
        TrancheReconciled,
        TrancheReconciled,
        GrantCompleted,
    ]
    state = GRANT.fold(grant.past)
    assert state is not None
    assert (state.status, state.paid, state.committed) == ("completed", Decimal("1200.00"), Decimal(0))


def test_the_first_tranche_is_released_and_the_grant_is_in_disbursement() -> None:
    GRANTS.given(*UNTIL_APPROVED).when(RELEASE_1, PAYER).then(RELEASED_1)
    grant = GRANT.fold((*UNTIL_APPROVED, RELEASED_1))
    assert grant is not None
    assert (grant.status, grant.paid, grant.committed) == ("in_disbursement", Decimal(0), Decimal("1200.00"))


def test_tranches_are_released_in_their_order() -> None:
    GRANTS.given(*UNTIL_APPROVED).when(release(2), PAYER).refused("tranche_out_of_order")
    GRANTS.given(*UNTIL_DELIVERED).when(release(1), PAYER).refused("tranche_out_of_order")
    GRANTS.given(*UNTIL_DELIVERED).when(release(2, attempt_id=ATTEMPT_2), PAYER).then(RELEASED_2)


@pytest.mark.parametrize("past", [(*UNTIL_APPROVED, RELEASED_1), UNTIL_PAID], ids=["released", "paid"])
def test_the_next_tranche_waits_for_the_delivery_of_the_previous(past: tuple[Event, ...]) -> None:
    GRANTS.given(*past).when(release(2), PAYER).refused("previous_tranche_not_delivered")


def test_a_person_has_one_open_advance_whatever_grant_it_is_on() -> None:
    _knowing(GRANTS.given(*UNTIL_APPROVED), open_advances=1).when(release(1), PAYER).refused(
        "open_advance"
    )


def test_an_advance_that_nobody_looked_for_is_taken_to_be_open() -> None:
    _knowing(GRANTS.given(*UNTIL_APPROVED), open_advances=GrantFacts().open_advances).when(
        release(1), PAYER
    ).refused("open_advance")


def test_no_tranche_is_released_for_somebody_whose_arrival_is_not_confirmed() -> None:
    for case in (NOTED, replace(ARRIVED, arrived=())):
        _knowing(GRANTS.given(*UNTIL_APPROVED), case=case).when(release(1), PAYER).refused(
            "not_arrived_yet"
        )
    assert ARRIVED.has_arrived(PERSON)


def test_when_every_tranche_is_released_none_is_left() -> None:
    GRANTS.given(*UNTIL_DELIVERED, RELEASED_2).when(release(2), PAYER).refused(
        "no_tranche_left"
    )


def test_a_payment_moves_its_amount_from_committed_to_paid() -> None:
    GRANTS.given(*UNTIL_APPROVED, RELEASED_1).when(PAY_1, PAYER).then(PAID_1)
    grant = GRANT.fold(UNTIL_PAID)
    assert grant is not None
    assert (grant.status, grant.paid, grant.committed) == (
        "in_disbursement",
        Decimal("800.00"),
        Decimal("400.00"),
    )


def test_the_last_payment_disburses_the_grant() -> None:
    GRANTS.given(*UNTIL_DELIVERED, RELEASED_2).when(PAY_2, PAYER).then(PAID_2, DISBURSED)


def test_an_unreleased_tranche_is_not_paid() -> None:
    GRANTS.given(*UNTIL_APPROVED).when(PAY_1, PAYER).refused("tranche_not_released")
    GRANTS.given(*UNTIL_DELIVERED).when(PAY_2, PAYER).refused("tranche_not_released")
    GRANTS.given(*UNTIL_APPROVED, RELEASED_1).when(PAY_2, PAYER).refused("tranche_not_released")


def test_a_tranche_is_not_paid_twice() -> None:
    again = PAY_1.model_copy(update={"reference": "BANK-0009"})
    GRANTS.given(*UNTIL_DELIVERED, RELEASED_2).when(again, PAYER).refused("paid_already")
    GRANTS.given(*ALL_PAID).when(again, PAYER).refused("paid_already")


def test_a_reference_stands_for_one_payment() -> None:
    _knowing(GRANTS.given(*UNTIL_APPROVED, RELEASED_1), reference_used=True).when(PAY_1, PAYER).refused(
        "reference_used"
    )


def test_a_reference_that_nobody_looked_for_is_taken_to_be_used() -> None:
    _knowing(GRANTS.given(*UNTIL_APPROVED, RELEASED_1), reference_used=GrantFacts().reference_used).when(
        PAY_1, PAYER
    ).refused("reference_used")


@pytest.mark.parametrize(
    "today", [TODAY - timedelta(days=1), GrantFacts().today], ids=["yesterday", "unknown"]
)
def test_a_payment_is_not_confirmed_for_a_day_to_come(today: date) -> None:
    _knowing(GRANTS.given(*UNTIL_APPROVED, RELEASED_1), today=today).when(PAY_1, PAYER).refused(
        "in_the_future"
    )


def test_a_payment_is_not_dated_before_the_approval() -> None:
    before = PAY_1.model_copy(update={"paid_on": NOON.date() - timedelta(days=1)})
    GRANTS.given(*UNTIL_APPROVED, RELEASED_1).when(before, PAYER).refused("paid_before_approval")


def test_a_payment_is_not_dated_before_its_release() -> None:
    early = APPROVED.model_copy(update={"approved_at": NOON - timedelta(days=9)})
    before = PAY_1.model_copy(update={"paid_on": NOON.date() - timedelta(days=1)})
    GRANTS.given(*UNTIL_APPROVED[:4], early, RELEASED_1).when(before, PAYER).refused("paid_before_release")


def test_a_payment_on_the_day_of_the_approval_counts_by_the_calendar_of_any_place() -> None:
    early = APPROVED.model_copy(update={"approved_at": NOON - timedelta(hours=11)})
    yesterday_in_the_west = PAY_1.model_copy(update={"paid_on": NOON.date() - timedelta(days=1)})
    released = RELEASED_1.model_copy(update={"released_at": NOON - timedelta(hours=11)})
    GRANTS.given(*UNTIL_APPROVED[:4], early, released).when(yesterday_in_the_west, PAYER).then_kinds(
        PaymentConfirmed
    )


def test_the_receiving_office_confirms_what_a_paid_tranche_brought() -> None:
    GRANTS.given(*UNTIL_PAID).when(ConfirmDelivery(number=1), OFFICE).then(DELIVERED_1)


def test_an_unpaid_tranche_was_not_delivered() -> None:
    GRANTS.given(*UNTIL_APPROVED, RELEASED_1).when(ConfirmDelivery(number=1), OFFICE).refused(
        "tranche_not_paid"
    )
    GRANTS.given(*UNTIL_PAID).when(ConfirmDelivery(number=2), OFFICE).refused("tranche_not_paid")


def test_a_delivery_is_confirmed_once() -> None:
    GRANTS.given(*ALL_PAID).when(ConfirmDelivery(number=1), OFFICE).refused("delivered_already")
    done = (*ALL_PAID, DeliveryConfirmed(number=2, confirmed_by=OFFICE.person_id, confirmed_at=NOON))
    GRANTS.given(*done).when(ConfirmDelivery(number=1), OFFICE).refused("delivered_already")


def test_a_delivered_tranche_is_reconciled_while_another_waits() -> None:
    GRANTS.given(*UNTIL_DELIVERED).when(ReconcileTranche(number=1), RECONCILER).then(RECONCILED_1)


def test_an_undelivered_tranche_is_not_reconciled() -> None:
    GRANTS.given(*UNTIL_PAID).when(ReconcileTranche(number=1), RECONCILER).refused("tranche_not_delivered")
    GRANTS.given(*UNTIL_DELIVERED).when(ReconcileTranche(number=2), RECONCILER).refused(
        "tranche_not_delivered"
    )


def test_a_tranche_is_reconciled_once() -> None:
    waiting = (*ALL_PAID, DeliveryConfirmed(number=2, confirmed_by=OFFICE.person_id, confirmed_at=NOON), RECONCILED_1)
    GRANTS.given(*waiting).when(ReconcileTranche(number=1), RECONCILER).refused("reconciled_already")


def test_the_last_reconciliation_completes_the_grant() -> None:
    waiting = (*ALL_PAID, DeliveryConfirmed(number=2, confirmed_by=OFFICE.person_id, confirmed_at=NOON), RECONCILED_1)
    GRANTS.given(*waiting).when(ReconcileTranche(number=2), RECONCILER).then(
        TrancheReconciled(number=2, reconciled_by=RECONCILER.person_id, reconciled_at=NOON), GrantCompleted(case_id=CASE_ID)
    )


@pytest.mark.parametrize(
    ("past", "command"),
    [
        ((*UNTIL_APPROVED,), release(3)),
        ((*UNTIL_APPROVED, RELEASED_1), ConfirmPayment(number=3, reference="BANK-0003", paid_on=TODAY)),
        (UNTIL_PAID, ConfirmDelivery(number=3)),
        (UNTIL_DELIVERED, ReconcileTranche(number=3)),
    ],
    ids=["release", "pay", "deliver", "reconcile"],
)
def test_a_tranche_that_the_grant_does_not_have_is_refused(past: tuple[Event, ...], command: Command) -> None:
    GRANTS.given(*past).when(command, MANAGER).refused("no_such_tranche")


def test_what_was_paid_on_a_cancelled_grant_is_still_accounted_for() -> None:
    cancelled = GRANTS.given(*UNTIL_PAID, CANCELLED)
    cancelled.when(ConfirmDelivery(number=1), OFFICE).then(DELIVERED_1)
    cancelled.given(DELIVERED_1).when(ReconcileTranche(number=1), RECONCILER).then(RECONCILED_1)
    state = GRANT.fold((*UNTIL_PAID, CANCELLED, DELIVERED_1, RECONCILED_1))
    assert state is not None
    assert (state.status, state.paid, state.committed) == ("cancelled", Decimal("800.00"), Decimal(0))


ALLOWED_IN: tuple[tuple[Command, frozenset[str]], ...] = (
    (release(1), frozenset({"approved", "in_disbursement"})),
    (PAY_1, frozenset({"approved", "in_disbursement", "suspended", "disbursed"})),
    (ConfirmDelivery(number=1), frozenset({"in_disbursement", "suspended", "disbursed", "cancelled"})),
    (ReconcileTranche(number=1), frozenset({"in_disbursement", "suspended", "disbursed", "cancelled"})),
)


@pytest.mark.parametrize(("command", "allowed"), ALLOWED_IN, ids=lambda value: type(value).__name__)
def test_an_act_on_a_tranche_belongs_to_its_statuses(command: Command, allowed: frozenset[str]) -> None:
    grant = GRANT.fold(UNTIL_APPROVED)
    assert grant is not None
    for status in get_args(GrantStatus):
        refusal = GRANT.refusal(
            replace(grant, status=status),
            type(command),
            NOTHING_STANDS_AGAINST_IT,
            Context(MANAGER, NOON),
        )
        code = refusal.code if isinstance(refusal, RuleViolation) else None
        assert (code == "wrong_status") == (status not in allowed), status


@pytest.mark.parametrize(
    ("past", "by", "command", "code"),
    [
        (UNTIL_APPROVED, PAYER, ConfirmPayment, "tranche_not_released"),
        ((*UNTIL_APPROVED, RELEASED_1), PAYER, ConfirmPayment, None),
        (ALL_PAID, PAYER, ConfirmPayment, "paid_already"),
        ((*UNTIL_APPROVED, RELEASED_1), OFFICE, ConfirmDelivery, "tranche_not_paid"),
        (UNTIL_PAID, OFFICE, ConfirmDelivery, None),
        (UNTIL_PAID, RECONCILER, ReconcileTranche, "tranche_not_delivered"),
        (UNTIL_DELIVERED, RECONCILER, ReconcileTranche, None),
        ((*UNTIL_DELIVERED, RECONCILED_1), RECONCILER, ReconcileTranche, "tranche_not_delivered"),
    ],
)
def test_the_reader_of_a_grant_is_told_whether_a_tranche_waits_for_them(
    past: tuple[Event, ...], by: Actor, command: type[Command], code: str | None
) -> None:
    refusal = GRANT.refusal(GRANT.fold(past), command, NOTHING_STANDS_AGAINST_IT, Context(by, NOON))
    assert (refusal.code if refusal is not None else None) == code


@pytest.mark.parametrize(("command", "_"), ALLOWED_IN, ids=lambda value: type(value).__name__)
def test_there_are_no_tranches_without_a_grant(command: Command, _: frozenset[str]) -> None:
    GRANTS.when(command, PAYER).refused(NotFound().code)


def test_a_payment_of_a_tranche_that_does_not_exist_is_a_fault_of_ours() -> None:
    with pytest.raises(LookupError):
        GRANT.fold((*UNTIL_APPROVED, RELEASED_1.model_copy(update={"number": 5})))


def test_what_the_key_of_attempts_refuses_is_told_in_words_that_people_understand() -> None:
    assert code_of(paid_once()) == "attempt_under_way"
