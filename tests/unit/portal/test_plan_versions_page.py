"""What the page of a plan's versions says: what is new in each, what changed in it, and what is gone."""

from typing import Any

from services.portal.pages.given_plans import as_given, said
from services.portal.pages.plans import SAID, Cell, compared, flat

SHOP, ROOM, CARE = "line-shop", "line-room", "line-care"


def line(id: str, planned: str = "900.00", details: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    return {
        "line_id": id, "person_id": "a-person", "dimension": "economic", "category": "business", "planned": planned,
        "currency": "EUR", "details": details, "outcome": None, **changed,
    }  # fmt: skip


def version(*lines: dict[str, Any]) -> dict[str, Any]:
    return {"lines": list(lines)}


def test_each_version_says_what_is_other_than_in_the_one_before() -> None:
    newest = version(line(SHOP, "1200.00"), line(CARE))
    middle = version(line(SHOP), line(ROOM))
    first = version(line(SHOP), line(ROOM, details={"activity": "employment", "provider": None}))
    rows = compared([newest, middle, first])
    by_change = [[cell and (cell.change, sorted(cell.other)) for cell in row.cells] for row in rows]
    assert by_change == [
        [("changed", ["planned"]), (None, []), (None, [])],
        [("new", []), None, None],
        [("gone", []), ("changed", ["activity"]), (None, [])],
    ]


def test_one_version_alone_is_compared_with_nothing() -> None:
    (row,) = compared([version(line(SHOP))])
    assert row.cells == (Cell(flat(line(SHOP))),)
    assert compared([version()]) == []
    assert compared([]) == []


def test_the_oldest_version_that_is_shown_is_compared_with_the_one_that_is_not() -> None:
    newest, older = version(line(SHOP), line(CARE)), version(line(SHOP, "1200.00"), line(ROOM))
    rows = compared([newest], older)
    assert [[(cell.change, sorted(cell.other)) for cell in row.cells if cell] for row in rows] == [
        [("changed", ["planned"])], [("new", [])], [("gone", [])],
    ]  # fmt: skip


def test_a_line_says_only_what_is_said_of_it() -> None:
    told = flat(line(SHOP, details=dict.fromkeys(SAID[3:]) | {"objectives": "To bake bread."}))
    assert told == {
        "dimension": "economic", "category": "business", "planned": {"amount": "900.00", "currency": "EUR"},
        "objectives": "To bake bread.",
    }  # fmt: skip
    assert "category" not in flat(line(SHOP, category=None, dimension=None))


def test_a_form_begins_with_what_a_line_says_and_with_nothing_that_it_does_not() -> None:
    began = as_given(line(SHOP, details={"activity": "employment", "provider": None}))
    assert began["activity"] == "employment"
    assert "provider" not in began
    assert began["planned"] == {"amount": "900.00", "currency": "EUR"}
    assert said(line(SHOP)).startswith("business, 900.00 EUR · …")
