"""An attempt to pay that fails, or whose money comes back, is over; the tranche is released anew and nothing is edited."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import get_args

import pytest

from services.reintegration.domain.attempts import ReportPaymentFailed, ReversePayment
from services.reintegration.domain.grant import GRANT, CancelGrant
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import FormerAttempt, Grant
from services.reintegration.domain.hats import hats
from services.reintegration.domain.stops import ResumeGrant
from services.reintegration.domain.tranches import (
    ConfirmDelivery,
    ConfirmPayment,
    ReconcileTranche,
)
from services.reintegration.domain.turns import turns
from services.reintegration.posting_projections import Place, place_of_a_recovery, place_of_a_return, postings
from shared.actors import Actor
from shared.contracts.attempts import (
    DisbursementUndone,
    FailureReason,
    PaymentFailed,
    PaymentReversed,
    ReversalReason,
)
from shared.contracts.reintegration import GrantCancelled, GrantDisbursed
from shared.contracts.stops import GrantSuspended, RecoveryOpened
from shared.messages import Context, Event
from tests.given import NOON, Given, staff
from tests.unit.reintegration.examples import (
    APPROVER,
    ATTEMPT_1,
    ATTEMPT_2,
    CASE_ID,
    COUNSELLOR,
    DELIVERED_1,
    DEPUTY_PAYER,
    ENDORSER,
    NOTHING_STANDS_AGAINST_IT,
    OFFICE,
    PAID_1,
    PAYER,
    RECONCILED_1,
    RECONCILER,
    RELEASE_1,
    RELEASED_1,
    REQUESTER,
    TODAY,
    UNTIL_APPROVED,
    UNTIL_DELIVERED,
    UNTIL_PAID,
    eur,
    ref,
    release,
)

GRANTS = Given(GRANT, NOTHING_STANDS_AGAINST_IT)
LATER = NOON + timedelta(hours=3)
JUNE = date(2023, 6, 1)
FAIL = ReportPaymentFailed(number=1, reason="account_closed", failed_on=TODAY)
REVERSE = ReversePayment(number=1, reason="returned_by_bank", returned_on=TODAY)
NOT_SENT = FAIL.model_copy(update={"reason": "not_sent"})
FAILED = PaymentFailed(
    number=1, attempt_no=1, attempt_id=ATTEMPT_1, reason="account_closed", failed_on=TODAY, reported_by=RECONCILER.person_id,
    reported_as="reconciler", reported_at=NOON,
)  # fmt: skip
REVERSED = PaymentReversed(
    case_id=CASE_ID, number=1, attempt_no=1, attempt_id=ATTEMPT_1, money=eur("800.00"), reason="returned_by_bank",
    returned_on=TODAY, reversed_by=RECONCILER.person_id, reversed_at=NOON,
)  # fmt: skip
UNTIL_RELEASED = (*UNTIL_APPROVED, RELEASED_1)
AGAIN = RELEASED_1.model_copy(update={"attempt_no": 2, "attempt_id": ATTEMPT_2})
RELEASE_AGAIN = release(1, attempt_id=ATTEMPT_2)
PAY = ConfirmPayment(number=1, reference="BANK-0002", paid_on=TODAY)
RELEASED_2 = RELEASED_1.model_copy(update={"number": 2, "money": eur("400.00"), "attempt_id": ATTEMPT_2})
PAID_2 = PAID_1.model_copy(update={"number": 2, "money": eur("400.00"), "reference": "BANK-0002"})
ALL_PAID = (*UNTIL_DELIVERED, RELEASED_2, PAID_2, GrantDisbursed(case_id=CASE_ID))
CANCELLED = GrantCancelled(
    case_id=CASE_ID, reason="re_migrated", released=eur("400.00"), cancelled_at=NOON, cancelled_by=ENDORSER.person_id
)
SUSPENDED = GrantSuspended(reason="under_review", suspended_by=ENDORSER.person_id, suspended_at=NOON)


def folded(*events: Event) -> Grant:
    state = GRANT.fold(events)
    assert state is not None
    return state


def knowing(given: Given[Grant, GrantFacts], **facts: object) -> Given[Grant, GrantFacts]:
    return given.knowing(replace(NOTHING_STANDS_AGAINST_IT, **facts))  # type: ignore[arg-type]


def money_of(state: Grant) -> tuple[Decimal | None, ...]:
    return state.committed, state.paid, state.fund_committed, state.fund_paid


def test_an_attempt_that_failed_leaves_the_tranche_planned_and_moves_no_money() -> None:
    GRANTS.given(*UNTIL_RELEASED).when(FAIL, RECONCILER).then(FAILED)
    before, after = folded(*UNTIL_RELEASED), folded(*UNTIL_RELEASED, FAILED)
    assert [(one.status, one.attempt_no) for one in after.tranches] == [("planned", 2), ("planned", 1)]
    assert money_of(after) == money_of(before)
    assert postings(ref(1), before, after) == []
    (over,) = after.former_attempts
    assert (over.tranche, over.attempt_no, over.attempt_id) == (1, 1, ATTEMPT_1)
    assert (over.reason, over.ended_on, over.ended_by, over.paid_on) == ("account_closed", TODAY, RECONCILER.person_id, None)


def test_a_tranche_is_released_again_as_another_attempt_under_another_id() -> None:
    GRANTS.given(*UNTIL_RELEASED, FAILED).when(RELEASE_AGAIN, PAYER).then(AGAIN)
    GRANTS.given(*UNTIL_RELEASED, FAILED).when(RELEASE_1, PAYER).refused("attempt_used")
    paid = GRANTS.given(*UNTIL_RELEASED, FAILED, AGAIN).when(PAY, PAYER)
    paid.then(PAID_1.model_copy(update={"reference": "BANK-0002", "attempt_no": 2}))


def test_while_an_attempt_is_under_way_or_paid_no_other_begins() -> None:
    for past in (UNTIL_RELEASED, UNTIL_PAID, (*UNTIL_RELEASED, FAILED, AGAIN)):
        GRANTS.given(*past).when(release(1), PAYER).refused("previous_tranche_not_delivered")


def test_a_bank_that_reports_on_an_earlier_attempt_ends_no_later_one() -> None:
    again = GRANTS.given(*UNTIL_RELEASED, FAILED, AGAIN)
    again.when(FAIL.model_copy(update={"attempt_id": ATTEMPT_1}), RECONCILER).refused("another_attempt")
    again.when(PAY.model_copy(update={"attempt_id": ATTEMPT_1}), PAYER).refused("another_attempt")
    assert again.when(FAIL.model_copy(update={"attempt_id": ATTEMPT_2}), RECONCILER).refusal is None
    paid = again.given(PAID_1.model_copy(update={"reference": "BANK-0002", "attempt_no": 2}))
    paid.when(REVERSE.model_copy(update={"attempt_id": ATTEMPT_1}), RECONCILER).refused("another_attempt")


def test_only_what_is_released_can_fail_and_only_what_is_paid_can_come_back() -> None:
    GRANTS.given(*UNTIL_PAID).when(FAIL, RECONCILER).refused("tranche_not_released")
    GRANTS.given(*UNTIL_DELIVERED, RELEASED_2).when(FAIL, RECONCILER).refused("paid_already")
    GRANTS.given(*UNTIL_RELEASED, FAILED).when(FAIL, RECONCILER).refused("tranche_not_released")
    GRANTS.given(*UNTIL_RELEASED).when(REVERSE, RECONCILER).refused("tranche_not_paid")
    GRANTS.given(*UNTIL_DELIVERED).when(REVERSE, RECONCILER).refused("tranche_not_paid")
    GRANTS.given(*ALL_PAID).when(REVERSE, RECONCILER).refused("delivered_already")
    GRANTS.given(*ALL_PAID, RECONCILED_1).when(REVERSE, RECONCILER).refused("delivered_already")
    GRANTS.given(*UNTIL_PAID, REVERSED).when(REVERSE, RECONCILER).refused("tranche_not_paid")
    GRANTS.given(*UNTIL_PAID).when(REVERSE.model_copy(update={"number": 3}), RECONCILER).refused("no_such_tranche")
    GRANTS.given(*UNTIL_RELEASED).when(FAIL.model_copy(update={"number": 2}), RECONCILER).refused("tranche_not_released")


def test_days_lie_neither_ahead_nor_before_what_they_follow() -> None:
    tomorrow, long_ago = TODAY + timedelta(days=1), TODAY - timedelta(days=2)
    released, paid = GRANTS.given(*UNTIL_RELEASED), GRANTS.given(*UNTIL_PAID)
    released.when(FAIL.model_copy(update={"failed_on": tomorrow}), RECONCILER).refused("in_the_future")
    released.when(FAIL.model_copy(update={"failed_on": long_ago}), RECONCILER).refused("failed_before_release")
    paid.when(REVERSE.model_copy(update={"returned_on": tomorrow}), RECONCILER).refused("in_the_future")
    paid.when(REVERSE.model_copy(update={"returned_on": TODAY - timedelta(days=1)}), RECONCILER).refused("returned_before_payment")


def test_money_that_came_back_is_committed_again_and_spent_no_more() -> None:
    GRANTS.given(*UNTIL_PAID).when(REVERSE, RECONCILER).then(REVERSED)
    before, after = folded(*UNTIL_PAID), folded(*UNTIL_PAID, REVERSED)
    assert money_of(before) == (Decimal("400.00"), Decimal("800.00"), Decimal("400.00"), Decimal("800.00"))
    assert money_of(after) == (Decimal("1200.00"), Decimal(0), Decimal("1200.00"), Decimal(0))
    assert after.status == "in_disbursement"
    (posted,) = postings(ref(1), before, after)
    assert (posted.values["kind"], posted.values["amount"], posted.values["tranche"]) == ("reverse", Decimal("800.00"), 1)
    assert (posted.values["day"], posted.values["posted_in"]) == (TODAY, None)
    assert after.former_attempts[0].reference == "BANK-0001"
    GRANTS.given(*UNTIL_PAID, REVERSED).when(RELEASE_AGAIN, PAYER).then(AGAIN)


def test_a_grant_that_was_fully_paid_is_in_disbursement_again_until_it_is_paid_anew() -> None:
    reverse = REVERSE.model_copy(update={"number": 2})
    back = REVERSED.model_copy(update={"number": 2, "money": eur("400.00"), "attempt_id": ATTEMPT_2})
    undone = DisbursementUndone(case_id=CASE_ID)
    GRANTS.given(*ALL_PAID).when(reverse, RECONCILER).then(back, undone)
    after = folded(*ALL_PAID, back, undone)
    assert (after.status, turns(after)["payer"].step) == ("in_disbursement", "release")
    again = GRANTS.given(*ALL_PAID, back, undone, AGAIN.model_copy(update={"number": 2, "money": eur("400.00"), "attempt_id": ref(43)}))
    paid = again.when(ConfirmPayment(number=2, reference="BANK-0003", paid_on=TODAY), PAYER)
    assert [type(event).__name__ for event in paid.events] == ["PaymentConfirmed", "GrantDisbursed"]


def test_what_comes_back_to_a_cancelled_grant_is_free_at_once() -> None:
    freed = REVERSED.model_copy(update={"freed": True, "posted_in": date(2023, 6, 1)})
    late = knowing(GRANTS.given(*UNTIL_PAID, CANCELLED), month_closed=True, open_month=date(2023, 6, 1))
    late.when(REVERSE, RECONCILER).then(freed)
    before, after = folded(*UNTIL_PAID, CANCELLED), folded(*UNTIL_PAID, CANCELLED, freed)
    assert (after.status, set(money_of(after))) == ("cancelled", {Decimal(0)})
    back, free = postings(ref(1), before, after)
    assert (back.values["kind"], free.values["kind"], free.values["tranche"]) == ("reverse", "release", None)
    # No month is left in which it is committed, whenever it became known.
    assert (free.values["day"], free.values["posted_in"]) == (back.values["day"], back.values["posted_in"]) == (TODAY, date(2023, 6, 1))
    assert turns(after) == {}


def test_what_comes_back_to_a_fund_that_is_closed_is_free_and_its_tranche_is_released_no_more() -> None:
    past = (*UNTIL_DELIVERED, RELEASED_2, PAID_2, GrantDisbursed(case_id=CASE_ID))
    reverse = REVERSE.model_copy(update={"number": 2})
    events = knowing(GRANTS.given(*past), fund_closed=True).when(reverse, RECONCILER).events
    before, after = folded(*past), folded(*past, *events)
    assert (after.status, after.committed, after.fund_committed, after.paid) == ("in_disbursement", Decimal(0), Decimal(0), Decimal("800.00"))
    assert [one.values["kind"] for one in postings(ref(1), before, after)] == ["reverse", "release"]
    assert "payer" not in turns(after)
    GRANTS.given(*past, *events).when(release(2, attempt_id=ref(44)), PAYER).refused("commitment_freed")
    cancelled = GRANTS.given(*past, *events).when(CancelGrant(reason="not_needed"), ENDORSER)
    assert folded(*past, *events, *cancelled.events).status == "cancelled"


def test_a_suspended_grant_stays_suspended_and_goes_on_where_it_was() -> None:
    for past, order, who in (((*UNTIL_RELEASED, SUSPENDED), FAIL, RECONCILER), ((*UNTIL_PAID, SUSPENDED), REVERSE, RECONCILER)):
        done = GRANTS.given(*past).when(order, who)
        after = folded(*past, *done.events)
        assert after.status == "suspended"
        resumed = GRANT.fold(GRANT.decide(after, ResumeGrant(), NOTHING_STANDS_AGAINST_IT, Context(APPROVER, NOON)), after)
        assert resumed is not None
        assert resumed.status == "in_disbursement"


def test_a_grant_is_cancelled_once_its_attempt_is_known_to_have_failed() -> None:
    cancel = CancelGrant(reason="lost_contact")
    GRANTS.given(*UNTIL_RELEASED).when(cancel, ENDORSER).refused("tranche_under_way")
    cancelled = GRANTS.given(*UNTIL_RELEASED, FAILED).when(cancel, ENDORSER)
    assert folded(*UNTIL_RELEASED, FAILED, *cancelled.events).committed == 0


def test_no_more_comes_back_than_is_not_asked_back() -> None:
    asked = RecoveryOpened(reason="overpaid", money=eur("100.00"), opened_by=APPROVER.person_id, opened_at=NOON)
    GRANTS.given(*UNTIL_PAID, asked).when(REVERSE, RECONCILER).refused("asked_back_already")


@pytest.mark.parametrize("who", [PAYER, DEPUTY_PAYER, APPROVER, ENDORSER, REQUESTER, COUNSELLOR], ids=lambda who: who.person_id.removeprefix("staff:"))
def test_whoever_paid_or_took_another_part_does_not_say_that_it_came_back(who: Actor) -> None:
    past = (*UNTIL_APPROVED, RELEASED_1, PAID_1.model_copy(update={"confirmed_by": DEPUTY_PAYER.person_id}))
    GRANTS.given(*past).when(REVERSE, who).refused("four_eyes")


@pytest.mark.parametrize(
    ("who", "hat"), [(DEPUTY_PAYER, "payer"), (RECONCILER, "reconciler")], ids=["deputy", "reconciler"]
)
def test_a_second_payer_or_who_reconciles_reports_a_failure_in_their_own_hat_and_keeps_it(who: Actor, hat: str) -> None:
    done = GRANTS.given(*UNTIL_RELEASED).when(NOT_SENT, who)
    done.then(FAILED.model_copy(update={"reason": "not_sent", "reported_by": who.person_id, "reported_as": hat}))
    after = folded(*UNTIL_RELEASED, *done.events)
    assert (hat, who.person_id) in hats(after)
    assert ("payer", PAYER.person_id) in hats(after)


@pytest.mark.parametrize("method", ["office_account", "cash", None])
def test_nobody_ends_the_attempt_that_they_released_themselves(method: str | None) -> None:
    released = GRANTS.given(*UNTIL_APPROVED, RELEASED_1.model_copy(update={"method": method}))
    for order in (FAIL, NOT_SENT):
        released.when(order, PAYER).refused("four_eyes")
    released.when(FAIL, DEPUTY_PAYER).refused("reconciler_reports")
    assert released.when(NOT_SENT, DEPUTY_PAYER).refusal is None
    assert released.when(FAIL, RECONCILER).refusal is None


@pytest.mark.parametrize("method", ["office_account", "cash", None])
@pytest.mark.parametrize(("order", "who"), [(FAIL, RECONCILER), (NOT_SENT, DEPUTY_PAYER)], ids=["failed", "not-sent"])
def test_while_a_line_of_the_banks_says_that_money_may_have_left_nobody_ends_the_attempt(
    method: str | None, order: ReportPaymentFailed, who: Actor
) -> None:
    released = GRANTS.given(*UNTIL_APPROVED, RELEASED_1.model_copy(update={"method": method}))
    released.knowing(replace(NOTHING_STANDS_AGAINST_IT, own_line_waits=True)).when(order, who).refused("bank_line_waits")


def test_whoever_may_not_end_an_attempt_is_told_so_before_they_say_anything() -> None:
    state = folded(*UNTIL_RELEASED)
    told = [GRANT.refusal(state, ReportPaymentFailed, None, Context(who, NOON)) for who in (PAYER, RECONCILER)]
    assert [refusal.code if refusal else None for refusal in told] == ["four_eyes", None]


def test_somebody_with_both_roles_keeps_to_the_hat_that_they_wore() -> None:
    both = staff("both", "finance_payer", "finance_reconciler")
    confirmed = (*UNTIL_APPROVED, RELEASED_1, PAID_1.model_copy(update={"confirmed_by": both.person_id}), DELIVERED_1, RELEASED_2)
    as_payer = GRANTS.given(*confirmed).when(NOT_SENT.model_copy(update={"number": 2}), both)
    assert isinstance(as_payer.events[0], PaymentFailed)
    assert as_payer.events[0].reported_as == "payer"
    as_reconciler = RECONCILED_1.model_copy(update={"reconciled_by": both.person_id})
    past = (*UNTIL_DELIVERED, as_reconciler, RELEASED_2)
    reported = GRANTS.given(*past).when(FAIL.model_copy(update={"number": 2}), both)
    assert isinstance(reported.events[0], PaymentFailed)
    assert reported.events[0].reported_as == "reconciler"


def test_whoever_tried_to_pay_wears_no_other_hat_later() -> None:
    past = (*UNTIL_RELEASED, FAILED, AGAIN.model_copy(update={"released_by": DEPUTY_PAYER.person_id}))
    paid = (*past, PAID_1.model_copy(update={"confirmed_by": DEPUTY_PAYER.person_id, "attempt_no": 2}))
    GRANTS.given(*paid).when(ConfirmDelivery(number=1), PAYER).refused("four_eyes")
    GRANTS.given(*paid, DELIVERED_1).when(ReconcileTranche(number=1), PAYER).refused("four_eyes")
    reported = FAILED.model_copy(update={"reported_by": RECONCILER.person_id, "reported_as": "reconciler"})
    GRANTS.given(*UNTIL_RELEASED, reported).when(RELEASE_AGAIN, RECONCILER).refused("four_eyes")
    GRANTS.given(*UNTIL_PAID, REVERSED).when(RELEASE_AGAIN, RECONCILER).refused("four_eyes")


def test_a_receipt_that_arrives_late_is_posted_in_the_oldest_open_month_under_its_own_day() -> None:
    late = PAY.model_copy(update={"late_receipt": True})
    closed = knowing(GRANTS.given(*UNTIL_RELEASED), month_closed=True, open_month=JUNE)
    closed.when(PAY, PAYER).refused("period_closed")
    closed.when(late, PAYER).then(PAID_1.model_copy(update={"reference": "BANK-0002", "posted_in": JUNE}))
    after = folded(*UNTIL_RELEASED, PAID_1.model_copy(update={"posted_in": JUNE}))
    (posted,) = postings(ref(1), folded(*UNTIL_RELEASED), after)
    assert (posted.values["day"], posted.values["posted_in"]) == (TODAY, JUNE)
    # Where the month is open nothing is late about it.
    GRANTS.given(*UNTIL_RELEASED).when(late, PAYER).then(PAID_1.model_copy(update={"reference": "BANK-0002"}))
    unknown = knowing(GRANTS.given(*UNTIL_RELEASED), month_closed=True, open_month=None)
    unknown.when(late, PAYER).refused("period_closed")


def test_money_that_came_back_into_a_closed_month_is_posted_in_the_oldest_open_one() -> None:
    closed = knowing(GRANTS.given(*UNTIL_PAID), month_closed=True, open_month=JUNE)
    closed.when(REVERSE, RECONCILER).then(REVERSED.model_copy(update={"posted_in": JUNE}))
    (posted,) = postings(ref(1), folded(*UNTIL_PAID), folded(*UNTIL_PAID, REVERSED.model_copy(update={"posted_in": JUNE})))
    assert (posted.values["day"], posted.values["posted_in"]) == (TODAY, JUNE)


def test_what_comes_back_before_the_month_of_its_payment_by_its_own_day_is_posted_in_that_month() -> None:
    paid = folded(*UNTIL_RELEASED, PAID_1.model_copy(update={"posted_in": JUNE}))
    in_june = date(2023, 6, 20)
    assert place_of_a_return(paid, paid.tranches[0], TODAY) == Place(JUNE, JUNE)
    assert place_of_a_return(paid, paid.tranches[0], in_june) == Place(in_june)
    assert place_of_a_return(folded(*UNTIL_PAID), folded(*UNTIL_PAID).tranches[0], TODAY) == Place(TODAY)
    reopened = knowing(GRANTS.given(*UNTIL_PAID), later_month=JUNE)
    reopened.when(REVERSE, RECONCILER).then(REVERSED.model_copy(update={"posted_in": JUNE}))
    july = date(2023, 7, 1)
    closed = knowing(GRANTS.given(*UNTIL_PAID), later_month=JUNE, month_closed=True, open_month=july)
    closed.when(REVERSE, RECONCILER).then(REVERSED.model_copy(update={"posted_in": july}))


@pytest.mark.parametrize(
    ("amount", "place"), [("800.00", Place(TODAY)), ("800.01", Place(JUNE, JUNE)), ("1200.00", Place(JUNE, JUNE)), ("1200.01", Place(JUNE, JUNE))]
)
def test_what_is_given_back_is_posted_once_so_much_was_paid(amount: str, place: Place) -> None:
    paid = folded(*UNTIL_DELIVERED, RELEASED_2, PAID_2.model_copy(update={"posted_in": JUNE}))
    assert place_of_a_recovery(paid, Decimal(amount), TODAY) == place
    before = replace(paid, recovered=Decimal("0.01"))
    assert place_of_a_recovery(before, Decimal("800.00"), TODAY) == Place(JUNE, JUNE)


def test_a_tranche_is_due_again_since_its_last_attempt_ended() -> None:
    after = folded(*UNTIL_RELEASED, FAILED.model_copy(update={"reported_at": LATER}))
    assert (turns(after)["payer"].step, turns(after)["payer"].since) == ("release", LATER)
    assert "deliverer" not in turns(folded(*UNTIL_PAID, REVERSED))


@pytest.mark.parametrize("reason", get_args(FailureReason))
def test_each_reason_of_a_failure_is_kept_with_its_attempt(reason: FailureReason) -> None:
    done = GRANTS.given(*UNTIL_RELEASED).when(FAIL.model_copy(update={"reason": reason}), RECONCILER)
    assert folded(*UNTIL_RELEASED, *done.events).former_attempts[0].reason == reason


@pytest.mark.parametrize("reason", get_args(ReversalReason))
def test_each_reason_of_a_reversal_is_kept_with_its_attempt(reason: ReversalReason) -> None:
    done = GRANTS.given(*UNTIL_PAID).when(REVERSE.model_copy(update={"reason": reason}), RECONCILER)
    assert folded(*UNTIL_PAID, *done.events).former_attempts[0].reason == reason


def test_a_delivered_tranche_stays_paid_whoever_asks() -> None:
    for who in (RECONCILER, OFFICE, PAYER):
        assert GRANTS.given(*UNTIL_DELIVERED).when(REVERSE, who).refusal is not None


def test_all_that_was_known_of_an_attempt_stays_with_it_once_it_is_over() -> None:
    paid = PAID_1.model_copy(update={"posted_in": JUNE})
    back = REVERSED.model_copy(update={"posted_in": JUNE, "reversed_at": LATER})
    to = {"payee_id": ref(51), "account_no": 2, "method": "office_account"}
    released = RELEASED_1.model_copy(update=to)
    (tranche, _) = folded(*UNTIL_APPROVED, released).tranches
    assert {name: getattr(tranche, name) for name in to} == to
    after = folded(*UNTIL_APPROVED, released, paid, back)
    assert after.former_attempts == (
        FormerAttempt(
            tranche=1, attempt_no=1, attempt_id=ATTEMPT_1, amount=Decimal("800.00"), in_fund=None, released_by=PAYER.person_id,
            released_at=NOON, ended_as="reconciler", ended_by=RECONCILER.person_id, ended_at=LATER, ended_on=TODAY,
            reason="returned_by_bank", confirmed_by=paid.confirmed_by, confirmed_at=paid.confirmed_at, reference=paid.reference,
            paid_on=paid.paid_on, posted_in=JUNE, return_posted_in=JUNE, payee_id=ref(51), account_no=2, method="office_account",
        ),
    )  # fmt: skip
    assert (after.waiting_since, after.reconciler_id) == (LATER, RECONCILER.person_id)
    for hat, who in ("payer", DEPUTY_PAYER), ("reconciler", RECONCILER):
        told = FAILED.model_copy(update={"reported_as": hat, "reported_by": who.person_id, "reported_at": LATER})
        failed = folded(*UNTIL_RELEASED, told)
        (over,) = failed.former_attempts
        assert (over.ended_as, over.ended_by, over.ended_at) == (hat, who.person_id, LATER)
        assert (failed.payer_id if hat == "payer" else failed.reconciler_id) == who.person_id
