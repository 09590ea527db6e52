"""Amounts are counted in the smallest unit of their currency, and rounded to it as a bank does."""

from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from shared.currencies import CODES, is_currency, minor_units
from shared.errors import RuleViolation
from shared.money import Money, refuse_unpayable, rounded

ROOMY = Context(prec=60)


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
        ("0.0005", "TND", "0.001"), ("0.005", "EUR", "0.01"), ("0.0049", "EUR", "0.00"), ("3", "EUR", "3.00"), ("2.675", "EUR", "2.68"),
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


@pytest.mark.parametrize(("amount", "currency"), [("1250.00", "XOF"), ("1250", "XOF"), ("0.001", "TND"), ("0.0100", "EUR")])
def test_an_amount_that_can_be_paid_is_taken_however_many_noughts_it_ends_in(amount: str, currency: str) -> None:
    refuse_unpayable([Money(amount=Decimal(amount), currency=currency)])


@pytest.mark.parametrize(("amount", "currency"), [("0.5", "XOF"), ("0.0001", "TND"), ("0.001", "EUR")])
def test_an_amount_that_nobody_can_be_paid_is_refused_among_others_that_can(amount: str, currency: str) -> None:
    sums = [Money(amount=Decimal(1), currency=currency), Money(amount=Decimal(amount), currency=currency)]
    with pytest.raises(RuleViolation) as refused:
        refuse_unpayable(sums)
    assert refused.value.code == "finer_than_paid"
