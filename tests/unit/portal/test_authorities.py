"""How an authority stands on a day, as its page says it."""

from datetime import date, timedelta

import pytest

from services.portal.pages.authorities import standing

FIRST, LAST = date(2023, 6, 1), date(2023, 6, 14)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("today", "ended", "expected"),
    [
        (FIRST - DAY, False, "begins_later"), (FIRST, False, "counts_today"), (LAST, False, "counts_today"),
        (LAST + DAY, False, "days_are_over"), (FIRST, True, "ended"), (LAST + DAY, True, "ended"),
    ],
)  # fmt: skip
def test_both_its_days_count_and_an_end_comes_before_them(today: date, ended: bool, expected: str) -> None:
    assert standing({"valid_from": str(FIRST), "valid_until": str(LAST)}, today, ended) == expected
