"""How cases stand is told by what no hold shows in, and of no few."""

from datetime import date
from typing import get_args

from hypothesis import given as examples
from hypothesis import strategies as st

from services.returns.domain.case_state import BEFORE_DEPARTURE, TERMINAL, Status
from services.returns.queries.standing import STANDS_IN_WORDS, standing
from shared.statistics import FEWEST, Period

YEAR = Period(date(2023, 1, 1), date(2023, 12, 31), "Europe/Sarajevo")
STRETCHES: list[Status] = [status for status in get_args(Status) if status != "on_hold"]


@examples(st.dictionaries(st.sampled_from(STRETCHES), st.integers(1, 9)))
def test_nothing_that_is_told_and_nothing_that_is_left_is_of_fewer_than_five_cases(cases: dict[Status, int]) -> None:
    begun = sum(cases.values())
    told = {figure.key: figure.value for figure in standing(cases, begun, YEAR)}
    left = begun - sum(told.values())
    assert all(value >= FEWEST for value in told.values())
    assert left == 0 or left >= FEWEST or told == {}
    assert "cases_on_hold" not in told


def test_each_stretch_counts_where_it_belongs() -> None:
    for status in STRETCHES:
        (figure,) = standing({status: FEWEST}, FEWEST, YEAR)
        expected = status if status in TERMINAL else "under_way" if status in BEFORE_DEPARTURE else "left"
        assert (figure.key, figure.value, figure.of) == (f"cases_{expected}", FEWEST, FEWEST)
        assert expected in STANDS_IN_WORDS
