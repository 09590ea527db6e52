"""A payment that the bank was ordered and never answered for is ended by two persons who paid nothing, and not too early."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from services.reintegration.domain.attempts import ReportPaymentFailed
from services.reintegration.domain.grant import GRANT
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.hats import hats
from services.reintegration.domain.matching import BankLine, KnownAttempt, settles
from services.reintegration.domain.settlement import attempts_of
from services.reintegration.domain.unanswered import (
    ANSWERED_WITHIN,
    AskToEndPayment,
    ConfirmPaymentEnd,
    KeepPaymentOpen,
)
from shared.contracts.attempts import PaymentEndAsked, PaymentFailed, PaymentKeptOpen
from tests.given import NOON, Given, staff
from tests.unit.reintegration.examples import (
    ATTEMPT_1,
    DEPUTY_PAYER,
    NOTHING_STANDS_AGAINST_IT,
    PAYER,
    RECONCILER,
    RELEASED_1,
    UNTIL_APPROVED,
    ref,
    release,
)

OTHER = staff("reconciler-2", "finance_reconciler")
LATER = NOON + timedelta(days=12)
DUE = (LATER - ANSWERED_WITHIN).date()
ORDERED = (*UNTIL_APPROVED, RELEASED_1.model_copy(update={"method": "bank_file"}))
FACTS = replace(NOTHING_STANDS_AGAINST_IT, today=LATER.date(), in_a_batch=True, ordered_on=DUE, said_paid_on=None)
ASKED = PaymentEndAsked(number=1, attempt_no=1, attempt_id=ATTEMPT_1, asked_by=RECONCILER.person_id, asked_at=LATER)
ENDED = PaymentFailed(
    number=1, attempt_no=1, attempt_id=ATTEMPT_1, reason="not_answered", failed_on=LATER.date(), reported_by=OTHER.person_id,
    reported_as="reconciler", reported_at=LATER, asked_by=RECONCILER.person_id,
)  # fmt: skip
GRANTS = Given(GRANT, FACTS)
WAITING = GRANTS.given(*ORDERED)
ASK, CONFIRM, KEEP = AskToEndPayment(number=1), ConfirmPaymentEnd(number=1), KeepPaymentOpen(number=1)


def test_two_who_paid_nothing_end_what_the_bank_never_answered_and_it_is_paid_anew() -> None:
    WAITING.when(ASK, RECONCILER, LATER).then(ASKED)
    asked = GRANTS.given(*ORDERED, ASKED)
    asked.when(CONFIRM, OTHER, LATER).then(ENDED)
    state = GRANT.fold((*ORDERED, ASKED, ENDED))
    assert state is not None
    assert (state.tranches[0].status, state.tranches[0].attempt_no, state.tranches[0].end_asked) == ("planned", 2, None)
    assert {("reconciler", RECONCILER.person_id), ("reconciler", OTHER.person_id)} <= hats(state)
    (over,) = state.former_attempts
    assert (over.reason, over.end_asked_by, over.ended_by) == ("not_answered", RECONCILER.person_id, OTHER.person_id)
    again = release(1).model_copy(update={"attempt_id": ref(77)})
    ended = GRANTS.given(*ORDERED, ASKED, ENDED).knowing(replace(FACTS, in_a_batch=False))
    assert ended.when(again, PAYER, LATER).events
    # A debit for it that comes all the same: nothing is paid anew before somebody found out what that is.
    ended.knowing(replace(FACTS, bank_line_waits=True)).when(again, PAYER, LATER).refused("bank_line_waits")


def test_it_is_kept_by_whoever_asked_or_another_and_may_be_asked_anew() -> None:
    kept = PaymentKeptOpen(number=1, attempt_no=1, attempt_id=ATTEMPT_1, kept_by=RECONCILER.person_id, kept_at=LATER)
    GRANTS.given(*ORDERED, ASKED).when(KEEP, RECONCILER, LATER).then(kept)
    GRANTS.given(*ORDERED, ASKED, kept).when(CONFIRM, OTHER, LATER).refused("nothing_waits")
    GRANTS.given(*ORDERED, ASKED, kept).when(ASK, RECONCILER, LATER).then(ASKED)
    WAITING.when(KEEP, OTHER, LATER).refused("nothing_waits")


def test_nobody_ends_it_alone_nor_whoever_paid_or_signed() -> None:
    asked = GRANTS.given(*ORDERED, ASKED)
    asked.when(CONFIRM, RECONCILER, LATER).refused("four_eyes")
    asked.when(ASK, OTHER, LATER).refused("end_asked")
    signed = replace(FACTS, signed_its_batch=True)
    for given, order in ((WAITING, ASK), (asked, CONFIRM), (asked, KEEP)):
        given.when(order, PAYER, LATER).refused("four_eyes")
        given.knowing(signed).when(order, OTHER, LATER).refused("four_eyes")
    # Whoever asked pays nothing of it from then on.
    GRANTS.given(*ORDERED, ASKED, ENDED).knowing(replace(FACTS, in_a_batch=False)).when(release(1), RECONCILER, LATER).refused("four_eyes")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"ordered_on": DUE + timedelta(days=1)}, "bank_may_answer"), ({"ordered_on": None}, "not_with_the_bank"),
        ({"bank_line_waits": True}, "bank_line_waits"), ({"said_paid_on": LATER.date() - timedelta(days=29)}, "bank_says_paid"),
    ],
)  # fmt: skip
def test_it_is_not_ended_while_the_bank_may_have_paid_or_may_answer(said: dict[str, Any], code: str) -> None:
    facts = replace(FACTS, **said)
    WAITING.knowing(facts).when(ASK, RECONCILER, LATER).refused(code)
    GRANTS.given(*ORDERED, ASKED).knowing(facts).when(CONFIRM, OTHER, LATER).refused(code)


def test_it_is_asked_of_what_waits_for_the_bank_alone() -> None:
    GRANTS.given(*UNTIL_APPROVED, RELEASED_1).when(ASK, RECONCILER, LATER).refused("not_with_the_bank")
    GRANTS.given(*UNTIL_APPROVED).when(ASK, RECONCILER, LATER).refused("wrong_status")
    WAITING.when(ASK, RECONCILER, NOON + timedelta(days=9)).refused("bank_may_answer")
    WAITING.when(AskToEndPayment(number=1, attempt_id=ref(5)), RECONCILER, LATER).refused("another_attempt")
    WAITING.when(AskToEndPayment(number=2), RECONCILER, LATER).refused("not_with_the_bank")


def test_no_one_person_reports_it_and_what_was_not_looked_up_refuses() -> None:
    with pytest.raises(ValidationError):
        ReportPaymentFailed.model_validate({"number": 1, "reason": "not_answered", "failed_on": "2023-05-02"})
    assert (GrantFacts().ordered_on, GrantFacts().said_paid_on) == (None, date.max)
    assert DEPUTY_PAYER.person_id != PAYER.person_id


def test_a_debit_that_comes_all_the_same_waits_as_an_alarm() -> None:
    state = GRANT.fold((*ORDERED, ASKED, ENDED))
    assert state is not None
    known = attempts_of(state)[ATTEMPT_1]
    line = BankLine(
        ref(9), "booked", ATTEMPT_1, Decimal("800.00"), "EUR", "debit", booked_on=date(2023, 5, 20), imported_at=LATER, sent_at=NOON
    )
    assert settles(line, known) == "booked_after_all"
    assert settles(line, KnownAttempt(ATTEMPT_1, "failed", "bank_file", Decimal("800.00"), "EUR")) == "not_released"
