"""Whether money can be sent to a payee: what stands against it, the gravest first, and nobody pays whom they had a part in."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.reintegration.domain.payable import refuse_unless_payable
from services.reintegration.domain.payee import HOLD, PAYEE
from services.reintegration.domain.payee_facts import Payable
from shared.errors import NotFound, Refusal
from shared.messages import Event
from tests.given import NOON
from tests.unit.reintegration.examples import OFFICE, PAYER, PERSON, RECONCILER, ref
from tests.unit.reintegration.test_payee import ASKED, CALLED, CLOSED, CONFIRMED, DROPPED, REGISTERED

LATER = NOON + HOLD


def known(*past: Event, **more: Any) -> Payable:
    return replace(Payable(PAYEE.fold((REGISTERED, *past)), account_known=True, of_staff=False), **more)


def code(of: Payable, currency: str = "PKR", payer: str = PAYER.person_id, *, early: bool = False) -> str:
    try:
        return str(refuse_unless_payable(of, currency, payer, LATER - timedelta(seconds=1) if early else LATER))
    except Refusal as refusal:
        return refusal.code


def test_a_payee_that_two_persons_stand_behind_is_paid_to_the_account_that_was_confirmed() -> None:
    assert code(known(CONFIRMED)) == "1"
    assert code(known(CONFIRMED, ASKED, DROPPED)) == "1"
    assert code(known(CONFIRMED, ASKED, CALLED)) == "2"


@pytest.mark.parametrize(
    ("of", "refused"),
    [
        (known(), "payee_not_confirmed"),
        (known(CONFIRMED, ASKED), "payee_on_hold"),
        (known(CONFIRMED, CLOSED), "payee_closed"),
        (known(CONFIRMED, account_known=False), "payee_erased"),
        (known(CONFIRMED, of_staff=True), "account_of_staff"),
        (known(CONFIRMED, shared_with=frozenset({ref(31)})), "account_shared"),
        (replace(Payable(), payee=PAYEE.fold((REGISTERED, CONFIRMED)), account_known=True), "account_of_staff"),
    ],
    ids=["registered", "held", "closed", "erased", "staff", "shared", "unknown"],
)
def test_what_stands_against_a_payment_is_told_by_its_code(of: Payable, refused: str) -> None:
    assert code(of) == refused


def test_after_a_change_two_days_pass_whoever_called_back() -> None:
    assert code(known(CONFIRMED, ASKED, CALLED), early=True) == "payee_on_hold"


def test_a_payee_is_paid_in_its_currency_and_by_nobody_who_had_a_part_in_it() -> None:
    assert code(known(CONFIRMED), currency="EUR") == "another_currency"
    for part in (OFFICE, RECONCILER):
        assert code(known(CONFIRMED), payer=part.person_id) == "four_eyes"
    mine = known(CONFIRMED)
    assert mine.payee is not None
    assert code(replace(mine, payee=replace(mine.payee, person_id=PERSON)), payer=str(PERSON)) == "four_eyes"


def test_who_found_it_right_that_an_account_is_shared_pays_neither_payee() -> None:
    assert code(known(CONFIRMED, sharers=frozenset({"staff:another"}))) == "1"
    assert code(known(CONFIRMED, sharers=frozenset({PAYER.person_id}))) == "four_eyes"


def test_an_unknown_payee_is_paid_nothing() -> None:
    with pytest.raises(NotFound):
        refuse_unless_payable(Payable(), "EUR", PAYER.person_id, NOON)
