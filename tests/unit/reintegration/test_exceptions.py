"""Which requests somebody should look at: the limits of each rule, one unit on either side."""

from datetime import date, timedelta
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reintegration.domain.exceptions import ExceptionCode, Looked, exceptions_of
from services.reintegration.routes.exports import HEADINGS

DAY = date(2023, 5, 2)
THRESHOLDS = (Decimal(500), Decimal(1000), Decimal(2000))


def test_each_exception_has_a_column_of_its_own_in_the_spreadsheet() -> None:
    assert tuple(HEADINGS) == get_args(ExceptionCode)
    assert len(set(HEADINGS.values())) == len(HEADINGS)


def looked(amount: str, beside: str = "0", approved: date | None = None, *thresholds: Decimal) -> tuple[str, ...]:
    return exceptions_of(Looked(DAY, approved, Decimal(amount), thresholds or THRESHOLDS, Decimal(beside)))


@pytest.mark.parametrize(("approved", "found"), [(DAY, ("same_day",)), (DAY + timedelta(days=1), ()), (None, ())])
def test_what_was_requested_and_approved_on_one_day_is_looked_at(approved: date | None, found: tuple[str, ...]) -> None:
    assert looked("100", "0", approved) == found


@pytest.mark.parametrize(
    ("amount", "just_below"),
    [("450.00", False), ("450.01", True), ("500.00", True), ("500.01", False), ("900.01", True), ("1800.00", False), ("2000", True)],
)
def test_the_last_tenth_up_to_a_threshold_is_just_below_it(amount: str, just_below: bool) -> None:
    assert ("below_threshold" in looked(amount)) == just_below


@pytest.mark.parametrize(
    ("amount", "beside", "split"),
    [("300", "200", False), ("300", "200.01", True), ("600", "200", False), ("300", "0", False), ("500", "0", False), ("500", "0.01", True)],
)
def test_what_is_above_the_lowest_threshold_only_together_is_split(amount: str, beside: str, split: bool) -> None:
    assert ("split" in looked(amount, beside)) == split


def test_what_was_marked_as_it_was_submitted_is_split_whatever_its_policy_says_of_it_now() -> None:
    assert exceptions_of(Looked(DAY, None, Decimal(100), (), Decimal(0), marked=True)) == ("split",)


@pytest.mark.parametrize(("how_many", "many"), [(0, False), (4, False), (5, True)])
def test_five_requests_for_one_vendor_are_many(how_many: int, many: bool) -> None:
    found = exceptions_of(Looked(DAY, None, Decimal(100), THRESHOLDS, Decimal(0), how_many))
    assert ("one_vendor" in found) == many


@given(st.decimals(0, 10**6, places=2), st.decimals(0, 10**6, places=2))
def test_without_thresholds_nothing_is_below_one_or_split(amount: Decimal, beside: Decimal) -> None:
    assert exceptions_of(Looked(DAY, None, amount, (), beside)) == ()


@pytest.mark.parametrize("code", ["moved_by_hand", "another_payee", "booked_otherwise", "paid_although"])
def test_what_the_bank_did_otherwise_than_ordered_or_although_something_stood_against_it_is_looked_at(code: str) -> None:
    assert exceptions_of(Looked(DAY, None, Decimal(100), (), Decimal(0), moved_by_hand=code == "moved_by_hand", another_payee=code == "another_payee", booked_otherwise=code == "booked_otherwise", paid_although=code == "paid_although")) == (code,)
