"""After a restore nothing is ordered to be paid until a reconciler and an approver cleared what was lost, and nothing twice then."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.reintegration.domain.batch import ConfirmBatchDrop, DropBatch
from services.reintegration.domain.batch_file import BatchFacts
from services.reintegration.domain.grant import GRANT
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.lost_payments import (
    LOST_PAYMENTS,
    AskToClearLostPayments,
    ClearLostPayments,
    LostPayments,
    LostPaymentsFacts,
    RecordLostPayments,
    SettleLostPayment,
)
from shared.actors import Actor
from shared.contracts.lost_payments import (
    MOST_IN_ONE_EVENT,
    LostPayment,
    LostPaymentsCleared,
    LostPaymentsClearingAsked,
    LostPaymentSettled,
    LostPaymentsListed,
    MoneyOutcome,
)
from shared.errors import Refusal
from shared.messages import Command, Context, Event
from tests.given import NOON, Given, staff
from tests.unit.reintegration.examples import (
    CHIEF,
    DEPUTY_PAYER,
    NOTHING_STANDS_AGAINST_IT,
    PAYER,
    RELEASE_1,
    RELEASED_1,
    UNTIL_APPROVED,
)
from tests.unit.reintegration.examples import RECONCILER as GRANT_RECONCILER
from tests.unit.reintegration.test_attempts import FAIL, NOT_SENT
from tests.unit.reintegration.test_batch import (
    APPROVED,
    BATCHES,
    DROP_ASKED,
    FACTS,
    FIRST,
    OF_TWO,
    SENT,
    make,
)

SERVICE = Actor.service("reintegration")
RECONCILER, APPROVER = staff("rek", "finance_reconciler"), staff("apr", "finance_approver")


def lost(number: int, by: str | None = None) -> LostPayment:
    return LostPayment(event_id=UUID(int=number), fact="released", attempt_id=UUID(int=1000 + number), grant_id=UUID(int=5), number=1, by=by)


ONE, TWO = lost(1), lost(2)
# Of this one the reconciler who is drawn third is the one who recorded it.
PAID_ONE = staff("rek-3", "finance_reconciler", "finance_approver")
MINE = lost(2, PAID_ONE.person_id)
LISTED = LostPaymentsListed(payments=(ONE, TWO), listed_at=NOON)
ASKED = LostPaymentsClearingAsked(asked_by=RECONCILER.person_id, asked_at=NOON)
CLEARED = LostPaymentsCleared(cleared_by=APPROVER.person_id, cleared_at=NOON)
NOTHING_WAITS = LostPaymentsFacts(lines_wait=False, statements_missing=(), accounts_known=True)
story: Given[LostPayments, LostPaymentsFacts] = Given(LOST_PAYMENTS, NOTHING_WAITS)


def settled(one: LostPayment, outcome: MoneyOutcome) -> LostPaymentSettled:
    return LostPaymentSettled(event_id=one.event_id, outcome=outcome, settled_by=RECONCILER.person_id, settled_at=NOON)


KNOWN = (LISTED, settled(ONE, "left"), settled(TWO, "not_left"))
known = story.given(*KNOWN)


def test_a_restore_that_lost_no_payment_is_cleared_by_two_all_the_same() -> None:
    nothing = LostPaymentsListed(payments=(), listed_at=NOON)
    story.when(RecordLostPayments(payments=()), SERVICE).then(nothing)
    story.given(nothing).when(AskToClearLostPayments(), RECONCILER).then(ASKED)


def test_each_lost_entry_is_listed_once_and_in_events_that_a_log_holds() -> None:
    story.given(LISTED).when(RecordLostPayments(payments=(ONE, TWO)), SERVICE).then()
    many = tuple(lost(number) for number in range(1, 2 * MOST_IN_ONE_EVENT + 2))
    events = LOST_PAYMENTS.decide(None, RecordLostPayments(payments=many), NOTHING_WAITS, Context(SERVICE, NOON))
    assert [len(event.payments) for event in events if isinstance(event, LostPaymentsListed)] == [60, 60, 1]
    state = LOST_PAYMENTS.fold(events)
    assert state is not None
    assert tuple(one.event_id for one in state.payments) == tuple(one.event_id for one in many)


def test_nobody_clears_before_it_is_known_of_each_payment_what_became_of_it() -> None:
    story.given(LISTED, settled(ONE, "left")).when(AskToClearLostPayments(), RECONCILER).refused("payments_unsettled")
    known.when(ClearLostPayments(), APPROVER).refused("not_asked")
    known.given(ASKED).when(ClearLostPayments(), RECONCILER).refused("four_eyes")
    known.given(ASKED).when(ClearLostPayments(), APPROVER).then(CLEARED)
    known.given(ASKED, CLEARED).when(ClearLostPayments(), APPROVER).refused("already_cleared")


def test_who_ordered_or_recorded_a_payment_neither_states_what_became_of_it_nor_has_the_last_word() -> None:
    listed = LostPaymentsListed(payments=(lost(1, RECONCILER.person_id), lost(2, "staff:somebody")), listed_at=NOON)
    for outcome in ("left", "not_left"):
        mine, others = (SettleLostPayment(event_id=UUID(int=number), outcome=outcome) for number in (1, 2))
        story.given(listed).when(mine, RECONCILER).refused("four_eyes")
        assert story.given(listed).when(mine, APPROVER).refusal is None
        assert story.given(listed).when(others, RECONCILER).refusal is None
        # Nor do they confirm what a colleague stated, as if they had found it out themselves.
        story.given(listed, settled(ONE, outcome)).when(mine, RECONCILER).refused("four_eyes")
    done = story.given(LostPaymentsListed(payments=(lost(1, APPROVER.person_id),), listed_at=NOON), settled(ONE, "left"))
    assert done.when(AskToClearLostPayments(), APPROVER).refusal is None
    done.given(ASKED).when(ClearLostPayments(), APPROVER).refused("four_eyes")
    done.given(ASKED).when(ClearLostPayments(), staff("apr-2", "finance_approver")).then_kinds(LostPaymentsCleared)


def test_what_is_stated_anew_is_asked_about_anew() -> None:
    changed = known.given(ASKED, settled(ONE, "not_left"))
    changed.when(ClearLostPayments(), APPROVER).refused("not_asked")
    known.given(ASKED).when(RecordLostPayments(payments=(lost(3),)), SERVICE).then(
        LostPaymentsListed(payments=(lost(3),), listed_at=NOON)
    )


def test_what_was_cleared_as_left_is_corrected_and_cleared_by_two_anew() -> None:
    done = known.given(ASKED, CLEARED)
    again = SettleLostPayment(event_id=ONE.event_id, outcome="left")
    done.when(again, RECONCILER).then()
    corrected = settled(ONE, "not_left")
    done.when(SettleLostPayment(event_id=ONE.event_id, outcome="not_left"), RECONCILER).then(corrected)
    state = LOST_PAYMENTS.fold((*KNOWN, ASKED, CLEARED, corrected))
    assert state is not None
    assert (state.status, state.asked_by, state.cleared_by, state.cleared_at) == ("waiting", None, None, None)
    done.given(corrected).when(ClearLostPayments(), APPROVER).refused("not_asked")
    done.given(corrected, ASKED).when(ClearLostPayments(), APPROVER).then(CLEARED)


def test_what_is_found_later_opens_again_what_was_cleared_and_what_is_known_does_not() -> None:
    done = known.given(ASKED, CLEARED)
    done.when(RecordLostPayments(payments=(ONE, TWO)), SERVICE).then()
    done.when(RecordLostPayments(payments=(ONE, lost(3))), SERVICE).then(LostPaymentsListed(payments=(lost(3),), listed_at=NOON))
    state = LOST_PAYMENTS.fold((*KNOWN, ASKED, CLEARED, LostPaymentsListed(payments=(lost(3),), listed_at=NOON)))
    assert state is not None
    assert (state.status, state.asked_by, state.cleared_by, state.cleared_at) == ("waiting", None, None, None)


ORDERED = st.lists(
    st.tuples(
        st.sampled_from(
            [
                RecordLostPayments(payments=(ONE,)), RecordLostPayments(payments=(ONE, MINE)), AskToClearLostPayments(), ClearLostPayments(),
                *(SettleLostPayment(event_id=one.event_id, outcome=outcome) for one in (ONE, MINE) for outcome in ("left", "not_left")),
            ]
        ),
        st.sampled_from([RECONCILER, APPROVER, PAID_ONE, SERVICE]),
    ),
    max_size=15,
)  # fmt: skip


def after(orders: list[tuple[Command, Actor]]) -> list[Event]:
    """What is on record once all of this was ordered, whatever of it was refused."""
    facts: list[Event] = []
    for order, actor in orders:
        try:
            facts += LOST_PAYMENTS.decide(LOST_PAYMENTS.fold(facts), order, NOTHING_WAITS, Context(actor, NOON))
        except Refusal:
            continue
    return facts


@settings(max_examples=150)
@given(ORDERED, st.sampled_from(["left", "not_left"]))
def test_whatever_was_stated_and_cleared_each_payment_can_end_either_way_and_be_cleared(
    orders: list[tuple[Command, Actor]], outcome: MoneyOutcome
) -> None:
    so_far = [(RecordLostPayments(payments=(ONE,)), SERVICE), *orders]
    listed = LOST_PAYMENTS.fold(after(so_far))
    assert listed is not None
    for one in listed.payments:
        found_out = [(SettleLostPayment(event_id=other.event_id, outcome="left"), RECONCILER) for other in listed.payments if other.outcome is None]
        corrected: list[tuple[Command, Actor]] = [
            *so_far, *found_out, (SettleLostPayment(event_id=one.event_id, outcome=outcome), RECONCILER),
            (AskToClearLostPayments(), RECONCILER), (ClearLostPayments(), APPROVER),
        ]  # fmt: skip
        state = LOST_PAYMENTS.fold(after(corrected))
        assert state is not None
        assert state.status == "cleared"
        assert outcome in {now.outcome for now in state.payments if now.event_id == one.event_id}


@settings(max_examples=150)
@given(ORDERED)
def test_whatever_is_ordered_it_is_cleared_by_two_who_knew_of_all(orders: list[tuple[Command, Actor]]) -> None:
    facts = after(orders)
    state = LOST_PAYMENTS.fold(facts)
    mine = [fact for fact in facts if isinstance(fact, LostPaymentSettled) and fact.event_id == MINE.event_id]
    assert PAID_ONE.person_id not in {fact.settled_by for fact in mine}
    if state is not None and state.status == "cleared":
        assert state.cleared_by != PAID_ONE.person_id or len(state.payments) == 1
        assert None not in {one.outcome for one in state.payments}
        assert state.cleared_by != state.asked_by


def test_nothing_is_released_before_it_is_cleared_nor_what_was_paid_before_nor_where_nobody_looked() -> None:
    def knowing(**facts: object) -> Given[Grant, GrantFacts]:
        return Given(GRANT, replace(NOTHING_STANDS_AGAINST_IT, **facts)).given(*UNTIL_APPROVED)  # type: ignore[arg-type]

    knowing().when(RELEASE_1, PAYER).then(RELEASED_1)
    knowing(restore_not_cleared=True).when(RELEASE_1, PAYER).refused("restore_not_cleared")
    knowing(restore_not_cleared=GrantFacts().restore_not_cleared).when(RELEASE_1, PAYER).refused("restore_not_cleared")
    knowing(lost_tranches=frozenset({1})).when(RELEASE_1, PAYER).refused("paid_before_restore")
    knowing(lost_tranches=GrantFacts().lost_tranches).when(RELEASE_1, PAYER).refused("paid_before_restore")
    knowing(lost_tranches=frozenset({2})).when(RELEASE_1, PAYER).then(RELEASED_1)


def test_what_a_lost_entry_says_was_paid_is_not_taken_back_as_never_sent_and_may_have_failed() -> None:
    released = Given(GRANT, replace(NOTHING_STANDS_AGAINST_IT, lost_tranches=frozenset({1}))).given(*UNTIL_APPROVED, RELEASED_1)
    released.when(NOT_SENT, DEPUTY_PAYER).refused("paid_before_restore")
    assert released.when(FAIL, GRANT_RECONCILER).refusal is None
    other = released.knowing(replace(NOTHING_STANDS_AGAINST_IT, lost_tranches=frozenset({2})))
    assert other.when(NOT_SENT, DEPUTY_PAYER).refusal is None


@pytest.mark.parametrize(("what", "code"), [("not_cleared", "restore_not_cleared"), ("lost", "paid_before_restore")])
def test_a_batch_takes_no_payment_that_may_have_been_sent_before_a_restore(what: str, code: str) -> None:
    candidates = dict(FACTS.candidates)
    candidates[FIRST] = replace(candidates[FIRST], **{what: True})  # type: ignore[arg-type]
    facts: BatchFacts = replace(FACTS, candidates=candidates)
    BATCHES.knowing(facts).when(make(FIRST), PAYER).refused(code)


@pytest.mark.parametrize("facts", [replace(FACTS, not_cleared=True), BatchFacts()], ids=["not-cleared", "nobody-looked"])
def test_no_batch_is_dropped_while_its_file_may_have_been_taken_before_a_restore(facts: BatchFacts) -> None:
    drop = DropBatch(reason="never_sent")
    for past in ((), (APPROVED,), (APPROVED, SENT)):
        OF_TWO.given(*past).knowing(facts).when(drop, PAYER).refused("restore_not_cleared")
    OF_TWO.given(APPROVED, SENT, DROP_ASKED).knowing(facts).when(ConfirmBatchDrop(), CHIEF).refused("restore_not_cleared")
