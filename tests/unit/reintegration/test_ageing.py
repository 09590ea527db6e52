"""Ages of what is open: each number of days is of exactly one, and they begin where finance expects them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reintegration.domain.ageing import AGES, BEGINS, Age, age_of


@pytest.mark.parametrize(
    ("days", "age"),
    [(0, "0-30"), (30, "0-30"), (31, "31-60"), (60, "31-60"), (61, "61-90"), (90, "61-90"), (91, "over-90"), (4000, "over-90")],
)
def test_an_age_ends_where_the_next_begins(days: int, age: Age) -> None:
    assert age_of(days) == age


@given(st.integers(min_value=0, max_value=100_000))
def test_each_day_is_of_exactly_one_age(days: int) -> None:
    until = (*BEGINS[1:], None)
    of = [age for age, first, after in zip(AGES, BEGINS, until, strict=True) if first <= days and (after is None or days < after)]
    assert of == [age_of(days)]


@given(st.integers(max_value=0))
def test_what_is_dated_ahead_has_waited_for_no_day(days: int) -> None:
    assert age_of(days) == "0-30"


@given(st.integers(min_value=0, max_value=100_000), st.integers(min_value=0, max_value=1000))
def test_nothing_grows_younger(days: int, more: int) -> None:
    assert AGES.index(age_of(days)) <= AGES.index(age_of(days + more))
