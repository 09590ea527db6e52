"""The money of a grant is stopped and goes on again; what was paid wrongly is asked back, whatever the grant came to."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from services.reintegration.domain.attempts import ReversePayment
from services.reintegration.domain.grant import GRANT, CancelGrant, ReviseGrant
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.stops import OpenRecovery, ResumeGrant, SuspendGrant
from services.reintegration.domain.tranches import ConfirmDelivery, ReconcileTranche
from services.reintegration.domain.turns import turns
from shared.contracts.reintegration import (
    DeliveryConfirmed,
    GrantCancelled,
    GrantCompleted,
    PaymentConfirmed,
    TrancheReconciled,
    TrancheReleased,
)
from shared.contracts.stops import GrantResumed, GrantSuspended, RecoveryOpened
from shared.messages import Context, Event
from tests.given import NOON, staff
from tests.unit.reintegration.examples import (
    DELIVERED_1,
    ENDORSER,
    MANAGER,
    OFFICE,
    PAYER,
    RECONCILED_1,
    RECONCILER,
    RELEASED_1,
    REQUEST,
    REQUESTER,
    TODAY,
    UNTIL_APPROVED,
    UNTIL_DELIVERED,
    UNTIL_PAID,
    eur,
    ref,
    release,
)
from tests.unit.reintegration.test_tranches import ALL_PAID, GRANTS, PAID_2, PAY_1, PAY_2, RELEASED_2

SUSPEND = SuspendGrant(reason="under_review")
SUSPENDED = GrantSuspended(reason="under_review", suspended_by=ENDORSER.person_id, suspended_at=NOON)
RESUMED = GrantResumed(resumed_by=ENDORSER.person_id, resumed_at=NOON)
RECOVER = OpenRecovery(reason="overpaid", money=eur("300.00"))
RECOVERY = RecoveryOpened(reason="overpaid", money=eur("300.00"), opened_by=RECONCILER.person_id, opened_at=NOON)
PAID = GRANTS.given(*UNTIL_PAID)
COMPLETED: tuple[Event, ...] = (
    *ALL_PAID, DELIVERED_1.model_copy(update={"number": 2}), RECONCILED_1, RECONCILED_1.model_copy(update={"number": 2}),
    GrantCompleted(case_id=PAID_2.case_id),
)  # fmt: skip


def folded(*events: Event) -> Grant:
    grant = GRANT.fold(events)
    assert grant is not None
    return grant


def test_an_approved_grant_is_suspended_and_goes_on_where_it_was() -> None:
    for before, status in ((UNTIL_APPROVED, "approved"), (UNTIL_DELIVERED, "in_disbursement")):
        GRANTS.given(*before).when(SUSPEND, ENDORSER).then(SUSPENDED)
        stopped = folded(*before, SUSPENDED)
        assert (stopped.status, stopped.suspended_for, stopped.suspended_at) == ("suspended", "under_review", NOON)
        assert stopped.committed == folded(*before).committed
        GRANTS.given(*before, SUSPENDED).when(ResumeGrant(), ENDORSER).then(RESUMED)
        assert folded(*before, SUSPENDED, RESUMED) == folded(*before)
        assert (folded(*before).status, folded(*before).suspended_for) == (status, None)


def test_nothing_is_released_or_changed_while_a_grant_is_suspended() -> None:
    for before in (UNTIL_APPROVED, UNTIL_DELIVERED):
        stopped = GRANTS.given(*before, SUSPENDED)
        stopped.when(release(1), PAYER).refused("wrong_status")
        revise = ReviseGrant(modality="service", money=REQUEST.money, tranches=REQUEST.tranches)
        stopped.when(revise, REQUESTER).refused("wrong_status")
        stopped.when(SUSPEND, ENDORSER).refused("wrong_status")
        assert "payer" not in turns(folded(*before, SUSPENDED))


def test_what_is_on_its_way_is_still_accounted_for_while_a_grant_is_suspended() -> None:
    released = (*UNTIL_APPROVED, RELEASED_1, SUSPENDED)
    GRANTS.given(*released).when(PAY_1, PAYER).then_kinds(PaymentConfirmed)
    assert turns(folded(*released))["payer"].step == "confirm_payment"
    GRANTS.given(*UNTIL_PAID, SUSPENDED).when(ConfirmDelivery(number=1), OFFICE).then_kinds(DeliveryConfirmed)
    GRANTS.given(*UNTIL_DELIVERED, SUSPENDED).when(ReconcileTranche(number=1), RECONCILER).then_kinds(TrancheReconciled)


def test_a_suspension_outlasts_the_last_payment_and_nothing_that_comes_back_is_payable_before_somebody_lets_it_go_on() -> None:
    last = (*UNTIL_DELIVERED, RELEASED_2, SUSPENDED)
    paid = (*last, *GRANTS.given(*last).when(PAY_2, PAYER).events)
    grant = folded(*paid)
    assert (grant.status, grant.suspended_at, grant.suspended_for) == ("disbursed", NOON, "under_review")
    back = (*paid, *GRANTS.given(*paid).when(ReversePayment(number=2, reason="returned_by_bank", returned_on=TODAY), RECONCILER).events)
    grant = folded(*back)
    assert (grant.status, grant.suspended_for, "payer" in turns(grant)) == ("suspended", "under_review", False)
    GRANTS.given(*back).when(release(2, attempt_id=ref(44)), PAYER).refused("wrong_status")
    GRANTS.given(*back, RESUMED).when(release(2, attempt_id=ref(44)), PAYER).then_kinds(TrancheReleased)


def test_a_grant_that_was_suspended_and_is_paid_in_full_is_let_go_on_and_what_comes_back_is_payable() -> None:
    last = (*UNTIL_DELIVERED, RELEASED_2, SUSPENDED)
    paid = (*last, *GRANTS.given(*last).when(PAY_2, PAYER).events)
    GRANTS.given(*paid).when(ResumeGrant(), ENDORSER).then(RESUMED)
    grant = folded(*paid, RESUMED)
    assert (grant.status, grant.suspended_at, grant.suspended_for) == ("disbursed", None, None)
    GRANTS.given(*paid, RESUMED).when(ResumeGrant(), ENDORSER).refused("wrong_status")
    back = (*paid, RESUMED, *GRANTS.given(*paid, RESUMED).when(ReversePayment(number=2, reason="returned_by_bank", returned_on=TODAY), RECONCILER).events)
    assert folded(*back).status == "in_disbursement"


def test_a_log_of_before_in_which_a_suspended_grant_went_on_by_itself_folds_to_what_its_rows_say() -> None:
    last = (*UNTIL_DELIVERED, RELEASED_2, SUSPENDED)
    paid = (*last, *GRANTS.given(*last).when(PAY_2, PAYER).events)
    back = (*paid, *GRANTS.given(*paid).when(ReversePayment(number=2, reason="returned_by_bank", returned_on=TODAY), RECONCILER).events)
    again = RELEASED_2.model_copy(update={"attempt_no": 2, "attempt_id": ref(44)})
    released = folded(*back, again)
    assert (released.status, released.suspended_at, released.suspended_for) == ("in_disbursement", None, None)
    assert folded(*back, again, SUSPENDED).status == "suspended"
    later = SUSPENDED.model_copy(update={"reason": "lost_contact", "suspended_at": NOON + timedelta(hours=1)})
    stopped = folded(*back, later)
    assert (stopped.status, stopped.suspended_for, stopped.suspended_at) == ("suspended", "lost_contact", later.suspended_at)
    assert stopped.waiting_since == later.suspended_at


def test_a_completed_grant_is_suspended_no_more() -> None:
    last = (*UNTIL_DELIVERED, RELEASED_2, SUSPENDED)
    paid = (*last, *GRANTS.given(*last).when(PAY_2, PAYER).events)
    ended = folded(*paid, DELIVERED_1.model_copy(update={"number": 2}), GrantCompleted(case_id=PAID_2.case_id))
    assert (ended.status, ended.suspended_at, ended.suspended_for) == ("completed", None, None)


def test_a_suspended_grant_can_be_cancelled() -> None:
    stopped = GRANTS.given(*UNTIL_DELIVERED, SUSPENDED)
    (event,) = stopped.when(CancelGrant(reason="lost_contact"), MANAGER).events
    assert isinstance(event, GrantCancelled)
    grant = folded(*UNTIL_DELIVERED, SUSPENDED, event)
    assert (grant.status, grant.committed, grant.suspended_at) == ("cancelled", Decimal(0), None)


@pytest.mark.parametrize("before", [UNTIL_APPROVED[:1], UNTIL_APPROVED[:2], ALL_PAID, COMPLETED])
def test_only_what_is_approved_and_not_all_paid_is_suspended(before: tuple[Event, ...]) -> None:
    GRANTS.given(*before).when(SUSPEND, ENDORSER).refused("wrong_status")
    GRANTS.given(*before).when(ResumeGrant(), ENDORSER).refused("wrong_status")


def test_what_was_paid_is_asked_back_once_and_never_more_than_was_paid() -> None:
    paid = GRANTS.given(*UNTIL_DELIVERED)
    paid.when(RECOVER, RECONCILER).then(RECOVERY)
    paid.when(RECOVER.model_copy(update={"money": eur("800.00")}), RECONCILER).then_kinds(RecoveryOpened)
    paid.when(RECOVER.model_copy(update={"money": eur("800.01")}), RECONCILER).refused("beyond_paid")
    other = RECOVER.model_copy(update={"money": eur("300.00").model_copy(update={"currency": "BAM"})})
    paid.when(other, RECONCILER).refused("currencies_differ")
    paid.given(RECOVERY).when(RECOVER, RECONCILER).refused("recovery_open_already")
    GRANTS.given(*UNTIL_APPROVED).when(RECOVER, RECONCILER).refused("nothing_paid")


def test_what_was_paid_is_asked_back_to_the_last_cent() -> None:
    cents = eur("0.50")
    paid = replace(folded(*UNTIL_PAID), paid=cents.amount)
    (opened,) = GRANT.decide(paid, RECOVER.model_copy(update={"money": cents}), GRANTS.facts, Context(RECONCILER, NOON))
    assert opened == RECOVERY.model_copy(update={"money": cents})


def test_a_recovery_stands_beside_the_status_also_of_a_grant_that_has_ended() -> None:
    GRANTS.given(*COMPLETED).when(RECOVER, RECONCILER).then(RECOVERY)
    before, after = folded(*COMPLETED), folded(*COMPLETED, RECOVERY)
    assert (before.status, after.status) == ("completed", "completed")
    assert (after.recovery_for, after.recovery_amount, after.recovery_opened_at) == ("overpaid", Decimal("300.00"), NOON)


def test_no_more_money_goes_while_some_is_asked_back() -> None:
    asked_back = GRANTS.given(*UNTIL_DELIVERED, RECOVERY)
    asked_back.when(release(2), PAYER).refused("recovery_open")
    assert "payer" not in turns(folded(*UNTIL_DELIVERED, RECOVERY))
    GRANTS.given(*UNTIL_DELIVERED).when(release(2), PAYER).then_kinds(TrancheReleased)
    asked_back.when(CancelGrant(reason="not_needed"), MANAGER).then_kinds(GrantCancelled)


def test_nobody_stops_or_asks_back_on_their_own_request() -> None:
    both = staff("requester", "coordinator", "finance_reconciler")
    for order, before in ((SUSPEND, UNTIL_APPROVED), (ResumeGrant(), (*UNTIL_APPROVED, SUSPENDED)), (RECOVER, UNTIL_PAID)):
        GRANTS.given(*before).when(order, both).refused("four_eyes")
