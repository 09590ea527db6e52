"""Amounts are counted in the smallest unit of their currency, and rounded to it as a bank does."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.currencies import CODES, is_currency, minor_units
from shared.errors import RuleViolation
from shared.money import LARGEST, Amount, Money, refuse_unpayable, rounded

ROOMY = Context(prec=60)
AMOUNT: TypeAdapter[Decimal] = TypeAdapter(Amount)


@pytest.mark.parametrize(("code", "decimals"), [("XOF", 0), ("EUR", 2), ("USD", 2), ("BAM", 2), ("TND", 3), ("IQD", 3)])
def test_a_currency_has_the_decimals_that_it_is_counted_in(code: str, decimals: int) -> None:
    assert is_currency(code)
    assert minor_units(code) == decimals


@pytest.mark.parametrize("code", ["XXX", "XAU", "XDR", "DEM", "ABC", "eur"])
def test_what_nobody_is_paid_in_is_no_currency(code: str) -> None:
    assert not is_currency(code)


@pytest.mark.parametrize(
    ("exact", "currency", "counted"),
    [
        ("2444.78750", "BAM", "2444.79"), ("7502.5", "XOF", "7503"), ("-7502.5", "XOF", "-7503"), ("7502.4999", "XOF", "7502"),
        ("0.0005", "TND", "0.001"), ("0.005", "EUR", "0.01"), ("0.0049", "EUR", "0.00"), ("3", "EUR", "3.00"), ("0", "EUR", "0.00"), ("2.675", "EUR", "2.68"),
    ],
)  # fmt: skip
def test_a_half_is_rounded_away_from_zero(exact: str, currency: str, counted: str) -> None:
    assert str(rounded(Decimal(exact), currency)) == counted


@examples(st.decimals(-(10**12), 10**12, places=8), st.sampled_from(sorted(CODES)))
def test_rounding_is_what_the_decimal_arithmetic_of_a_ledger_does(exact: Decimal, currency: str) -> None:
    decimals = Decimal(1).scaleb(-minor_units(currency))
    assert rounded(exact, currency) == exact.quantize(decimals, ROUND_HALF_UP, ROOMY)


@examples(st.fractions(-(10**9), 10**9), st.sampled_from(["XOF", "EUR", "TND"]))
def test_rounding_moves_an_amount_by_half_a_unit_at_most_and_is_done_once(exact: Fraction, currency: str) -> None:
    counted = rounded(exact, currency)
    assert abs(Fraction(counted) - exact) * 2 * 10 ** minor_units(currency) <= 1
    assert rounded(counted, currency) == counted
    assert rounded(-exact, currency) == -counted


def eur(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


def test_amounts_of_one_currency_are_put_together_and_compared() -> None:
    assert eur("0.10") + eur("0.20") == eur("0.30")
    assert eur("0.10") - eur("0.30") == eur("-0.20")
    assert (eur("1") < eur("2"), eur("2") < eur("2"), eur("3") < eur("2")) == (True, False, False)
    assert (eur("1") <= eur("2"), eur("2") <= eur("2"), eur("3") <= eur("2")) == (True, True, False)


@pytest.mark.parametrize("put_together", [Money.__add__, Money.__sub__, Money.__lt__, Money.__le__])
def test_amounts_of_two_currencies_are_never_put_together(put_together: Callable[[Money, Money], object]) -> None:
    with pytest.raises(ValueError, match=r"^amounts of two currencies cannot be put together$"):
        put_together(eur("1"), Money(amount=Decimal(1), currency="BAM"))


@pytest.mark.parametrize("written", ["0", "0.5", "1250.00", "0.0001", "99999999999999.9999"])
def test_an_amount_is_written_as_it_was_read(written: str) -> None:
    assert AMOUNT.dump_python(AMOUNT.validate_python(written)) == written


@pytest.mark.parametrize("given", ["1_000", "1e3", "-1", "0.00001", "", " 1", "1\n", "\u0661", "1,5", 3, 3.5, None])
def test_nothing_else_is_an_amount_on_the_wire(given: object) -> None:
    why = "an amount is written as a string of digits, with a point before the last four at most"
    with pytest.raises(ValidationError, match=f"Value error, {why} "):
        AMOUNT.validate_python(given)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (LARGEST + Decimal("0.0001"), "14 digits before"), (-LARGEST - 1, "14 digits before"), (Decimal("0.00001"), "4 digits after"),
        (Decimal("1.23456"), "4 digits after"),
    ],
)  # fmt: skip
def test_an_amount_that_came_of_others_is_bounded_and_it_is_said_how(given: Decimal, why: str) -> None:
    with pytest.raises(ValidationError, match=f"Value error, an amount has at most {why} the point "):
        AMOUNT.validate_python(given)


@pytest.mark.parametrize("given", [LARGEST, -LARGEST, Decimal("-0.0001"), Decimal(10**13)])
def test_an_amount_that_came_of_others_may_be_as_large_and_below_nothing(given: Decimal) -> None:
    assert AMOUNT.validate_python(given) == given


@pytest.mark.parametrize(("amount", "currency"), [("1250.00", "XOF"), ("1250", "XOF"), ("0.001", "TND"), ("0.0100", "EUR")])
def test_an_amount_that_can_be_paid_is_taken_however_many_noughts_it_ends_in(amount: str, currency: str) -> None:
    refuse_unpayable([Money(amount=Decimal(amount), currency=currency)])


@pytest.mark.parametrize(("amount", "currency"), [("0.5", "XOF"), ("0.0001", "TND"), ("0.001", "EUR")])
def test_an_amount_that_nobody_can_be_paid_is_refused_among_others_that_can(amount: str, currency: str) -> None:
    sums = [Money(amount=Decimal(1), currency=currency), Money(amount=Decimal(amount), currency=currency)]
    with pytest.raises(RuleViolation) as refused:
        refuse_unpayable(sums)
    assert refused.value.code == "finer_than_paid"
