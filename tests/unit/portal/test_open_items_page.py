"""The page of open items knows each kind and age of its service, adds up what it shows, and links to the list behind it."""

from typing import get_args

from services.portal.pages.open_items import AGES, KINDS, Number, rows_of
from services.portal.wording import WORDS
from services.reintegration.domain import ageing


def test_each_kind_and_age_has_its_place_and_its_words() -> None:
    assert (get_args(ageing.OpenKind), ageing.AGES) == (KINDS, AGES)
    assert [*(f"open_{kind}" for kind in KINDS), *(f"age_{age}" for age in AGES)] == [
        code for code in WORDS if code.startswith(("open_", "age_")) and code.partition("_")[2] in (*KINDS, *AGES)
    ]


def test_a_row_is_a_kind_in_one_currency_with_a_number_for_each_age_and_one_for_all() -> None:
    def group(kind: str, currency: str, age: str, items: int, total: str) -> dict[str, object]:
        return {"kind": kind, "currency": currency, "age": age, "items": items, "total": total, "without_amount": 0}

    recovery, first, second = rows_of(
        [
            group("open_recovery", "EUR", "0-30", 1, "3.00"), group("not_delivered", "TND", "over-90", 1, "0.125"),
            group("not_delivered", "EUR", "0-30", 2, "0.10"), group("not_delivered", "EUR", "61-90", 1, "0.20"),
        ]
    )[::-1]  # fmt: skip
    assert [(one.kind, one.currency) for one in (second, first, recovery)] == [
        ("not_delivered", "EUR"), ("not_delivered", "TND"), ("open_recovery", "EUR"),
    ]  # fmt: skip
    path = "/open-items/not_delivered"
    assert second.ages == (
        Number(2, "0.10", f"{path}?age=0-30&currency=EUR"), None, Number(1, "0.20", f"{path}?age=61-90&currency=EUR"), None,
    )  # fmt: skip
    assert second.whole == Number(3, "0.30", f"{path}?currency=EUR")
