"""What nobody knows of what a restore lost, and the bank's files, stand against clearing it; stops are listed and stand against nothing."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from services.reintegration.domain.lost_payments import (
    LOST_PAYMENTS,
    AskToClearLostPayments,
    ClearLostPayments,
    LostPayments,
    LostPaymentsFacts,
    NameFoundPayment,
    RecordLostPayments,
    SettleLostPayment,
    found_by_line,
)
from shared.actors import Actor
from shared.contracts.lost_payments import (
    MOST_IN_ONE_EVENT,
    LostPaymentFound,
    LostPaymentsCleared,
    LostPaymentsClearingAsked,
    LostPaymentSettled,
    LostPaymentsListed,
    LostStop,
)
from shared.messages import Context
from tests.given import NOON, Given
from tests.unit.reintegration.test_lost_payments import (
    APPROVER,
    NOTHING_WAITS,
    ONE,
    RECONCILER,
    SERVICE,
    settled,
)

SINCE = NOON - timedelta(days=1)
ACCOUNT = UUID(int=77)
MISSING = replace(NOTHING_WAITS, statements_missing=(ACCOUNT,))
LISTED = LostPaymentsListed(payments=(), listed_at=NOON, unknown=3, since=SINCE)
ASKED = LostPaymentsClearingAsked(asked_by=RECONCILER.person_id, asked_at=NOON)
WITHOUT = ASKED.model_copy(update={"without_statements": (ACCOUNT,)})
listed = Given(LOST_PAYMENTS, NOTHING_WAITS).given(LISTED)


def stop(number: int) -> LostStop:
    return LostStop(event_id=UUID(int=number), kind="avrr.reintegration.grant.suspended.v1", subject=UUID(int=5), recorded_at=NOON, by="staff:apr")


def state_after(*facts: object) -> LostPayments:
    found = LOST_PAYMENTS.fold(facts)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_how_much_nobody_knows_and_since_when_is_recorded_once_and_more_of_it_opens_what_was_cleared() -> None:
    record = RecordLostPayments(payments=(), unknown=3, since=SINCE)
    Given(LOST_PAYMENTS, NOTHING_WAITS).when(record, SERVICE).then(LISTED)
    listed.when(record, SERVICE).then()
    listed.when(RecordLostPayments(payments=(), unknown=2, since=SINCE), SERVICE).then()
    more = LISTED.model_copy(update={"unknown": 4})
    listed.when(RecordLostPayments(payments=(), unknown=4, since=SINCE), SERVICE).then(more)
    cleared = LostPaymentsCleared(cleared_by=APPROVER.person_id, cleared_at=NOON)
    opened = state_after(LISTED, WITHOUT, cleared, more)
    assert (opened.unknown, opened.since, opened.status, opened.without_statements) == (4, SINCE, "waiting", ())


def test_stops_are_listed_once_in_events_that_a_log_holds_and_stand_in_nobodys_way() -> None:
    many = tuple(stop(number) for number in range(1, MOST_IN_ONE_EVENT + 2))
    record = RecordLostPayments(payments=(ONE,), stops=many)
    events = LOST_PAYMENTS.decide(None, record, LostPaymentsFacts(), Context(SERVICE, NOON))
    assert [(len(one.payments), len(one.stops)) for one in events if isinstance(one, LostPaymentsListed)] == [(1, 0), (0, MOST_IN_ONE_EVENT), (0, 1)]
    state = state_after(*events)
    assert (state.stops, len(state.payments)) == (many, 1)
    known = Given(LOST_PAYMENTS, NOTHING_WAITS).given(*events)
    known.when(record, SERVICE).then()
    found_later = RecordLostPayments(payments=(), stops=(stop(900),))
    known.when(found_later, SERVICE).then(LostPaymentsListed(payments=(), listed_at=NOON, stops=(stop(900),)))
    known.given(settled(ONE, "left")).when(AskToClearLostPayments(), RECONCILER).then(ASKED)


def test_nobody_clears_while_lines_of_the_bank_wait_nor_where_nobody_looked() -> None:
    for facts in (replace(NOTHING_WAITS, lines_wait=True), LostPaymentsFacts()):
        listed.knowing(facts).when(AskToClearLostPayments(without_statements=True), RECONCILER).refused("bank_lines_wait")
        # One may have come between both.
        listed.given(ASKED).knowing(facts).when(ClearLostPayments(), APPROVER).refused("bank_lines_wait")


@pytest.mark.parametrize("facts", [MISSING, replace(NOTHING_WAITS, statements_missing=None)], ids=["missing", "nobody-looked"])
def test_nobody_clears_without_the_statements_of_the_lost_days(facts: LostPaymentsFacts) -> None:
    listed.knowing(facts).when(AskToClearLostPayments(), RECONCILER).refused("statements_missing")
    listed.given(ASKED).knowing(facts).when(ClearLostPayments(), APPROVER).refused("statements_missing")


def test_the_refusal_names_the_account_whose_statement_is_missing() -> None:
    refusal = listed.knowing(MISSING).when(AskToClearLostPayments(), RECONCILER).refusal
    assert refusal is not None
    assert str(ACCOUNT) in refusal.sentence


def test_that_a_statement_cannot_be_had_is_on_record_with_its_account_and_a_second_person_agrees() -> None:
    says = AskToClearLostPayments(without_statements=True)
    listed.knowing(MISSING).when(says, RECONCILER).then(WITHOUT)
    assert state_after(LISTED, WITHOUT).without_statements == (ACCOUNT,)
    listed.knowing(MISSING).given(WITHOUT).when(ClearLostPayments(), APPROVER).then_kinds(LostPaymentsCleared)
    # Of which account it was said holds for no other.
    others = replace(NOTHING_WAITS, statements_missing=(ACCOUNT, UUID(int=78)))
    listed.knowing(others).given(WITHOUT).when(ClearLostPayments(), APPROVER).refused("statements_missing")
    # Where none is missing there is nothing to be said.
    listed.when(says, RECONCILER).then(ASKED)


def test_events_of_before_say_nothing_of_it_and_fold_all_the_same() -> None:
    before = LostPaymentsListed.model_validate({"payments": [], "listed_at": NOON.isoformat()})
    asked = LostPaymentsClearingAsked.model_validate({"asked_by": "staff:rek", "asked_at": NOON.isoformat()})
    state = state_after(before, asked)
    assert (state.unknown, state.since, state.stops, state.without_statements) == (0, None, (), ())


LINE = UUID(int=40)


def name(number: int = 2, grant: int = 5) -> NameFoundPayment:
    return NameFoundPayment(line_id=LINE, grant_id=UUID(int=grant), number=number)


def found(number: int = 2, grant: int = 5, by: Actor = APPROVER) -> LostPaymentFound:
    order = name(number, grant)
    return LostPaymentFound(
        event_id=found_by_line(LINE, order.grant_id, number), line_id=LINE, grant_id=order.grant_id, number=number, found_by=by.person_id, found_at=NOON
    )


FOUND = found()
FOUND_ID = found_by_line(LINE, FOUND.grant_id, FOUND.number)
BOTH = replace(NOTHING_WAITS, line_known=True, tranche_known=True)


def test_what_a_line_of_the_bank_paid_is_a_lost_payment_that_left_of_which_its_finder_has_not_the_last_word() -> None:
    listed.given(ASKED).knowing(BOTH).when(name(), APPROVER).then(FOUND)
    listed.given(FOUND).knowing(BOTH).when(name(), APPROVER).refused("found_already")
    listed.knowing(replace(BOTH, line_known=False)).when(name(), APPROVER).refused("line_not_lost")
    listed.knowing(replace(BOTH, tranche_known=False)).when(name(), APPROVER).refused("tranche_unknown")
    state = state_after(LISTED, ASKED, FOUND)
    (one,) = state.payments
    assert (one.grant_id, one.number, one.attempt_id, one.outcome, state.status) == (UUID(int=5), 2, None, "left", "waiting")
    assert one.line_id == LINE
    listed.given(FOUND, ASKED).when(ClearLostPayments(), APPROVER).refused("four_eyes")
    corrects = SettleLostPayment(event_id=FOUND_ID, outcome="not_left")
    listed.given(FOUND).when(corrects, APPROVER).refused("four_eyes")
    assert listed.given(FOUND).when(corrects, RECONCILER).refusal is None


def test_a_line_that_paid_several_tranches_is_stated_of_each() -> None:
    listed.given(FOUND).knowing(BOTH).when(name(1), APPROVER).then(found(1))
    listed.given(FOUND, found(1)).knowing(BOTH).when(name(1, 6), APPROVER).then(found(1, 6))
    state = state_after(LISTED, FOUND, found(1), found(1, 6))
    assert {(one.grant_id, one.number, one.outcome) for one in state.payments} == {(UUID(int=5), 2, "left"), (UUID(int=5), 1, "left"), (UUID(int=6), 1, "left")}
    assert len({one.event_id for one in state.payments}) == 3


def test_a_wrong_pick_that_a_colleague_corrected_may_be_found_again_and_stands_once() -> None:
    wrong = LostPaymentSettled(event_id=FOUND_ID, outcome="not_left", settled_by=RECONCILER.person_id, settled_at=NOON)
    listed.given(FOUND, wrong).knowing(BOTH).when(name(1), APPROVER).then(found(1))
    again = found(by=RECONCILER)
    listed.given(FOUND, wrong).knowing(BOTH).when(name(), RECONCILER).then(again)
    (one,) = state_after(LISTED, FOUND, wrong, again).payments
    assert (one.outcome, one.by) == ("left", RECONCILER.person_id)


def test_where_nobody_knows_of_which_accounts_there_should_be_statements_it_is_said_that_there_are_none() -> None:
    nowhere = listed.knowing(replace(NOTHING_WAITS, accounts_known=False))
    nowhere.when(AskToClearLostPayments(), RECONCILER).refused("statements_missing")
    nowhere.when(AskToClearLostPayments(without_statements=True), RECONCILER).then(ASKED)
