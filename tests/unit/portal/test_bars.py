"""Bars say what the figures say: their parts fill the whole and never more, and of nothing there is nothing to see."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal.bars import WHOLE, Part, beside_each_other, parts_of
from services.portal.pages.funds import shown, standing

AMOUNTS = st.lists(st.decimals(min_value=0, max_value=10**15, places=4), min_size=1, max_size=6)


@given(AMOUNTS)
def test_the_parts_of_a_bar_fill_it_one_after_the_other(amounts: list[Decimal]) -> None:
    parts = parts_of(amounts)
    whole = WHOLE if any(amounts) else 0
    assert sum(part.length for part in parts) == whole
    assert all(part.length >= 0 and part.begins + part.length <= whole for part in parts)
    assert [part.begins for part in parts[1:] if whole] == [part.begins + part.length for part in parts[:-1] if whole]


@given(AMOUNTS)
def test_a_part_is_as_long_as_its_share_but_for_what_rounding_takes(amounts: list[Decimal]) -> None:
    for part, amount in zip(parts_of(amounts), amounts, strict=True):
        assert not any(amounts) or abs(part.length - amount * WHOLE / sum(amounts)) <= 1


def test_of_nothing_granted_no_part_has_a_length() -> None:
    assert parts_of([Decimal(0), Decimal(0), Decimal(0)]) == (Part(0, 0),) * 3


@given(st.lists(st.integers(min_value=0, max_value=10**9), max_size=30))
def test_the_largest_of_several_bars_fills_its_place_and_only_nothing_is_not_seen(values: list[int]) -> None:
    bars = beside_each_other(values)
    assert len(bars) == len(values)
    assert all((bar.length > 0) == (value > 0) and bar.length <= WHOLE for bar, value in zip(bars, values, strict=True))
    assert not any(values) or max(bar.length for bar in bars) == WHOLE


def test_lengths_are_written_as_svg_takes_them() -> None:
    part = parts_of([Decimal(1), Decimal(7)])[1]
    assert (part.at, part.width) == ("12.5%", "87.5%")
    assert beside_each_other([2, 1])[1].width == "50%"


FUND = {
    "granted": "1000.00", "spent": "200.00", "committed": "300.00", "available": "500.00", "currency": "EUR",
    "valid_from": "2023-01-01", "valid_until": "2023-12-31", "status": "open",
}  # fmt: skip


@pytest.mark.parametrize(
    ("day", "available", "stands"),
    [
        (date(2022, 12, 31), "500.00", "not_yet_valid"), (date(2023, 1, 1), "500.00", "open"),
        (date(2023, 12, 31), "0.01", "open"), (date(2023, 6, 1), "0.00", "spent_out"), (date(2024, 1, 1), "0.00", "expired"),
    ],
)  # fmt: skip
def test_a_fund_stands_by_its_days_and_by_what_it_holds(day: date, available: str, stands: str) -> None:
    assert standing({**FUND, "available": available}, day) == stands


def test_a_fund_that_nobody_confirmed_or_that_is_closed_stands_so_on_every_day() -> None:
    for status, stands in (("asked", "waits"), ("dropped", "dropped"), ("closed", "closed")):
        for day in (date(2022, 12, 31), date(2023, 6, 1), date(2024, 1, 1)):
            assert standing({**FUND, "status": status}, day) == stands


def test_a_fund_is_shown_as_spent_then_committed_then_left_of_what_was_granted() -> None:
    found = shown(FUND, date(2023, 6, 1))
    assert (found.spent, found.committed, found.left) == (Part(0, 200), Part(200, 300), Part(500, 500))
    # Of one that is closed nothing is available, and not all of it was spent for that.
    closed = shown({**FUND, "status": "closed", "committed": "0.00", "available": "0.00"}, date(2023, 6, 1))
    assert (closed.spent, closed.committed, closed.left) == (Part(0, 200), Part(200, 0), Part(200, 800))
