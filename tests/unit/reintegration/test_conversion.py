"""Amounts are converted by the rates that count on a day, through one way, exactly, and rounded once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume
from hypothesis import given as examples
from hypothesis import strategies as st

from services.reintegration.domain.conversion import Converted, RatesInForce, RecordedRate
from shared.contracts.rates import Base
from shared.currencies import minor_units
from shared.errors import RuleViolation
from shared.money import Money, rounded
from tests.given import reads_well

DAY = date(2023, 5, 2)


def rate(currency: str, base: Base, of: str, on: date = DAY, revision: int = 1) -> RecordedRate:
    return RecordedRate(currency, base, on, revision, Decimal(of), "un_operational_rate")


def money(amount: str, currency: str) -> Money:
    return Money(amount=Decimal(amount), currency=currency)


def convert(amount: str, currency: str, into: str, *rates: RecordedRate, on: date = DAY) -> Converted:
    return RatesInForce.on(on, rates).convert(money(amount, currency), into)


def way(found: Converted) -> list[tuple[str, str]]:
    return [(leg.currency, leg.base) for leg in found.legs]


EUR, TND, BAM, XOF = rate("EUR", "USD", "0.9"), rate("TND", "USD", "3"), rate("BAM", "EUR", "2"), rate("XOF", "EUR", "600")


def test_an_amount_in_its_own_currency_stays_as_it_is() -> None:
    found = convert("0.0001", "EUR", "EUR")
    assert (found.money, found.rate, found.legs, found.effective_on) == (money("0.0001", "EUR"), Decimal(1), (), None)


def test_a_rate_between_the_two_is_used_in_both_directions() -> None:
    assert convert("10.00", "EUR", "BAM", BAM).money == money("20.00", "BAM")
    assert convert("10.00", "BAM", "EUR", BAM).money == money("5.00", "EUR")


def test_what_has_no_rate_between_the_two_goes_through_the_dollar() -> None:
    found = convert("9.00", "EUR", "TND", EUR, TND)
    assert found.money == money("30.000", "TND")
    assert way(found) == [("EUR", "USD"), ("TND", "USD")]


def test_what_is_fixed_to_the_euro_reaches_the_dollar_through_it() -> None:
    found = convert("18.00", "BAM", "TND", BAM, EUR, TND)
    assert found.money == money("30.000", "TND")
    assert way(found) == [("BAM", "EUR"), ("EUR", "USD"), ("TND", "USD")]
    back = convert("30.000", "TND", "BAM", BAM, EUR, TND)
    assert back.money == money("18.00", "BAM")
    assert way(back) == [("TND", "USD"), ("EUR", "USD"), ("BAM", "EUR")]


def test_two_that_are_fixed_to_the_euro_need_no_dollar() -> None:
    found = convert("1.00", "BAM", "XOF", BAM, XOF)
    assert found.money == money("300", "XOF")
    assert way(found) == [("BAM", "EUR"), ("XOF", "EUR")]


def test_a_rate_between_the_two_comes_before_any_way_through_another() -> None:
    both = (BAM, EUR, rate("BAM", "USD", "1.9"))
    assert way(convert("1.00", "BAM", "USD", *both)) == [("BAM", "USD")]
    assert way(convert("1.00", "BAM", "EUR", *both)) == [("BAM", "EUR")]


def test_the_dollar_comes_before_the_euro_where_both_ways_are_open() -> None:
    rates = (BAM, XOF, rate("BAM", "USD", "1.9"), rate("XOF", "USD", "610"))
    assert way(convert("1.00", "BAM", "XOF", *rates)) == [("BAM", "USD"), ("XOF", "USD")]


@pytest.mark.parametrize("rates", [(), (EUR,), (TND,), (BAM, TND), (rate("EUR", "USD", "0.9", DAY + timedelta(days=1)), TND)])
def test_where_no_rate_has_come_nothing_is_converted(rates: Sequence[RecordedRate]) -> None:
    with pytest.raises(RuleViolation) as refused:
        convert("1.00", "EUR", "TND", *rates)
    assert refused.value.code == "rate_missing"
    assert reads_well(refused.value.sentence)


def test_what_nobody_could_write_is_refused() -> None:
    with pytest.raises(RuleViolation) as refused:
        convert("99999999999999.00", "EUR", "XOF", XOF)
    assert refused.value.code == "amount_too_large"
    assert reads_well(refused.value.sentence)


def test_a_rate_counts_from_its_first_day_until_a_later_one_has_come() -> None:
    rates = [rate("TND", "USD", "3", DAY), rate("TND", "USD", "4", DAY + timedelta(days=10))]
    for days, worth in ((0, "3.000"), (9, "3.000"), (10, "4.000"), (900, "4.000")):
        assert convert("1.00", "USD", "TND", *rates, on=DAY + timedelta(days=days)).money == money(worth, "TND")


def test_of_one_day_the_last_correction_counts_also_where_a_former_day_was_corrected_more_often() -> None:
    rates = [rate("TND", "USD", "3", DAY - timedelta(days=1), 5), rate("TND", "USD", "4", DAY, 2), rate("TND", "USD", "5", DAY, 1)]
    assert convert("1.00", "USD", "TND", *rates).money == money("4.000", "TND")


def test_the_day_of_a_conversion_is_the_latest_of_its_rates() -> None:
    found = convert("1.00", "BAM", "TND", replace(BAM, effective_on=date(2020, 1, 1)), EUR, replace(TND, effective_on=date(2022, 1, 1)))
    assert found.effective_on == DAY


def test_nothing_is_rounded_on_the_way() -> None:
    # By cents of a euro and of a dollar on the way it would be 0.03.
    found = convert("0.01", "BAM", "TND", rate("BAM", "EUR", "1.95583"), rate("EUR", "USD", "0.908"), TND)
    assert found.money.amount == rounded(Fraction(3, 100) / Fraction("1.95583") / Fraction("0.908"), "TND") == Decimal("0.017")


CODES = st.sampled_from(["EUR", "USD", "BAM", "TND", "XOF"])
VALUES = st.decimals("0.001", "1000", places=6)


@st.composite
def rates_in_force(draw: st.DrawFn) -> RatesInForce:
    pairs: list[tuple[str, Base]] = [("EUR", "USD"), ("BAM", "USD"), ("BAM", "EUR"), ("TND", "USD"), ("XOF", "USD"), ("XOF", "EUR")]
    missing = draw(st.sets(st.sampled_from(pairs), max_size=3))
    return RatesInForce.on(
        DAY, [RecordedRate(one, base, DAY, 1, draw(VALUES), "central_bank") for one, base in pairs if (one, base) not in missing]
    )


def converted(rates: RatesInForce, amount: Decimal, currency: str, into: str) -> Converted | None:
    try:
        return rates.convert(Money(amount=amount, currency=currency), into)
    except RuleViolation:
        return None


def exact(found: Converted, currency: str) -> Fraction:
    """What one unit is worth by these legs, calculated apart from the code under test."""
    worth = Fraction(1)
    for leg in found.legs:
        worth, currency = (
            (worth * Fraction(leg.rate), leg.currency) if leg.base == currency else (worth / Fraction(leg.rate), leg.base)
        )
    assert currency == found.money.currency
    return worth


def unit(currency: str) -> Fraction:
    return Fraction(1, 10 ** minor_units(currency))


@examples(rates_in_force(), st.integers(0, 10**12), CODES, CODES)
def test_an_amount_of_any_size_is_converted_exactly_and_rounded_once(rates: RatesInForce, units: int, one: str, other: str) -> None:
    amount = Decimal(units).scaleb(-minor_units(one))
    found = converted(rates, amount, one, other)
    assume(found is not None)
    assert found is not None
    assert found.money.amount == rounded(Fraction(amount) * exact(found, one), other)


@examples(rates_in_force(), st.integers(0, 10**8), CODES, CODES)
def test_there_and_back_loses_at_most_half_a_unit_of_each(rates: RatesInForce, units: int, one: str, other: str) -> None:
    amount = Decimal(units).scaleb(-minor_units(one))
    there = converted(rates, amount, one, other)
    assume(there is not None)
    assert there is not None
    back = converted(rates, there.money.amount, other, one)
    assert back is not None, "whoever can go there can come back"
    worth = exact(there, one)
    assert exact(back, other) * worth == 1
    assert abs(Fraction(back.money.amount) - Fraction(amount)) <= unit(other) / 2 / worth + unit(one) / 2


@examples(rates_in_force(), st.lists(st.integers(0, 10**7), min_size=1, max_size=6), CODES, CODES)
def test_parts_and_their_whole_differ_by_half_a_unit_for_each_of_them_at_most(
    rates: RatesInForce, parts: list[int], one: str, other: str
) -> None:
    amounts = [Decimal(part).scaleb(-minor_units(one)) for part in parts]
    found = [converted(rates, amount, one, other) for amount in (sum(amounts, Decimal(0)), *amounts)]
    assume(all(found))
    whole, *single = [Fraction(each.money.amount) for each in found if each is not None]
    assert abs(sum(single) - whole) <= unit(other) * (len(parts) + 1) / 2


@examples(rates_in_force(), st.integers(0, 10**7), st.integers(0, 10**7), CODES, CODES)
def test_more_is_never_worth_less_and_a_result_can_be_paid(rates: RatesInForce, less: int, more: int, one: str, other: str) -> None:
    amounts = sorted(Decimal(units).scaleb(-minor_units(one)) for units in (less, more))
    found = [converted(rates, amount, one, other) for amount in amounts]
    assume(all(found))
    low, high = [each.money.amount for each in found if each is not None]
    assert low <= high
    assert rounded(high, other) == high


@examples(rates_in_force(), CODES, CODES)
def test_a_way_is_taken_once_between_any_two_and_stops_nowhere_twice(rates: RatesInForce, one: str, other: str) -> None:
    found = converted(rates, Decimal(1), one, other)
    assume(found is not None)
    assert found is not None
    assert len({(leg.currency, leg.base) for leg in found.legs}) == len(found.legs) <= 3
    # Where the two have a rate to each other, nothing else is used.
    direct = rates.by_pair.get((one, other)) or rates.by_pair.get((other, one))
    assert direct is None or found.legs == (direct,)


@examples(
    st.lists(st.tuples(st.sampled_from(["BAM", "TND"]), st.integers(0, 9), st.integers(1, 3), VALUES), max_size=12, unique_by=lambda one: one[:3]),
    st.integers(0, 9),
)
def test_what_counts_on_a_day_does_not_depend_on_the_order_in_which_it_was_recorded(
    recorded: list[tuple[str, int, int, Decimal]], day: int
) -> None:
    rates = [rate(currency, "EUR", str(of), DAY + timedelta(days=on), revision) for currency, on, revision, of in recorded]
    on = DAY + timedelta(days=day)
    found = RatesInForce.on(on, rates)
    assert found == RatesInForce.on(on, rates[::-1])
    for (currency, _), counts in found.by_pair.items():
        others = [other for other in rates if other.currency == currency and other.effective_on <= on]
        assert (counts.effective_on, counts.revision) == max((other.effective_on, other.revision) for other in others)
