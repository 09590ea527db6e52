"""The annual report's figures: shares, order and bars, and which years there can be a report of."""

import pytest

from services.portal.bars import WHOLE
from services.portal.pages.report import Counted, Figures, grant_categories, year_of


def figures(*counted: tuple[str, int, int | None]) -> Figures:
    return Figures(
        {
            "time_zone": "Europe/Sarajevo",
            "figures": [{"key": key, "unit": "persons", "value": value, "of": of} for key, value, of in counted],
        }
    )


@pytest.mark.parametrize(
    ("value", "of", "percent"), [(16, 96, "17"), (0, 96, "0"), (96, 96, "100"), (0, 0, None), (5, None, None)]
)
def test_a_share_is_in_whole_percent_and_there_is_none_of_nothing(value: int, of: int | None, percent: str | None) -> None:
    assert Counted(value, "persons", of).percent == percent


def test_what_a_service_says_nothing_of_is_nothing() -> None:
    assert figures().of("returns") == Counted(0, "", None)
    assert figures(("returns", 0, None)).nothing and not figures(("returns", 1, None)).nothing


def test_categories_of_grants_are_shown_where_something_of_them_is_told() -> None:
    assert grant_categories(figures(("grants", 9, None), ("grants_rejected", 2, 9), ("grants_housing", 6, 9), ("grants_business", 0, 9))) == (
        "business", "housing",
    )  # fmt: skip
    assert grant_categories(figures(("grants", 4, None))) == ()


def test_countries_stand_from_the_most_to_the_fewest_and_then_by_name() -> None:
    found = figures(("returns_MA", 9, 96), ("returns_TR", 18, 96), ("returns_DZ", 9, 96), ("returns", 96, 96))
    lines = found.compared("returns_", found.codes("returns_"))
    assert [(line.key, line.name, line.counted.value) for line in lines] == [
        ("returns_TR", "Türkiye", 18), ("returns_DZ", "Algeria", 9), ("returns_MA", "Morocco", 9),
    ]  # fmt: skip
    assert [line.bar.length for line in lines] == [WHOLE, WHOLE // 2, WHOLE // 2]


def test_the_bars_of_all_sites_and_both_kinds_have_one_measure() -> None:
    found = figures(("sessions_at_trc_lipa", 5, 5), ("group_sessions_at_trc_lipa", 10, 12), ("group_sessions_at_remote", 2, 12))
    remote, lipa = sorted(found.by_site(), key=lambda one: one.group.value)
    assert (lipa.site, lipa.individual_bar.length, lipa.group_bar.length) == ("Lipa", WHOLE // 2, WHOLE)
    assert (remote.individual.value, remote.individual_bar.length, remote.group_bar.length) == (0, 0, WHOLE // 5)


@pytest.mark.parametrize(
    ("stated", "year"),
    [("2023", 2023), (" 2023 ", 2023), ("٢٠٢٣", 2023), ("2026", 2026), ("2027", None), ("1999", None), ("23", None),
     ("last", None), ("²⁰²³", None), ("-202", None), ("", None)],
)  # fmt: skip
def test_a_report_is_asked_for_by_a_year_that_has_begun(stated: str, year: int | None) -> None:
    assert year_of(stated, 2026) == year
