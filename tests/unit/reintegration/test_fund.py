"""A fund is asked for by one and confirmed by another, pays for what its donor pays for, and says what is left of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.reintegration.domain.fund import (
    FUND,
    ChangeFund,
    CloseFund,
    ConfirmFund,
    DropFundChange,
    Fund,
    FundBalance,
    FundFacts,
    OpenFund,
    refuse_unless_pays_for,
)
from shared.actors import Actor
from shared.contracts.funds import (
    FundAsked,
    FundChangeAsked,
    FundChanged,
    FundChangeDropped,
    FundClosed,
    FundClosingAsked,
    FundOpened,
)
from shared.contracts.noted_cases import CaseEndNoted
from shared.errors import Refusal, RuleViolation
from shared.messages import Command, Context, Event
from shared.money import Money
from tests.given import NOON, Given, code_of, staff
from tests.unit.reintegration.examples import CHIEF, MANAGER, eur

FIRST, LAST, LATER = date(2023, 1, 1), date(2023, 12, 31), date(2024, 6, 30)
OTHER_MANAGER = staff("manager_2", "manager")
OPEN = OpenFund(project="CE-0412", donor="EU", granted=eur("10000.00"), valid_from=FIRST, valid_until=LAST)
ASKED = FundAsked(
    change_no=1, project="CE-0412", donor="EU", granted=eur("10000.00"), valid_from=FIRST, valid_until=LAST, countries=(),
    grant_categories=(), programmes=(), asked_by=MANAGER.person_id, asked_at=NOON,
)  # fmt: skip
OPENED = FundOpened(
    project="CE-0412", donor="EU", granted=eur("10000.00"), valid_from=FIRST, valid_until=LAST, change_no=1,
    asked_by=MANAGER.person_id, confirmed_by=CHIEF.person_id, confirmed_at=NOON,
)  # fmt: skip
CHANGE = ChangeFund(granted=eur("12000.00"), valid_until=LATER, reason="donor_adds")
CHANGE_ASKED = FundChangeAsked(
    change_no=2, granted=eur("12000.00"), valid_until=LATER, reason="donor_adds", asked_by=MANAGER.person_id, asked_at=NOON
)
CHANGED = FundChanged(
    change_no=2, granted=eur("12000.00"), valid_until=LATER, asked_by=MANAGER.person_id, confirmed_by=CHIEF.person_id,
    confirmed_at=NOON,
)  # fmt: skip
CLOSE = CloseFund(reason="project_ended")
CLOSING_ASKED = FundClosingAsked(change_no=2, reason="project_ended", asked_by=MANAGER.person_id, asked_at=NOON)
CLOSED = FundClosed(change_no=2, asked_by=MANAGER.person_id, confirmed_by=CHIEF.person_id, confirmed_at=NOON)
# As it stands in logs of before two persons were needed.
ALONE = FundOpened(project="CE-0412", donor="EU", granted=eur("10000.00"), valid_from=FIRST, valid_until=LAST)
FUNDS = Given(FUND, FundFacts(committed=Decimal("2500.00"), spent=Decimal("1000.00")))
UNUSED = Given(FUND, FundFacts(committed=Decimal(0), spent=Decimal("1000.00"), undelivered=False))


def test_a_fund_that_is_asked_for_holds_nothing_until_somebody_else_confirms_it() -> None:
    FUNDS.when(OPEN, MANAGER).then(ASKED)
    FUNDS.given(ASKED).when(ConfirmFund(change_no=1), CHIEF).then(OPENED)
    FUNDS.given(ASKED).when(ConfirmFund(change_no=1), OTHER_MANAGER).then_kinds(FundOpened)
    asked, opened = FUND.fold((ASKED,)), FUND.fold((ASKED, OPENED))
    assert asked is not None and opened is not None
    assert (asked.status, opened.status, opened.waiting) == ("asked", "open", None)


@pytest.mark.parametrize("history", [(ASKED,), (ASKED, OPENED, CHANGE_ASKED), (ASKED, OPENED, CLOSING_ASKED)])
def test_nobody_confirms_what_they_asked_for_themselves(history: tuple[Event, ...]) -> None:
    UNUSED.given(*history).when(ConfirmFund(change_no=1 if len(history) == 1 else 2), MANAGER).refused("four_eyes")


def test_a_change_counts_once_somebody_else_confirmed_it() -> None:
    FUNDS.given(ASKED, OPENED).when(CHANGE, MANAGER).then(CHANGE_ASKED)
    FUNDS.given(ASKED, OPENED, CHANGE_ASKED).when(ConfirmFund(change_no=2), CHIEF).then(CHANGED)
    waiting, changed = FUND.fold((ASKED, OPENED, CHANGE_ASKED)), FUND.fold((ASKED, OPENED, CHANGE_ASKED, CHANGED))
    assert waiting is not None and changed is not None
    assert (waiting.granted, waiting.valid_until) == (Decimal("10000.00"), LAST)
    assert (changed.granted, changed.valid_until, changed.confirmed_no) == (Decimal("12000.00"), LATER, 2)


def test_a_fund_that_one_opened_alone_is_changed_by_two() -> None:
    FUNDS.given(ALONE).when(CHANGE, MANAGER).then(CHANGE_ASKED.model_copy(update={"change_no": 1}))


def test_a_fund_is_never_reduced_below_what_is_committed_and_spent() -> None:
    down = ChangeFund(granted=eur("3499.99"), valid_until=LAST, reason="donor_reduces")
    FUNDS.given(ASKED, OPENED).when(down, MANAGER).refused("below_what_is_used")
    exactly = down.model_copy(update={"granted": eur("3500.00")})
    FUNDS.given(ASKED, OPENED).when(exactly, MANAGER).then_kinds(FundChangeAsked)
    # What was free when it was asked may be committed when it is confirmed.
    asked = CHANGE_ASKED.model_copy(update={"granted": eur("3499.99")})
    FUNDS.given(ASKED, OPENED, asked).when(ConfirmFund(change_no=2), CHIEF).refused("below_what_is_used")
    for unknown in (FundFacts(), FundFacts(committed=Decimal(0)), FundFacts(spent=Decimal(0))):
        Given(FUND, unknown).given(ASKED, OPENED).when(CHANGE, MANAGER).refused("below_what_is_used")


def test_a_fund_is_closed_once_nothing_is_committed_of_it() -> None:
    FUNDS.given(ASKED, OPENED).when(CLOSE, MANAGER).refused("fund_has_commitments")
    FUNDS.given(ASKED, OPENED, CLOSING_ASKED).when(ConfirmFund(change_no=2), CHIEF).refused("fund_has_commitments")
    # What is paid and not delivered may come back.
    paid = UNUSED.knowing(FundFacts(committed=Decimal(0), spent=Decimal("1000.00"), undelivered=True))
    paid.given(ASKED, OPENED).when(CLOSE, MANAGER).refused("fund_awaits_deliveries")
    paid.given(ASKED, OPENED, CLOSING_ASKED).when(ConfirmFund(change_no=2), CHIEF).refused("fund_awaits_deliveries")
    UNUSED.given(ASKED, OPENED).when(CLOSE, MANAGER).then(CLOSING_ASKED)
    UNUSED.given(ASKED, OPENED, CLOSING_ASKED).when(ConfirmFund(change_no=2), CHIEF).then(CLOSED)
    UNUSED.given(ASKED, OPENED, CLOSING_ASKED, CLOSED).when(CHANGE, MANAGER).refused("fund_closed_already")


def test_one_thing_waits_at_a_time_and_what_waits_is_named() -> None:
    FUNDS.given(ASKED, OPENED, CHANGE_ASKED).when(CHANGE, MANAGER).refused("change_waits")
    UNUSED.given(ASKED, OPENED, CHANGE_ASKED).when(CLOSE, MANAGER).refused("change_waits")
    FUNDS.given(ASKED).when(CHANGE, MANAGER).refused("change_waits")
    for order in (ConfirmFund(change_no=1), DropFundChange(change_no=1)):
        FUNDS.given(ASKED, OPENED).when(order, CHIEF).refused("nothing_waits")
        FUNDS.given(ASKED, OPENED, CHANGE_ASKED).when(order, CHIEF).refused("another_change_waits")


def test_what_was_asked_is_dropped_by_whoever_asked_or_by_a_colleague() -> None:
    for who in (MANAGER, CHIEF):
        FUNDS.given(ASKED, OPENED, CHANGE_ASKED).when(DropFundChange(change_no=2), who).then(
            FundChangeDropped(change_no=2, dropped_by=who.person_id, dropped_at=NOON)
        )
    dropped = FundChangeDropped(change_no=2, dropped_by=CHIEF.person_id, dropped_at=NOON)
    FUNDS.given(ASKED, OPENED, CHANGE_ASKED, dropped).when(CHANGE, MANAGER).then(CHANGE_ASKED.model_copy(update={"change_no": 3}))
    never = dropped.model_copy(update={"change_no": 1})
    FUNDS.given(ASKED, never).when(CHANGE, MANAGER).refused("fund_dropped")
    FUNDS.given(ASKED, never).when(ConfirmFund(change_no=1), CHIEF).refused("nothing_waits")


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (CHANGE.model_copy(update={"granted": Money(amount=Decimal(9), currency="USD")}), "currencies_differ"),
        (CHANGE.model_copy(update={"granted": eur("12000.001")}), "finer_than_paid"),
        (CHANGE.model_copy(update={"valid_until": date(2022, 12, 31)}), "validity_reversed"),
        (ChangeFund(granted=eur("10000.00"), valid_until=LAST, reason="extended"), "nothing_changes"),
    ],
)
def test_a_change_is_one_that_can_be(order: ChangeFund, code: str) -> None:
    FUNDS.given(ASKED, OPENED).when(order, MANAGER).refused(code)


def test_a_fund_may_be_valid_for_a_single_day() -> None:
    FUNDS.when(OPEN.model_copy(update={"valid_until": FIRST}), MANAGER).then_kinds(FundAsked)


def test_a_fund_cannot_end_before_it_begins() -> None:
    FUNDS.when(OPEN.model_copy(update={"valid_until": date(2022, 12, 31)}), MANAGER).refused("validity_reversed")


def test_a_fund_is_opened_once() -> None:
    FUNDS.given(ASKED).when(OPEN, MANAGER).refused("already_exists")


def test_nothing_is_named_twice_in_what_a_fund_pays_for() -> None:
    for named in ({"countries": ("PK", "PK")}, {"grant_categories": ("housing", "housing")}, {"programmes": ("A", "A")}):
        FUNDS.when(OPEN.model_copy(update=named), MANAGER).refused("named_twice")


def test_no_fund_tells_by_its_name_on_a_grant_that_somebody_is_ill() -> None:
    for named in (("medical",), ("medical", "psychosocial"), ("medical", "documentation"), ("medical", "housing", "business")):
        FUNDS.when(OPEN.model_copy(update={"grant_categories": named}), MANAGER).refused("fund_tells_of_health")
    for told in (("medical", "housing", "business", "training"), ("documentation",), ()):
        FUNDS.when(OPEN.model_copy(update={"grant_categories": told}), MANAGER).then_kinds(FundAsked)


@pytest.mark.parametrize("amount", ["0.00", "-1.00"])
def test_a_fund_without_money_is_no_fund(amount: str) -> None:
    with pytest.raises(ValidationError):
        OpenFund(project="CE-0412", donor="EU", granted=eur(amount), valid_from=FIRST, valid_until=LAST)


def test_a_fund_is_of_an_amount_that_can_be_paid() -> None:
    yen = Money(amount=Decimal("10000.5"), currency="JPY")
    FUNDS.when(OPEN.model_copy(update={"granted": yen}), MANAGER).refused("finer_than_paid")


def _code_of(asked: Callable[[], None]) -> str:
    try:
        asked()
    except RuleViolation as refusal:
        return code_of(refusal)
    return "paid"


def test_a_fund_pays_for_what_its_donor_named_and_for_everything_where_nothing_is_named() -> None:
    fund = FUND.fold((ALONE,))
    assert fund is not None
    limited = replace(fund, countries=("PK", "TR"), grant_categories=("business",), programmes=("AVRR-WB",))
    for which, country, category, programme, code in (
        (fund, "MA", "housing", None, "paid"),
        (fund, "MA", None, None, "paid"),
        (limited, "TR", "business", "AVRR-WB", "paid"),
        (limited, "MA", "business", "AVRR-WB", "fund_not_for_country"),
        (limited, "PK", "housing", "AVRR-WB", "fund_not_for_category"),
        (limited, "PK", None, "AVRR-WB", "fund_not_for_category"),
        (limited, "PK", "business", "AVRR-EU", "fund_not_for_programme"),
        (limited, "PK", "business", None, "fund_not_for_programme"),
        (replace(fund, status="closed"), "PK", "business", None, "fund_closed"),
    ):
        assert _code_of(lambda: refuse_unless_pays_for(which, country, category, programme)) == code  # noqa: B023


def test_what_is_committed_or_spent_is_not_available() -> None:
    fund = FUND.fold((ASKED, OPENED))
    assert fund is not None
    assert FundBalance(fund, Decimal("2500.50"), Decimal("1000.00")).available == Decimal("6499.50")


def test_the_first_and_the_last_day_of_a_fund_count() -> None:
    fund = FUND.fold((ASKED, OPENED))
    assert fund is not None
    balance = FundBalance(fund, Decimal(0), Decimal(0))
    day = timedelta(days=1)
    assert [balance.valid_on(on) for on in (FIRST - day, FIRST, LAST, LAST + day)] == [False, True, True, False]


def test_an_event_that_does_not_fit_is_a_fault_of_ours() -> None:
    for state, event in ((None, CaseEndNoted()), (None, CHANGED), (None, CLOSED), (FUND.fold((ALONE,)), OPENED)):
        with pytest.raises(TypeError):
            FUND.evolve(state, event)


AMOUNTS = st.decimals("0.01", "9999.99", places=2).map(lambda amount: Money(amount=amount, currency="EUR"))
ORDERS = st.one_of(
    st.builds(lambda granted: OPEN.model_copy(update={"granted": granted}), AMOUNTS),
    st.builds(lambda granted, day: ChangeFund(granted=granted, valid_until=day, reason="extended"), AMOUNTS, st.dates()),
    st.just(CLOSE),
    st.builds(lambda number: ConfirmFund(change_no=number), st.integers(1, 4)),
    st.builds(lambda number: DropFundChange(change_no=number), st.integers(1, 4)),
)


@examples(
    orders=st.lists(st.tuples(ORDERS, st.sampled_from((MANAGER, CHIEF, OTHER_MANAGER))), max_size=12),
    used=st.decimals("0", "9999.99", places=2),
)
def test_whatever_is_ordered_two_persons_stand_behind_each_fund_and_it_grants_what_is_used_at_least(
    orders: list[tuple[Command, Actor]], used: Decimal
) -> None:
    state: Fund | None = None
    log: list[Event] = []
    for order, who in orders:
        try:
            events = FUND.decide(state, order, FundFacts(used, Decimal(0), undelivered=False), Context(who, NOON))
        except Refusal:
            events = ()
        before, state = state, FUND.fold(events, state)
        log += events
        if state is None:
            continue
        if state.status not in ("asked", "dropped"):
            assert state.asked_by != state.confirmed_by
            assert state.confirmed_no <= state.change_no
        if before is not None and before.status == "open" and state.granted != before.granted:
            assert state.granted >= used
        if before is not None:
            assert (state.project, state.donor, state.currency, state.valid_from) == (
                before.project, before.donor, before.currency, before.valid_from,
            )  # fmt: skip
    assert FUND.fold(log) == state
    if state is not None:
        adapter = TypeAdapter(Fund)
        row = json.loads(adapter.dump_json(state), parse_float=Decimal)
        assert adapter.validate_python(row, strict=False) == state
