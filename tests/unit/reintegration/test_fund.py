"""A fund is opened once, with days that make sense, and says what is left of it."""

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.reintegration.domain.fund import FUND, Fund, FundBalance, OpenFund
from shared.contracts.reintegration import CaseEndNoted, FundOpened
from shared.decider import NoFacts
from shared.errors import RuleViolation
from shared.messages import Context, Event
from shared.money import Money
from tests.given import NOON, Given
from tests.unit.reintegration.examples import MANAGER, eur

FIRST, LAST = date(2023, 1, 1), date(2023, 12, 31)
OPEN = OpenFund(project="CE-0412", donor="EU", granted=eur("10000.00"), valid_from=FIRST, valid_until=LAST)
OPENED = FundOpened(
    project="CE-0412", donor="EU", granted=eur("10000.00"), valid_from=FIRST, valid_until=LAST
)
FUNDS = Given(FUND, NoFacts())


def test_a_fund_is_opened_with_a_donors_money_and_its_days() -> None:
    FUNDS.when(OPEN, MANAGER).then(OPENED)


def test_a_fund_may_be_valid_for_a_single_day() -> None:
    FUNDS.when(OPEN.model_copy(update={"valid_until": FIRST}), MANAGER).then_kinds(FundOpened)


def test_a_fund_cannot_end_before_it_begins() -> None:
    FUNDS.when(OPEN.model_copy(update={"valid_until": date(2022, 12, 31)}), MANAGER).refused(
        "validity_reversed"
    )


def test_a_fund_is_opened_once() -> None:
    FUNDS.given(OPENED).when(OPEN, MANAGER).refused("already_exists")


@pytest.mark.parametrize("amount", ["0.00", "-1.00"])
def test_a_fund_without_money_is_no_fund(amount: str) -> None:
    with pytest.raises(ValidationError):
        OpenFund(project="CE-0412", donor="EU", granted=eur(amount), valid_from=FIRST, valid_until=LAST)


def test_a_fund_is_of_an_amount_that_can_be_paid() -> None:
    yen = Money(amount=Decimal("10000.5"), currency="JPY")
    FUNDS.when(OPEN.model_copy(update={"granted": yen}), MANAGER).refused("finer_than_paid")


def test_what_is_committed_or_spent_is_not_available() -> None:
    fund = FUND.fold((OPENED,))
    assert fund is not None
    assert FundBalance(fund, Decimal("2500.50"), Decimal("1000.00")).available == Decimal("6499.50")


def test_the_first_and_the_last_day_of_a_fund_count() -> None:
    fund = FUND.fold((OPENED,))
    assert fund is not None
    balance = FundBalance(fund, Decimal(0), Decimal(0))
    day = timedelta(days=1)
    assert [balance.valid_on(on) for on in (FIRST - day, FIRST, LAST, LAST + day)] == [
        False,
        True,
        True,
        False,
    ]


def test_an_event_of_another_aggregate_is_a_fault_of_ours() -> None:
    with pytest.raises(TypeError):
        FUND.evolve(None, CaseEndNoted())


@examples(
    amounts=st.lists(st.decimals("0.01", "99999999.99", places=2), min_size=1, max_size=4),
    first=st.dates(),
    last=st.dates(),
)
def test_whatever_is_ordered_of_a_fund_its_first_terms_stay(
    amounts: list[Decimal], first: date, last: date
) -> None:
    state: Fund | None = None
    log: list[Event] = []
    for amount in amounts:
        granted = Money(amount=amount, currency="EUR")
        order = OPEN.model_copy(update={"granted": granted, "valid_from": first, "valid_until": last})
        before = state
        try:
            events = FUND.decide(state, order, NoFacts(), Context(MANAGER, NOON))
        except RuleViolation:
            events = ()
        state = FUND.fold(events, state)
        log += events
        assert before is None or state == before
    assert FUND.fold(log) == state
    if state is not None:
        adapter = TypeAdapter(Fund)
        row = json.loads(adapter.dump_json(state), parse_float=Decimal)
        assert adapter.validate_python(row, strict=False) == state
