"""A payment batch: only what adds up and can be sent is signed, by two persons, and an attempt goes once."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.reintegration.domain.attempts import ReversePayment
from services.reintegration.domain.batch import (
    MOST_PAYMENTS,
    PAYMENT_BATCH,
    ApproveBatch,
    ConfirmBatchDrop,
    DropBatch,
    KeepBatch,
    MakeBatch,
    TakeBatchFile,
    file_for,
)
from services.reintegration.domain.batch_file import BatchFacts, Candidate, Order, file_of, hash_of, sums_of
from services.reintegration.domain.batch_state import PaymentBatch
from services.reintegration.domain.grant import GRANT
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.own_accounts import OWN_ACCOUNT
from services.reintegration.domain.payee import PAYEE
from services.reintegration.domain.payee_details import PayeeDetails
from services.reintegration.domain.payee_facts import Payable
from services.reintegration.domain.tranches import ReconcileTranche
from shared.actors import Actor
from shared.contracts.batches import (
    BatchApproved,
    BatchDropAsked,
    BatchDropped,
    BatchFileTakenAgain,
    BatchHandedOut,
    BatchKept,
    BatchMade,
    PaymentsBatched,
)
from shared.contracts.reintegration import TrancheReconciled
from shared.contracts.stops import GrantSuspended
from shared.errors import Refusal
from shared.messages import Command, Concealed, Context, Event
from shared.money import Money
from tests.given import NOON, Given
from tests.unit.reintegration.examples import (
    APPROVER,
    CHIEF,
    COUNSELLOR,
    DEPUTY_PAYER,
    NOTHING_STANDS_AGAINST_IT,
    PAYER,
    RECONCILER,
    RELEASED_1,
    REQUESTER,
    TODAY,
    UNTIL_APPROVED,
    UNTIL_DELIVERED,
    UNTIL_PAID,
    eur,
    ref,
)
from tests.unit.reintegration.test_own_accounts import CLOSED, CONFIRMED, REGISTERED
from tests.unit.reintegration.test_payee import ASKED as CHANGE_ASKED
from tests.unit.reintegration.test_payee import CONFIRMED as PAYEE_CONFIRMED
from tests.unit.reintegration.test_payee import REGISTERED as PAYEE_REGISTERED

BATCH_ID, ACCOUNT_ID = ref(70), ref(71)
FIRST, SECOND, THIRD = ref(81), ref(82), ref(83)
TOMORROW = TODAY + timedelta(1)
ACCOUNT = OWN_ACCOUNT.fold((REGISTERED, CONFIRMED))
GRANT_PAID = GRANT.fold((*UNTIL_APPROVED, RELEASED_1))
PAYEE_OF = PAYEE.fold((PAYEE_REGISTERED.model_copy(update={"currency": "EUR"}), PAYEE_CONFIRMED))
DETAILS = PayeeDetails(holder="Invented Tools Ltd", iban="PK36SCBL0000001123456702", bank_code="INVTPKKA", call_back_contact="x")
assert ACCOUNT is not None and GRANT_PAID is not None and PAYEE_OF is not None
KNOWN = Payable(PAYEE_OF, True, frozenset(), False, ())
CANDIDATE = Candidate(
    money=eur("800.00"), status="released", method="bank_file", account_no=1, elsewhere=False, line_waits=False,
    answered=False,
    grant=GRANT_PAID, known=KNOWN, not_cleared=False, lost=False, details=DETAILS,
)  # fmt: skip
WAITING = {FIRST: CANDIDATE, SECOND: replace(CANDIDATE, money=eur("0.50")), THIRD: replace(CANDIDATE, money=eur("7.00"))}
FACTS = BatchFacts(BATCH_ID, TODAY, ACCOUNT, WAITING, not_cleared=False)
GRANTS: Given[Grant, GrantFacts] = Given(GRANT, NOTHING_STANDS_AGAINST_IT)
BATCHES: Given[PaymentBatch, BatchFacts] = Given(PAYMENT_BATCH, FACTS)


def make(*attempts: UUID, sums: tuple[Money, ...] = (), count: int | None = None, **said: Any) -> MakeBatch:
    chosen = attempts or (FIRST, SECOND)
    return MakeBatch(
        own_account_id=ACCOUNT_ID, execution_on=said.get("on", TOMORROW), attempts=chosen, expected_count=count or len(chosen),
        expected_sums=sums or sums_of(WAITING[id].money for id in chosen if id in WAITING) or (eur("1.00"),),
    )  # fmt: skip


MAKE = make()
FILE = file_of(Order(BATCH_ID, NOON, ACCOUNT, TOMORROW, MAKE.attempts), WAITING)
MADE = BatchMade(
    own_account_id=ACCOUNT_ID, execution_on=TOMORROW, count=2, sums=(eur("800.50"),), file_sha256=Concealed.of(hash_of(FILE)),
    made_by=PAYER.person_id, made_at=NOON, block_sums=(eur("800.50"),),
)  # fmt: skip
PUT_IN = PaymentsBatched(attempts=(FIRST, SECOND))
APPROVED = BatchApproved(
    count=2, sums=(eur("800.50"),), file_sha256=Concealed.of(hash_of(FILE)), approved_by=DEPUTY_PAYER.person_id, approved_at=NOON
)
SENT = BatchHandedOut(handed_out_to=PAYER.person_id, handed_out_at=NOON)
AGAIN = BatchFileTakenAgain(taken_by=DEPUTY_PAYER.person_id, taken_at=NOON)
DROP_ASKED = BatchDropAsked(reason="never_sent", asked_by=PAYER.person_id, asked_at=NOON)
APPROVE = ApproveBatch(expected_count=2, expected_sums=(eur("800.50"),), file_sha256=hash_of(FILE))
OF_TWO = BATCHES.given(MADE, PUT_IN)
TAKE = TakeBatchFile()


def with_first(**changed: Any) -> BatchFacts:
    return replace(FACTS, candidates={**WAITING, FIRST: replace(CANDIDATE, **changed)})


def test_what_adds_up_is_put_together_by_one_and_goes_once_another_approved_it() -> None:
    BATCHES.when(MAKE, PAYER).then(MADE, PUT_IN)
    OF_TWO.when(APPROVE, PAYER).refused("four_eyes")
    OF_TWO.when(TAKE, PAYER).refused("batch_not_approved")
    for who in (DEPUTY_PAYER, CHIEF):
        OF_TWO.when(APPROVE, who).then(APPROVED.model_copy(update={"approved_by": who.person_id}))
    approved = OF_TWO.given(APPROVED)
    approved.when(APPROVE, CHIEF).refused("wrong_status")
    approved.when(TAKE, PAYER).then(SENT)
    # Once more is a fact of its own, whoever takes it.
    for who in (PAYER, DEPUTY_PAYER):
        approved.given(SENT).when(TAKE, who).then(AGAIN.model_copy(update={"taken_by": who.person_id}))


def test_the_file_is_open_to_who_took_it_and_only_as_long_as_it_may_go() -> None:
    def opened(who: Actor, *past: Event, facts: BatchFacts = FACTS) -> bytes | str:
        state = PAYMENT_BATCH.fold((MADE, PUT_IN, APPROVED, *past))
        assert state is not None
        try:
            return file_for(state, facts, Context(who, NOON))
        except Refusal as refusal:
            return refusal.code

    assert opened(PAYER) == "file_not_taken"
    assert opened(PAYER, SENT) == FILE
    assert opened(DEPUTY_PAYER, SENT) == "file_not_taken"
    assert opened(DEPUTY_PAYER, SENT, AGAIN) == opened(PAYER, SENT, AGAIN, AGAIN) == FILE
    assert opened(PAYER, SENT, DROP_ASKED) == "drop_asked"
    assert opened(PAYER, SENT, facts=with_first(details=None)) == "batch_changed"
    assert opened(PAYER, SENT, facts=with_first(known=replace(KNOWN, of_staff=True))) == "account_of_staff"


def test_how_often_and_by_whom_a_file_was_taken_is_counted() -> None:
    state = PAYMENT_BATCH.fold((MADE, PUT_IN, APPROVED, SENT, AGAIN, AGAIN))
    assert state is not None
    assert (state.takers, state.times_taken, state.sent_by) == ((PAYER.person_id, DEPUTY_PAYER.person_id), 3, PAYER.person_id)


@pytest.mark.parametrize(
    "order",
    [make(count=3), make(sums=(eur("800.51"),)), make(sums=(eur("800.50"), Money(amount=Decimal(1), currency="XOF"))),
     make(sums=(Money(amount=Decimal("800.50"), currency="BAM"),)), make(sums=(eur("800.00"), eur("800.50")))],
    ids=["count", "sum", "another-currency-too", "another-currency", "currency-twice"],
)  # fmt: skip
def test_totals_that_the_payments_do_not_make_are_refused_of_either_signature(order: MakeBatch) -> None:
    BATCHES.when(order, PAYER).refused("batch_does_not_add_up")
    stated = {"expected_count": order.expected_count, "expected_sums": order.expected_sums}
    OF_TWO.when(APPROVE.model_copy(update=stated), CHIEF).refused("batch_does_not_add_up")


def test_trailing_zeros_are_no_other_sum() -> None:
    BATCHES.when(make(sums=(eur("800.5"),)), PAYER).then(MADE, PUT_IN)


@pytest.mark.parametrize(("days", "code"), [(-1, "execution_day_wrong"), (0, ""), (30, ""), (31, "execution_day_wrong")])
def test_the_day_is_today_or_in_the_next_thirty(days: int, code: str) -> None:
    outcome = BATCHES.when(make(on=TODAY + timedelta(days)), PAYER)
    if code:
        outcome.refused(code)
    else:
        outcome.then_kinds(BatchMade, PaymentsBatched)


def test_a_batch_whose_day_has_passed_is_neither_approved_nor_handed_out_first() -> None:
    late = replace(FACTS, today=TODAY + timedelta(2))
    OF_TWO.knowing(late).when(APPROVE, CHIEF).refused("execution_day_wrong")
    OF_TWO.given(APPROVED).knowing(late).when(TAKE, PAYER).refused("execution_day_wrong")
    OF_TWO.given(APPROVED, SENT).knowing(late).when(TAKE, DEPUTY_PAYER).then(AGAIN)


def test_only_an_active_account_at_a_bank_pays() -> None:
    assert ACCOUNT is not None
    for account, code in (
        (None, "own_account_unknown"), (OWN_ACCOUNT.fold((REGISTERED,)), "own_account_not_active"),
        (OWN_ACCOUNT.fold((REGISTERED, CONFIRMED, CLOSED)), "own_account_not_active"), (replace(ACCOUNT, kind="cash_box"), "not_at_a_bank"),
    ):  # fmt: skip
        BATCHES.knowing(replace(FACTS, account=account)).when(MAKE, PAYER).refused(code)


STOPPED = GrantSuspended(reason="under_review", suspended_by=APPROVER.person_id, suspended_at=NOON)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"status": "paid"}, "attempt_not_released"), ({"status": "failed"}, "attempt_not_released"), ({"method": "cash"}, "another_method"),
        ({"method": None}, "another_method"), ({"elsewhere": True}, "in_another_batch"), ({"line_waits": True}, "bank_line_waits"), ({"account_no": 2}, "account_changed"),
        ({"known": replace(KNOWN, payee=PAYEE.fold((PAYEE_REGISTERED.model_copy(update={"currency": "EUR"}), PAYEE_CONFIRMED, CHANGE_ASKED)))}, "payee_on_hold"),
        ({"known": replace(KNOWN, account_known=False)}, "payee_erased"), ({"known": replace(KNOWN, of_staff=True)}, "account_of_staff"),
        ({"known": replace(KNOWN, payee=None)}, "payee_unknown"), ({"known": replace(KNOWN, newest_lists=(ref(1),))}, "not_screened"),
        ({"details": None}, "account_changed"), ({"grant": GRANT.fold((*UNTIL_APPROVED, RELEASED_1, STOPPED))}, "wrong_status"),
        ({"details": DETAILS.model_copy(update={"bank_code": None})}, "bank_missing"),
        ({"details": DETAILS.model_copy(update={"holder": "李"})}, "name_needs_latin"),
        ({"details": DETAILS.model_copy(update={"holder": "Invented " * 20})}, "name_too_long"),
        ({"money": Money(amount=Decimal(5), currency="PKR")}, "another_currency"),
    ],
    ids=["paid", "failed", "cash", "no-method", "elsewhere", "line-waits", "other-account", "on-hold", "erased", "of-staff", "nobody", "not-screened",
         "no-details", "suspended", "no-bank", "script", "long", "currency"],
)  # fmt: skip
def test_a_payment_that_can_not_go_is_named_by_its_attempt_and_stops_either_signature(changed: dict[str, Any], code: str) -> None:
    for order, past, who in ((MAKE, BATCHES, PAYER), (APPROVE, OF_TWO, CHIEF)):
        outcome = past.knowing(with_first(**changed)).when(order, who)
        outcome.refused(code)
        assert outcome.refusal is not None
        assert str(FIRST) in outcome.refusal.sentence
        assert str(SECOND) not in outcome.refusal.sentence


def test_payments_that_can_not_go_for_different_reasons_are_all_named_and_of_many_the_first() -> None:
    both = replace(FACTS, candidates={FIRST: replace(CANDIDATE, elsewhere=True), SECOND: replace(CANDIDATE, method="cash")})
    outcome = BATCHES.knowing(both).when(MAKE, PAYER)
    outcome.refused("payments_refused")
    assert outcome.refusal is not None
    assert f"{FIRST} (in another batch); {SECOND} (another method)" in outcome.refusal.sentence
    unknown = tuple(ref(1000 + number) for number in range(30))
    outcome = BATCHES.when(make(*unknown), PAYER)
    outcome.refused("attempt_unknown")
    assert outcome.refusal is not None
    assert outcome.refusal.sentence.endswith("; and 10 more.")


@pytest.mark.parametrize("who", [APPROVER, REQUESTER, COUNSELLOR], ids=["approver", "requester", "counsellor"])
def test_whoever_wears_another_hat_on_one_of_the_grants_signs_neither(who: Actor) -> None:
    BATCHES.when(MAKE, who).refused("four_eyes")
    OF_TWO.when(APPROVE, who).refused("four_eyes")


def test_whoever_had_a_part_in_a_payee_signs_neither() -> None:
    assert PAYEE_OF is not None
    part = with_first(known=replace(KNOWN, payee=replace(PAYEE_OF, handlers=(DEPUTY_PAYER.person_id,))))
    BATCHES.knowing(part).when(MAKE, DEPUTY_PAYER).refused("four_eyes")
    OF_TWO.knowing(part).when(APPROVE, DEPUTY_PAYER).refused("four_eyes")
    OF_TWO.given(APPROVED).knowing(part).when(TAKE, DEPUTY_PAYER).refused("four_eyes")


def test_whoever_signed_a_batch_paid_and_takes_no_other_part_on_its_grants() -> None:
    signed = GRANTS.knowing(replace(NOTHING_STANDS_AGAINST_IT, signed_its_batch=True)).given(*UNTIL_DELIVERED)
    signed.when(ReconcileTranche(number=1), RECONCILER).refused("four_eyes")
    signed.knowing(NOTHING_STANDS_AGAINST_IT).when(ReconcileTranche(number=1), RECONCILER).then_kinds(TrancheReconciled)
    back = ReversePayment(number=1, reason="paid_in_error", returned_on=TODAY)
    GRANTS.knowing(signed.facts).given(*UNTIL_PAID).when(back, RECONCILER).refused("four_eyes")
    assert GrantFacts().signed_its_batch


def test_a_payment_stands_in_a_batch_once() -> None:
    BATCHES.when(make(FIRST, FIRST), PAYER).refused("attempt_twice")


def test_the_file_says_what_was_signed_or_is_not_handed_out() -> None:
    changed = with_first(details=DETAILS.model_copy(update={"holder": "Another Invented Name"}))
    OF_TWO.knowing(changed).when(APPROVE, CHIEF).refused("batch_changed")
    OF_TWO.when(APPROVE.model_copy(update={"file_sha256": "0" * 64}), CHIEF).refused("batch_changed")
    erased = with_first(details=None, known=replace(KNOWN, account_known=False))
    for past in ((APPROVED,), (APPROVED, SENT)):
        OF_TWO.given(*past).knowing(changed).when(TAKE, PAYER).refused("batch_changed")
        OF_TWO.given(*past).knowing(erased).when(TAKE, PAYER).refused("batch_changed")


def test_a_file_that_was_approved_is_held_back_when_somebody_in_it_is_not_payable_any_more() -> None:
    on_hold = PAYEE.fold((PAYEE_REGISTERED.model_copy(update={"currency": "EUR"}), PAYEE_CONFIRMED, CHANGE_ASKED))
    held = with_first(known=replace(KNOWN, payee=on_hold))
    for past in ((APPROVED,), (APPROVED, SENT)):
        OF_TWO.given(*past).knowing(held).when(TAKE, PAYER).refused("payee_on_hold")


@pytest.mark.parametrize("changed", [{"status": "failed"}, {"status": "paid"}, {"status": "reversed"}, {"answered": True}], ids=str)
def test_a_file_that_the_bank_answered_for_is_neither_taken_nor_read_once_more(changed: Any) -> None:
    sent = PAYMENT_BATCH.fold((MADE, PUT_IN, APPROVED, SENT))
    assert sent is not None
    OF_TWO.given(APPROVED, SENT).knowing(with_first(**changed)).when(TAKE, DEPUTY_PAYER).refused("bank_had_it")
    with pytest.raises(Refusal) as refused:
        file_for(sent, with_first(**changed), Context(PAYER, NOON))
    assert refused.value.code == "bank_had_it"


@pytest.mark.parametrize(("days", "code"), [(5, ""), (6, "execution_day_wrong")])
def test_a_file_that_was_lost_is_taken_again_for_a_few_days_and_from_an_account_that_is_open(days: int, code: str) -> None:
    sent = OF_TWO.given(APPROVED, SENT)
    late = sent.knowing(replace(FACTS, today=TOMORROW + timedelta(days))).when(TAKE, DEPUTY_PAYER)
    if code:
        late.refused(code)
    else:
        late.then(AGAIN)
    closed = OWN_ACCOUNT.fold((REGISTERED, CONFIRMED, CLOSED))
    sent.knowing(replace(FACTS, account=closed)).when(TAKE, DEPUTY_PAYER).refused("own_account_not_active")


def test_one_drops_what_was_never_taken_and_two_what_was() -> None:
    drop = DropBatch(reason="never_sent")
    dropped = BatchDropped(reason="never_sent", asked_by=None, dropped_by=PAYER.person_id, dropped_at=NOON)
    for past in ((), (APPROVED,)):
        OF_TWO.given(*past).when(drop, PAYER).then(dropped)
    sent = OF_TWO.given(APPROVED, SENT)
    sent.when(ConfirmBatchDrop(), CHIEF).refused("nothing_waits")
    sent.when(drop, PAYER).then(DROP_ASKED)
    asked = sent.given(DROP_ASKED)
    asked.when(drop, CHIEF).refused("drop_asked")
    asked.when(TAKE, PAYER).refused("drop_asked")
    asked.when(ConfirmBatchDrop(), PAYER).refused("four_eyes")
    by_two = dropped.model_copy(update={"asked_by": PAYER.person_id, "dropped_by": CHIEF.person_id})
    asked.when(ConfirmBatchDrop(), CHIEF).then(by_two)
    kept = BatchKept(kept_by=CHIEF.person_id, kept_at=NOON)
    asked.when(KeepBatch(), CHIEF).then(kept)
    asked.given(kept).when(TAKE, DEPUTY_PAYER).then(AGAIN)
    for order in (drop, APPROVE, TAKE, ConfirmBatchDrop(), KeepBatch()):
        assert asked.given(by_two).when(order, CHIEF).refusal is not None


def test_a_file_that_the_bank_answered_for_was_not_lost() -> None:
    answered = replace(FACTS, over=1)
    sent = OF_TWO.given(APPROVED, SENT).knowing(answered)
    sent.when(DropBatch(reason="never_sent"), PAYER).refused("bank_had_it")
    sent.given(DROP_ASKED).when(ConfirmBatchDrop(), CHIEF).refused("bank_had_it")


def test_as_many_as_the_largest_batch_fit_into_the_log() -> None:
    ids = tuple(ref(5000 + number) for number in range(MOST_PAYMENTS))
    many = replace(FACTS, candidates=dict.fromkeys(ids, CANDIDATE))
    order = MakeBatch(
        own_account_id=ACCOUNT_ID, execution_on=TOMORROW, attempts=ids, expected_count=len(ids), expected_sums=(eur("800000.00"),)
    )
    made, *parts = BATCHES.knowing(many).when(order, PAYER).events
    assert isinstance(made, BatchMade)
    assert [len(part.model_dump_json()) < 30_000 for part in parts] == [True, True]
    assert tuple(id for part in parts if isinstance(part, PaymentsBatched) for id in part.attempts) == ids


AMOUNTS = {FIRST: ("800.00", "EUR"), SECOND: ("0.50", "EUR"), THIRD: ("3187.125", "TND")}


@examples(st.lists(st.sampled_from((FIRST, SECOND, THIRD)), min_size=1, max_size=3, unique=True))
def test_the_sums_of_a_batch_are_those_of_its_attempts(chosen: list[UUID]) -> None:
    assert PAYEE_OF is not None
    candidates = {
        id: replace(CANDIDATE, money=Money(amount=Decimal(amount), currency=currency), known=replace(KNOWN, payee=replace(PAYEE_OF, currency=currency)))
        for id, (amount, currency) in AMOUNTS.items()
    }
    sums = sums_of(candidates[id].money for id in chosen)
    made, _ = BATCHES.knowing(replace(FACTS, candidates=candidates)).when(make(*chosen, sums=sums), PAYER).events
    assert isinstance(made, BatchMade)
    assert sum(money.amount for money in made.sums) == sum(Decimal(AMOUNTS[id][0]) for id in chosen)
    assert [money.currency for money in made.sums] == sorted({AMOUNTS[id][1] for id in chosen})


ORDERS = st.sampled_from(
    (make(FIRST, SECOND), make(SECOND, THIRD), make(THIRD), TAKE, DropBatch(reason="not_needed"), ConfirmBatchDrop(), KeepBatch(), APPROVE)
)
PEOPLE = st.sampled_from((PAYER, DEPUTY_PAYER, CHIEF))


@examples(st.lists(st.tuples(st.sampled_from((ref(701), ref(702))), ORDERS, PEOPLE), max_size=16))
def test_whatever_is_ordered_an_attempt_is_never_in_two_live_batches_and_nothing_goes_by_one_person(
    orders: list[tuple[UUID, Command, Actor]],
) -> None:
    batches: dict[UUID, PaymentBatch] = {}
    log: dict[UUID, list[Event]] = {}
    for batch_id, order, who in orders:
        live = {id for other, batch in batches.items() if other != batch_id and batch.status != "dropped" for id in batch.attempts}
        candidates = {id: replace(one, elsewhere=id in live) for id, one in WAITING.items()}
        state = batches.get(batch_id)
        chosen = order
        if isinstance(order, ApproveBatch) and state is not None:
            chosen = ApproveBatch(expected_count=state.count, expected_sums=state.sums, file_sha256=state.file_sha256)
        try:
            events = PAYMENT_BATCH.decide(state, chosen, BatchFacts(batch_id, TODAY, ACCOUNT, candidates, not_cleared=False), Context(who, NOON))
        except Refusal:
            continue
        after = PAYMENT_BATCH.fold(events, state)
        assert after is not None
        batches[batch_id] = after
        log.setdefault(batch_id, []).extend(events)
        standing = [id for batch in batches.values() if batch.status != "dropped" for id in batch.attempts]
        assert len(standing) == len(set(standing))
        if after.status in ("approved", "sent"):
            assert after.approved_by not in (None, after.made_by)
        assert (after.sent_by is None) == (after.times_taken == 0)
        if after.status == "dropped" and after.sent_by is not None:
            assert after.drop_asked_by not in (None, after.dropped_by)
    for batch_id, told in log.items():
        assert PAYMENT_BATCH.fold(told) == batches[batch_id]
