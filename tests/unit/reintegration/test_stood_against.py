"""What comes after a release stops what can still be stopped, and is kept with what was paid all the same."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from services.reintegration.domain.cash import WitnessCash, refuse_voucher
from services.reintegration.domain.grant import GRANT
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.payee_facts import Payable
from services.reintegration.domain.stood_against import stood_against
from services.reintegration.domain.tranches import ConfirmPayment
from services.reintegration.paid_although_projections import paid_although
from shared.contracts.paid_although import StoodAgainst, codes_in, concealed
from shared.contracts.sanctions import Hit
from shared.contracts.stops import GrantSuspended, RecoveryOpened
from shared.contracts.visits import CashWitnessed
from shared.errors import RuleViolation
from shared.ledger import conceal
from shared.messages import Event
from tests.given import NOON, Given
from tests.unit.reintegration.examples import (
    APPROVER,
    ATTEMPT_1,
    ENDORSER,
    NOTHING_STANDS_AGAINST_IT,
    OFFICE,
    PAID_1,
    PAYER,
    RELEASED_1,
    TODAY,
    UNTIL_APPROVED,
    UNTIL_DELIVERED,
    VENDOR_PAID,
    eur,
    ref,
)

IN_CASH: tuple[Event, ...] = (*UNTIL_APPROVED, RELEASED_1.model_copy(update={"method": "cash"}))
BY_OFFICE: tuple[Event, ...] = (*UNTIL_APPROVED, RELEASED_1)
SUSPENDED = GrantSuspended(reason="under_review", suspended_by=ENDORSER.person_id, suspended_at=NOON)
PAYABLE = NOTHING_STANDS_AGAINST_IT.payable
HIT: Final = Hit(list_id=ref(61), list_name="UN", entry_id="Q-1", how="exact")
WITNESS = WitnessCash(number=1, identity_document="passport", handed_over_on=TODAY)
PAY = ConfirmPayment(number=1, reference="BANK-0001", paid_on=TODAY)
# Each code and what of the payee makes it so.
OF_THE_PAYEE: Final[dict[StoodAgainst, Payable]] = {
    "payee_closed": replace(PAYABLE, payee=replace(VENDOR_PAID, status="closed")),
    "payee_blocked": replace(PAYABLE, payee=replace(VENDOR_PAID, status="blocked")),
    "payee_erased": replace(PAYABLE, account_known=False),
    "screening_hit": replace(PAYABLE, payee=replace(VENDOR_PAID, hits=(HIT,))),
    "account_of_staff": replace(PAYABLE, of_staff=True),
    "payee_not_confirmed": replace(PAYABLE, payee=replace(VENDOR_PAID, confirmed_no=None)),
    "payee_on_hold": replace(PAYABLE, payee=replace(VENDOR_PAID, held_until=NOON + timedelta(hours=1))),
    "not_screened": replace(PAYABLE, newest_lists=(ref(61),)),
    "account_shared": replace(PAYABLE, shared_with=frozenset({ref(62)})),
    "account_changed": replace(PAYABLE, payee=replace(VENDOR_PAID, confirmed_no=2)),
}


def folded(*events: Event) -> Grant:
    state = GRANT.fold(events)
    assert state is not None
    return state


@pytest.mark.parametrize("code", OF_THE_PAYEE)
def test_whatever_stands_against_the_payee_marks_what_was_handed_over_or_paid_and_refuses_neither(code: StoodAgainst) -> None:
    facts = replace(NOTHING_STANDS_AGAINST_IT, payable=OF_THE_PAYEE[code])
    given = Given(GRANT, facts)
    given.given(*BY_OFFICE).when(PAY, PAYER).then(PAID_1.model_copy(update={"stood_against": concealed((code,))}))
    (seen,) = given.given(*IN_CASH).when(WITNESS, OFFICE).events
    assert isinstance(seen, CashWitnessed)
    assert seen.stood_against == concealed((code,))


def test_what_nothing_stands_against_is_not_marked() -> None:
    Given(GRANT, NOTHING_STANDS_AGAINST_IT).given(*BY_OFFICE).when(PAY, PAYER).then(PAID_1)
    assert paid_although(ref(1), folded(*BY_OFFICE, PAID_1), (PAID_1,)) == []


def test_what_stands_against_grant_and_payee_is_all_said_the_grants_first() -> None:
    back = RecoveryOpened(reason="overpaid", money=eur("100.00"), opened_by=APPROVER.person_id, opened_at=NOON)
    again = RELEASED_1.model_copy(update={"number": 2, "money": eur("400.00"), "attempt_id": ref(43)})
    state = folded(*UNTIL_DELIVERED, again, back, SUSPENDED)
    known = replace(OF_THE_PAYEE["screening_hit"], of_staff=True, newest_lists=(ref(61),))
    assert stood_against(state, state.tranches[1], known, NOON) == (
        "grant_suspended", "recovery_open", "screening_hit", "account_of_staff"
    )  # fmt: skip


def test_of_an_attempt_of_before_that_names_no_payee_its_grant_alone_is_asked() -> None:
    before = RELEASED_1.model_copy(update={"payee_id": None, "account_no": None, "method": None})
    facts = replace(NOTHING_STANDS_AGAINST_IT, payable=Payable())
    Given(GRANT, facts).given(*UNTIL_APPROVED, before).when(PAY, PAYER).then(PAID_1)
    marked = PAID_1.model_copy(update={"stood_against": concealed(("grant_suspended",))})
    assert Given(GRANT, facts).given(*UNTIL_APPROVED, before, SUSPENDED).when(PAY, PAYER).events[0] == marked


@pytest.mark.parametrize("code", OF_THE_PAYEE)
def test_a_voucher_is_not_printed_while_something_stands_against_it(code: StoodAgainst) -> None:
    state = folded(*IN_CASH)
    refuse_voucher(state, state.tranches[0], PAYABLE, NOON, bank_line_waits=False)
    with pytest.raises(RuleViolation) as refused:
        refuse_voucher(state, state.tranches[0], OF_THE_PAYEE[code], NOON, bank_line_waits=False)
    assert refused.value.code == code
    stopped = folded(*IN_CASH, SUSPENDED)
    with pytest.raises(RuleViolation, match="suspended"):
        refuse_voucher(stopped, stopped.tranches[0], PAYABLE, NOON, bank_line_waits=False)


def test_a_voucher_is_not_printed_while_a_line_of_the_banks_says_that_money_may_have_left_for_it() -> None:
    state = folded(*IN_CASH)
    with pytest.raises(RuleViolation) as refused:
        refuse_voucher(state, state.tranches[0], PAYABLE, NOON, bank_line_waits=True)
    assert refused.value.code == "bank_line_waits"


def test_a_voucher_is_not_printed_again_once_the_cash_was_seen_handed_over() -> None:
    seen = CashWitnessed(
        number=1, attempt_no=1, attempt_id=ATTEMPT_1, handed_over_on=TODAY, identity_document="passport",
        witnessed_by=OFFICE.person_id, witnessed_at=NOON,
    )  # fmt: skip
    state = folded(*IN_CASH, seen)
    with pytest.raises(RuleViolation) as refused:
        refuse_voucher(state, state.tranches[0], PAYABLE, NOON, bank_line_waits=False)
    assert refused.value.code == "witnessed_already"


def test_a_row_says_what_stood_against_which_attempt_and_who_said_that_it_was_paid() -> None:
    said = PAID_1.model_copy(update={"stood_against": concealed(("screening_hit", "account_of_staff"))})
    (row,) = paid_although(ref(1), folded(*BY_OFFICE, said), (said,))
    assert (row.values["what"], row.values["attempt_no"], row.values["said_by"]) == ("paid", 1, PAYER.person_id)
    assert row.values["amount"] == eur("800.00").amount
    assert "stood_against" not in row.values


def test_what_stood_against_it_is_in_no_leaf_but_beside_it_whole() -> None:
    told = PAID_1.model_copy(update={"stood_against": concealed(("screening_hit", "account_of_staff"))})
    salted, (beside,) = conceal(told)
    assert not [code for code in OF_THE_PAYEE if code in salted.model_dump_json()]
    assert (beside.path, codes_in(beside.value)) == ("stood_against", ("screening_hit", "account_of_staff"))
