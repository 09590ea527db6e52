"""Child or adult when only the year of birth is known."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from services.counselling.domain.age import age_group


def test_a_person_is_a_child_until_the_last_possible_day_and_an_adult_on_the_next() -> None:
    assert age_group(2005, date(2023, 1, 1)) == "child"
    assert age_group(2005, date(2023, 12, 31)) == "child"
    assert age_group(2005, date(2024, 1, 1)) == "adult"


@given(st.integers(1900, 2090), st.integers(1, 365), st.dates(date(1950, 1, 1), date(2110, 12, 31)))
def test_nobody_who_may_be_under_18_counts_as_an_adult(birth_year: int, day: int, on: date) -> None:
    birthday = date.fromordinal(date(birth_year, 1, 1).toordinal() + day - 1)
    may_be_under_18 = (on.year, on.month, on.day) < (birth_year + 18, birthday.month, birthday.day)
    assert not (may_be_under_18 and age_group(birth_year, on) == "adult")
