"""Which figures are told beside the whole that they are parts of."""

from hypothesis import given
from hypothesis import strategies as st

from shared.statistics import FEWEST, not_too_small


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3 * FEWEST)))
def test_no_part_that_is_too_small_is_told_or_left_to_be_reckoned(counted: dict[str, int]) -> None:
    told = not_too_small(counted)
    assert all(counted[name] == count >= FEWEST for name, count in told.items())
    left = [count for name, count in counted.items() if name not in told]
    assert sum(left) == 0 or sum(left) >= FEWEST or told == {}


def test_what_is_large_enough_is_told_and_the_next_smallest_hides_what_is_not() -> None:
    assert not_too_small({"a": 5, "b": 9}) == {"a": 5, "b": 9}
    assert not_too_small({"a": 2, "b": 9, "c": 7, "d": 0}) == {"b": 9}
