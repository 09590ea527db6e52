"""Who is paid: stated by one and confirmed by another, held after each change of account, and printed without name or number."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.reintegration.domain.payee import (
    CALL_BACK_WITHIN,
    HOLD,
    PAYEE,
    AcceptSharedAccount,
    ChangeAccount,
    ClosePayee,
    ConfirmCallBack,
    ConfirmPayee,
    DropAccountChange,
    RegisterPayee,
)
from services.reintegration.domain.payee_details import PayeeDetails
from services.reintegration.domain.payee_facts import PayeeFacts
from services.reintegration.domain.payee_state import TRANSITIONS, Payee
from shared.actors import Actor
from shared.contracts.noted_cases import CaseEndNoted
from shared.contracts.payees import (
    AccountChangeAsked,
    AccountChangeDropped,
    CallBackConfirmed,
    PayeeConfirmed,
    PayeeEnded,
    PayeeRegistered,
    SharedAccount,
    SharedAccountAccepted,
    closed_for,
)
from shared.errors import FourEyes, Refusal
from shared.messages import Command, Concealed, Context, Event
from shared.transitions import IllegalTransition
from tests.given import NOON, Given, staff
from tests.unit.reintegration.examples import (
    ARRIVED,
    CASE_ID,
    CHIEF,
    CHILD,
    NOTED,
    OFFICE,
    PERSON,
    RECONCILER,
    STRANGER,
    ref,
)

# Invented, with check digits that are right.
HERE = "PK36 SCBL 0000 0011 2345 6702"
THERE = "PK82 SCBL 0000 0011 7191 4455"
IN_SEPA = "DE89 3704 0044 0532 0130 00"
OTHER_RECONCILER = staff("reconciler_2", "finance_reconciler")
VENDOR = RegisterPayee(
    payee_kind="vendor", country="PK", currency="PKR", vendor_code="V-17", holder="Invented Tools Ltd", iban=HERE, bank_code="INVTPKKA",
    call_back_contact="+92 000 0000001",
)  # fmt: skip
RETURNEE = VENDOR.model_copy(
    update={"payee_kind": "returnee", "vendor_code": None, "case_id": CASE_ID, "person_id": PERSON, "holder": "Invented Person"}
)
CASH_BOX = RegisterPayee(
    payee_kind="office", country="PK", currency="PKR", holder="Invented Office", account_number="BOX-1",
    call_back_contact="extension 1",
)  # fmt: skip
CHANGE = ChangeAccount(
    holder="Invented Tools Ltd", iban=THERE, bank_code="INVTPKKA", call_back_contact="+92 000 0000666", reason="bank_changed",
)  # fmt: skip
HIDDEN = Concealed.of("invented")
REGISTERED = PayeeRegistered(
    payee_kind="vendor", country="PK", currency="PKR", case_id=None, person_id=None, vendor_code="V-17", details=HIDDEN,
    registered_by=OFFICE.person_id, registered_at=NOON,
)  # fmt: skip
CONFIRMED = PayeeConfirmed(
    account_no=1, stated_by=OFFICE.person_id, confirmed_by=RECONCILER.person_id, confirmed_at=NOON
)
ASKED = AccountChangeAsked(account_no=2, details=HIDDEN, reason="bank_changed", asked_by=OFFICE.person_id, asked_at=NOON)
HOUR = timedelta(hours=1)
CALLED = CallBackConfirmed(
    account_no=2, stated_by=OFFICE.person_id, called_at=NOON + HOUR, confirmed_by=RECONCILER.person_id,
    confirmed_at=NOON + 2 * HOUR, held_until=NOON + HOLD,
)  # fmt: skip
DROPPED = AccountChangeDropped(
    account_no=2, reason="not_confirmed_by_payee", dropped_by=RECONCILER.person_id, dropped_at=NOON
)
CLOSED = PayeeEnded(closed_for=closed_for("not_needed"), closed_by=RECONCILER.person_id, closed_at=NOON)
PAYEES = Given(PAYEE, PayeeFacts(case=ARRIVED))


def back(at: datetime = NOON + HOUR, account_no: int = 2) -> ConfirmCallBack:
    return ConfirmCallBack(account_no=account_no, called_at=at)


def test_whoever_registers_a_payee_does_not_confirm_it() -> None:
    PAYEES.when(VENDOR, OFFICE).then_kinds(PayeeRegistered)
    PAYEES.given(REGISTERED).when(ConfirmPayee(), OFFICE).refused("four_eyes")
    PAYEES.given(REGISTERED).when(ConfirmPayee(), RECONCILER).then(CONFIRMED)
    PAYEES.given(REGISTERED, CONFIRMED).when(ConfirmPayee(), CHIEF).refused("wrong_status")


def test_what_is_registered_conceals_name_account_and_contact() -> None:
    (event,) = PAYEES.when(VENDOR, OFFICE).events
    assert isinstance(event, PayeeRegistered)
    told = PayeeDetails.model_validate_json(event.details.clear())
    assert (told.holder, told.iban, told.masked) == ("Invented Tools Ltd", HERE.replace(" ", ""), "…6702")
    for printed in (repr(VENDOR), str(VENDOR), repr(CHANGE), repr(told), str(told)):
        assert "Invented" not in printed
        assert "6702" not in printed


def test_a_returnee_is_paid_in_the_country_of_their_case_once_they_arrived() -> None:
    PAYEES.when(RETURNEE, RECONCILER).then_kinds(PayeeRegistered)
    PAYEES.when(RETURNEE.model_copy(update={"person_id": STRANGER}), RECONCILER).refused("not_in_the_case")
    PAYEES.when(RETURNEE.model_copy(update={"person_id": CHILD}), RECONCILER).refused("not_arrived_yet")
    PAYEES.when(RETURNEE.model_copy(update={"country": "TR"}), RECONCILER).refused("another_country")
    PAYEES.knowing(PayeeFacts(NOTED)).when(RETURNEE, RECONCILER).refused("not_arrived_yet")
    PAYEES.knowing(PayeeFacts()).when(RETURNEE, RECONCILER).refused("case_unknown")


def test_nobody_has_a_part_in_how_they_are_paid_themselves() -> None:
    oneself = replace(OFFICE, person_id=str(PERSON))
    PAYEES.when(RETURNEE, oneself).refused("four_eyes")
    mine = REGISTERED.model_copy(
        update={"payee_kind": "returnee", "vendor_code": None, "case_id": CASE_ID, "person_id": PERSON}
    )
    PAYEES.given(mine).when(ConfirmPayee(), oneself).refused("four_eyes")
    PAYEES.given(mine, CONFIRMED).when(CHANGE, oneself).refused("four_eyes")
    PAYEES.given(mine, CONFIRMED, ASKED).when(back(), oneself, NOON + 2 * HOUR).refused("four_eyes")


@pytest.mark.parametrize(
    "wrong",
    [
        {"vendor_code": None}, {"case_id": CASE_ID}, {"person_id": PERSON}, {"payee_kind": "office"}, {"payee_kind": "returnee"},
    ],
    ids=["no-code", "with-case", "with-person", "office-with-code", "returnee-without-case"],
)  # fmt: skip
def test_each_kind_of_payee_is_named_in_its_own_way(wrong: dict[str, Any]) -> None:
    PAYEES.when(VENDOR.model_copy(update=wrong), OFFICE).refused("payee_not_named")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"iban": "PK37 SCBL 0000 0011 2345 6702"}, "iban_wrong"),
        ({"iban": None}, "account_missing"),
        ({"account_number": "123"}, "account_twice"),
        ({"iban": None, "account_number": "123", "bank_code": None}, "bank_missing"),
        ({"bank_code": None}, "bank_missing"),
        ({"iban": IN_SEPA, "bank_code": None}, "bank_missing"),
        ({"iban": IN_SEPA, "currency": "EUR", "holder": "Invented Name " * 6}, "name_too_long"),
        ({"bank_code": "INVTFRPP"}, "bank_elsewhere"),
        ({"town": "T" * 36}, "name_too_long"),
        ({"bank_code": "NOT-A-BIC"}, "bank_code_unreadable"),
        ({"holder": "李"}, "name_needs_latin"),
        ({"currency": "XXX"}, "not_a_currency"),
    ],
    ids=["mistyped", "none", "two", "no-bank", "iban-without-bank", "no-euros", "long-for-sepa", "bank-elsewhere", "long-town", "no-code-of-a-bank", "script", "currency"],
)  # fmt: skip
def test_an_account_that_no_bank_would_take_is_refused_when_it_is_stated(wrong: dict[str, Any], code: str) -> None:
    refusal = PAYEES.when(VENDOR.model_copy(update=wrong), OFFICE).refusal
    assert refusal is not None
    assert refusal.code == code.replace("bank_code_unreadable", "bic_unreadable")
    assert "PK" not in refusal.sentence


def test_only_an_offices_own_cash_box_is_at_no_bank() -> None:
    PAYEES.when(CASH_BOX, RECONCILER).then_kinds(PayeeRegistered)


def test_an_iban_alone_is_enough_where_a_payment_goes_by_it_within_sepa() -> None:
    stated = {"iban": IN_SEPA, "bank_code": None, "currency": "EUR"}
    PAYEES.when(VENDOR.model_copy(update=stated), RECONCILER).then_kinds(PayeeRegistered)
    PAYEES.when(VENDOR.model_copy(update={"holder": "Invented Name " * 9}), RECONCILER).then_kinds(PayeeRegistered)


def test_a_change_of_account_holds_the_payee_until_somebody_else_called_back_and_two_days_have_passed() -> None:
    PAYEES.given(REGISTERED).when(CHANGE, OFFICE).refused("wrong_status")
    past = PAYEES.given(REGISTERED, CONFIRMED)
    past.when(CHANGE, OFFICE).then_kinds(AccountChangeAsked)
    held = past.given(ASKED)
    held.when(CHANGE, OFFICE).refused("wrong_status")
    held.when(back(), OFFICE, NOON + 2 * HOUR).refused("four_eyes")
    held.when(back(), RECONCILER, NOON + 2 * HOUR).then(CALLED)
    state = PAYEE.fold((REGISTERED, CONFIRMED, ASKED, CALLED))
    assert state is not None
    assert (state.status, state.confirmed_no, state.held_until) == ("active", 2, NOON + timedelta(days=2))
    assert state.handlers == (OFFICE.person_id, RECONCILER.person_id)


def test_a_call_is_after_the_change_and_not_in_the_future_and_of_a_change_that_is_not_too_old() -> None:
    held = PAYEES.given(REGISTERED, CONFIRMED, ASKED)
    held.when(back(NOON - HOUR), RECONCILER, NOON + HOUR).refused("called_before_change")
    held.when(back(NOON + 2 * HOUR), RECONCILER, NOON + HOUR).refused("in_the_future")
    late = NOON + CALL_BACK_WITHIN
    held.when(back(late), RECONCILER, late).then_kinds(CallBackConfirmed)
    held.when(back(late), RECONCILER, late + HOUR).refused("change_too_old")
    held.when(back(account_no=3), RECONCILER, NOON + 2 * HOUR).refused("another_change_waits")
    PAYEES.given(REGISTERED, CONFIRMED).when(back(), RECONCILER).refused("nothing_waits")


def test_a_change_that_is_dropped_leaves_the_account_of_before_and_the_next_has_a_number_of_its_own() -> None:
    held = PAYEES.given(REGISTERED, CONFIRMED, ASKED)
    for who in (OFFICE, RECONCILER):
        held.when(DropAccountChange(account_no=2, reason="not_confirmed_by_payee"), who).then_kinds(AccountChangeDropped)
    (again,) = held.given(DROPPED).when(CHANGE, OFFICE).events
    assert isinstance(again, AccountChangeAsked)
    assert again.account_no == 3
    state = PAYEE.fold((REGISTERED, CONFIRMED, ASKED, DROPPED))
    assert state is not None
    assert (state.confirmed_no, state.stated_no, state.held_until) == (1, 2, None)


OTHER = ref(31)
SHARING = PayeeFacts(shared_with=frozenset({OTHER}), shared_accounts=(SharedAccount(account_no=1, other_id=OTHER, other_no=2),))
ACCEPT = AcceptSharedAccount(with_ids=(OTHER,), reason="family")


def test_an_account_that_others_have_is_paid_to_once_somebody_who_did_not_state_it_found_that_right() -> None:
    shared = PAYEES.knowing(SHARING)
    shared.given(REGISTERED).when(ConfirmPayee(), RECONCILER).refused("account_shared")
    shared.given(REGISTERED).when(ACCEPT, OFFICE).refused("four_eyes")
    shared.given(REGISTERED).when(ACCEPT, RECONCILER).then(
        SharedAccountAccepted(
            account_no=1, with_ids=(OTHER,), reason="family", stated_by=OFFICE.person_id, accepted_by=RECONCILER.person_id,
            accepted_at=NOON, accounts=SHARING.shared_accounts,
        )
    )
    shared.given(REGISTERED, CONFIRMED, ASKED).when(back(), RECONCILER, NOON + 2 * HOUR).refused("account_shared")
    shared.given(REGISTERED, CONFIRMED, ASKED).when(ACCEPT, OFFICE).refused("four_eyes")
    PAYEES.given(REGISTERED).when(ACCEPT, RECONCILER).refused("nothing_shared")
    another = ACCEPT.model_copy(update={"with_ids": (ref(32),)})
    shared.given(REGISTERED).when(another, RECONCILER).refused("others_share_it")


def test_of_many_who_share_an_account_some_are_found_right_at_a_time_and_nobody_who_does_not_share_it() -> None:
    third = ref(33)
    both = tuple(SharedAccount(account_no=1, other_id=one, other_no=1) for one in (OTHER, third))
    shared = PAYEES.knowing(PayeeFacts(shared_with=frozenset({OTHER, third}), shared_accounts=both)).given(REGISTERED)
    (accepted,) = shared.when(ACCEPT, RECONCILER).events
    assert isinstance(accepted, SharedAccountAccepted)
    assert (accepted.with_ids, accepted.accounts) == ((OTHER,), both[:1])
    for wrong in ((OTHER, ref(32)), (OTHER, OTHER)):
        shared.when(ACCEPT.model_copy(update={"with_ids": wrong}), RECONCILER).refused("others_share_it")


def test_whoever_stated_the_account_of_another_payee_does_not_find_it_right_from_this_ones_side() -> None:
    third = ref(33)
    both = tuple(SharedAccount(account_no=1, other_id=one, other_no=1) for one in (OTHER, third))
    stated = {OTHER: frozenset({OTHER_RECONCILER.person_id}), third: frozenset({CHIEF.person_id, RECONCILER.person_id})}
    facts = PayeeFacts(shared_with=frozenset({OTHER, third}), shared_accounts=both, shared_stated_by=stated)
    shared = PAYEES.knowing(facts).given(REGISTERED)
    shared.when(ACCEPT, OTHER_RECONCILER).refused("four_eyes")
    shared.when(ACCEPT, RECONCILER).then_kinds(SharedAccountAccepted)
    shared.when(ACCEPT.model_copy(update={"with_ids": (OTHER, third)}), RECONCILER).refused("four_eyes")
    shared.when(ACCEPT.model_copy(update={"with_ids": (third,)}), OTHER_RECONCILER).then_kinds(SharedAccountAccepted)


def test_whoever_found_it_right_does_not_confirm_the_account_and_whoever_confirmed_it_on_either_side_does_not_find_it_right() -> None:
    found = PAYEES.knowing(PayeeFacts(sharers=frozenset({RECONCILER.person_id})))
    found.given(REGISTERED).when(ConfirmPayee(), RECONCILER).refused("four_eyes")
    found.given(REGISTERED).when(ConfirmPayee(), OTHER_RECONCILER).then_kinds(PayeeConfirmed)
    held = found.given(REGISTERED, CONFIRMED, ASKED)
    held.when(back(), RECONCILER, NOON + 2 * HOUR).refused("four_eyes")
    held.when(back(), OTHER_RECONCILER, NOON + 2 * HOUR).then_kinds(CallBackConfirmed)
    confirmed = replace(SHARING, shared_confirmed_by={OTHER: frozenset({RECONCILER.person_id})})
    shared = PAYEES.knowing(confirmed).given(REGISTERED)
    shared.when(ACCEPT, RECONCILER).refused("four_eyes")
    shared.when(ACCEPT, OTHER_RECONCILER).then_kinds(SharedAccountAccepted)


def test_it_is_said_which_part_one_had_in_an_account_that_one_would_find_right() -> None:
    stated = replace(SHARING, shared_stated_by={OTHER: frozenset({RECONCILER.person_id})})
    confirmed = replace(SHARING, shared_confirmed_by={OTHER: frozenset({RECONCILER.person_id})})
    sentences = set()
    for facts, who in ((stated, RECONCILER), (confirmed, RECONCILER), (SHARING, OFFICE)):
        with pytest.raises(FourEyes) as refused:
            PAYEE.decide(PAYEE.fold((REGISTERED,)), ACCEPT, facts, Context(who, NOON))
        sentences.add(refused.value.sentence)
    assert len(sentences) == 3


def test_an_account_of_staff_is_nobody_elses() -> None:
    of_staff = PAYEES.knowing(PayeeFacts(of_staff=True))
    of_staff.given(REGISTERED).when(ConfirmPayee(), RECONCILER).refused("account_of_staff")
    of_staff.given(REGISTERED, CONFIRMED, ASKED).when(back(), RECONCILER, NOON + 2 * HOUR).refused("account_of_staff")


@pytest.mark.parametrize("past", [(), (CONFIRMED,), (CONFIRMED, ASKED)], ids=["registered", "active", "on-hold"])
def test_a_closed_payee_takes_nothing_more(past: tuple[Event, ...]) -> None:
    PAYEES.given(REGISTERED, *past).when(ClosePayee(reason="not_needed"), RECONCILER).then(CLOSED)
    closed = PAYEES.given(REGISTERED, *past, CLOSED)
    for order, code in (
        (ConfirmPayee(), "wrong_status"), (CHANGE, "wrong_status"), (back(), "nothing_waits"),
        (ClosePayee(reason="misused"), "payee_closed"),
    ):  # fmt: skip
        closed.when(order, CHIEF).refused(code)


def test_an_order_with_a_sign_that_turns_the_line_is_malformed_and_the_error_does_not_repeat_it() -> None:
    with pytest.raises(ValidationError) as refused:
        RegisterPayee.model_validate({**VENDOR.model_dump(), "holder": "Invented \u202e Person"})
    assert "Invented" not in str(refused.value)


def test_an_event_that_does_not_fit_is_a_fault_of_ours() -> None:
    for state, event in ((None, CaseEndNoted()), (None, CONFIRMED), (PAYEE.fold((REGISTERED,)), REGISTERED)):
        with pytest.raises(TypeError):
            PAYEE.evolve(state, event)
    with pytest.raises(IllegalTransition):
        PAYEE.fold((REGISTERED, CLOSED, CONFIRMED))


ORDERS = st.one_of(
    st.sampled_from((VENDOR, RETURNEE, CASH_BOX, ConfirmPayee(), CHANGE, ClosePayee(reason="not_needed"))),
    st.builds(back, st.sampled_from((NOON - HOUR, NOON, NOON + HOUR)), st.integers(1, 4)),
    st.builds(lambda number: DropAccountChange(account_no=number, reason="entered_in_error"), st.integers(1, 4)),
)


@examples(orders=st.lists(st.tuples(ORDERS, st.sampled_from((OFFICE, RECONCILER, OTHER_RECONCILER, CHIEF)), st.integers(0, 900)), max_size=14))
def test_whatever_is_ordered_two_persons_stand_behind_each_account_and_what_is_closed_stays_so(
    orders: list[tuple[Command, Actor, int]],
) -> None:
    state: Payee | None = None
    log: list[Event] = []
    now = NOON
    for order, who, hours in orders:
        now += hours * HOUR
        try:
            events = PAYEE.decide(state, order, PayeeFacts(ARRIVED), Context(who, now))
        except Refusal:
            events = ()
        before, state = state, PAYEE.fold(events, state)
        log += events
        if state is None:
            continue
        assert (state.status in ("active", "on_hold")) <= (state.confirmed_no is not None)
        assert state.confirmed_no is None or (state.stated_by != state.confirmed_by and state.confirmed_no <= state.stated_no)
        assert {state.registered_by, *filter(None, (state.stated_by, state.confirmed_by))} <= set(state.handlers)
        assert (state.status == "on_hold") == (state.change is not None)
        if before is not None and before != state:
            assert before.status != "closed"
            assert before.status == state.status or state.status in TRANSITIONS[before.status]
            if before.confirmed_no != state.confirmed_no and before.change is not None:
                assert state.held_until == before.change.asked_at + HOLD
    assert PAYEE.fold(log) == state
    if state is not None:
        adapter = TypeAdapter(Payee)
        assert adapter.validate_python(json.loads(adapter.dump_json(state)), strict=False) == state
