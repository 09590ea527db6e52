"""The mission's own accounts: registered by one, paid from once another confirmed it, under one number once."""

from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.reintegration.domain.account_details import AccountDetails
from services.reintegration.domain.own_accounts import (
    OWN_ACCOUNT,
    CloseOwnAccount,
    ConfirmOwnAccount,
    OwnAccount,
    OwnAccountFacts,
    RegisterOwnAccount,
)
from shared.actors import Actor
from shared.contracts.own_accounts import OwnAccountClosed, OwnAccountConfirmed, OwnAccountRegistered
from shared.errors import Refusal
from shared.messages import Command, Concealed, Context, Event
from tests.given import NOON, Given, staff
from tests.unit.reintegration.examples import RECONCILER

OTHER = staff("reconciler_2", "finance_reconciler")
# Invented, with check digits that are right.
IBAN = "BA39 1290 0794 0102 8494"
BANK = RegisterOwnAccount(account_kind="bank", currency="EUR", holder="Misija za primjere", iban=IBAN, bank_code="INVTBA22")
BOX = RegisterOwnAccount(account_kind="cash_box", currency="PKR", country="PK", holder="Invented Office", account_number="BOX-1")
DETAILS = AccountDetails(holder="Misija za primjere", iban=IBAN.replace(" ", ""), bank_code="INVTBA22")
REGISTERED = OwnAccountRegistered(
    account_kind="bank", currency="EUR", country=None, details=Concealed.of(DETAILS.model_dump_json()),
    registered_by=RECONCILER.person_id, registered_at=NOON,
)  # fmt: skip
CONFIRMED = OwnAccountConfirmed(confirmed_by=OTHER.person_id, confirmed_at=NOON)
CLOSED = OwnAccountClosed(reason="not_needed", closed_by=RECONCILER.person_id, closed_at=NOON)
NOTHING_UNDER_WAY = OwnAccountFacts(payments_under_way=False)
ACCOUNTS: Given[OwnAccount, OwnAccountFacts] = Given(OWN_ACCOUNT, NOTHING_UNDER_WAY)


def test_whoever_registers_an_account_does_not_confirm_it() -> None:
    ACCOUNTS.when(BANK, RECONCILER).then(REGISTERED)
    ACCOUNTS.given(REGISTERED).when(ConfirmOwnAccount(), RECONCILER).refused("four_eyes")
    ACCOUNTS.given(REGISTERED).when(ConfirmOwnAccount(), OTHER).then(CONFIRMED)
    ACCOUNTS.given(REGISTERED, CONFIRMED).when(ConfirmOwnAccount(), OTHER).refused("wrong_status")


def test_a_closed_account_stays_closed() -> None:
    close = CloseOwnAccount(reason="not_needed")
    for past in ((REGISTERED,), (REGISTERED, CONFIRMED)):
        ACCOUNTS.given(*past).when(close, RECONCILER).then(CLOSED)
        ACCOUNTS.given(*past, CLOSED).when(close, RECONCILER).refused("own_account_closed")
        ACCOUNTS.given(*past, CLOSED).when(ConfirmOwnAccount(), OTHER).refused("wrong_status")


def test_a_cash_box_has_a_number_of_ours_and_no_bank() -> None:
    ACCOUNTS.when(BOX, RECONCILER).then_kinds(OwnAccountRegistered)
    for stated in ({"bank_code": "INVTPKKA"}, {"bank_name": "Invented Bank"}, {"bank_town": "Invented"}, {"bank_country": "PK"}):
        ACCOUNTS.when(BOX.model_copy(update=stated), RECONCILER).refused("cash_box_has_no_bank")
    ACCOUNTS.when(BOX.model_copy(update={"iban": IBAN, "account_number": None}), RECONCILER).refused("cash_box_has_no_bank")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"iban": None}, "account_missing"), ({"account_number": "1"}, "account_twice"), ({"bank_code": None}, "bank_missing"),
        ({"bank_code": "INVTFRPP"}, "bank_elsewhere"), ({"iban": "BA38 1290 0794 0102 8494"}, "iban_wrong"),
        ({"currency": "XXX"}, "not_a_currency"), ({"holder": "李"}, "name_needs_latin"), ({"holder": "Misija " * 11}, "name_too_long"),
        ({"bank_code": None, "bank_name": "Banka", "bank_country": "BA", "bank_town": "T" * 36}, "name_too_long"),
    ],
    ids=["none", "two", "no-bank", "elsewhere", "mistyped", "currency", "script", "long-holder", "long-town"],
)  # fmt: skip
def test_an_account_from_which_no_file_could_pay_is_refused(wrong: dict[str, Any], code: str) -> None:
    ACCOUNTS.when(BANK.model_copy(update=wrong), RECONCILER).refused(code)


def test_two_spellings_of_a_number_are_one_account_and_two_banks_are_two() -> None:
    def same(**said: Any) -> str:
        order = BANK.model_copy(update={"iban": None, "bank_code": None, "account_number": "12-34", **said})
        state = OWN_ACCOUNT.fold(ACCOUNTS.when(order, RECONCILER).events)
        assert state is not None
        return state.same_account

    iraq = {"bank_name": "Invented Bank", "bank_country": "IQ"}
    assert same(**iraq) == same(**{**iraq, "account_number": "12 34"}) == same(bank_code="INVTIQBA")
    assert same(**iraq) != same(**{**iraq, "bank_country": "MA"})
    spaced = ACCOUNTS.when(BANK, RECONCILER).events
    plain = ACCOUNTS.when(BANK.model_copy(update={"iban": IBAN.replace(" ", "").lower()}), RECONCILER).events
    assert OWN_ACCOUNT.fold(spaced) == OWN_ACCOUNT.fold(plain)


def test_neither_holder_nor_number_is_printed() -> None:
    for printed in (repr(BANK), repr(DETAILS)):
        assert "Misija" not in printed
        assert "8494" not in printed
    assert DETAILS.masked == "…8494"


ORDERS = st.sampled_from((BANK, ConfirmOwnAccount(), CloseOwnAccount(reason="account_closed")))


@examples(st.lists(st.tuples(ORDERS, st.sampled_from((RECONCILER, OTHER))), max_size=10))
def test_whatever_is_ordered_an_active_account_was_confirmed_by_another(orders: list[tuple[Command, Actor]]) -> None:
    state: OwnAccount | None = None
    log: list[Event] = []
    for order, who in orders:
        try:
            events = OWN_ACCOUNT.decide(state, order, NOTHING_UNDER_WAY, Context(who, NOON))
        except Refusal:
            events = ()
        state = OWN_ACCOUNT.fold(events, state)
        log += events
        assert state is None or state.status != "active" or state.confirmed_by not in (None, state.registered_by)
    assert OWN_ACCOUNT.fold(log) == state


def test_an_account_is_not_closed_while_the_bank_has_not_answered_for_what_it_was_ordered_from_it() -> None:
    registered = ACCOUNTS.given(REGISTERED, CONFIRMED)
    close = CloseOwnAccount(reason="not_needed")
    registered.knowing(OwnAccountFacts()).when(close, RECONCILER).refused("payments_under_way")
    assert registered.when(close, RECONCILER).events
