"""Which change of a contract is an addition, and what is said of one that is none."""

from copy import deepcopy
from typing import Any, Literal

import pytest

from ops.contracts.compatibility import not_additions
from shared.messages import Concealed, Event, Part
from shared.money import Money


class Inner(Part):
    code: Literal["a", "b"]
    count: int = 0


class Happened(Event, kind="avrr.invented.thing.happened.v1"):
    """An invented event."""

    name: str
    reason: Literal["late", "early"]
    hidden: Concealed
    money: Money
    parts: tuple[Inner, ...]
    maybe: Literal["x", "y"] | None = None


KIND = Happened.kind


def schema(event: type[Event] = Happened) -> dict[str, Any]:
    return deepcopy(event.model_json_schema(mode="validation"))


def changes(now: type[Event]) -> list[str]:
    return [sentence.removeprefix(f"{KIND}: ") for sentence in not_additions({KIND: schema()}, {KIND: schema(now)})]


def test_nothing_changed_is_no_change() -> None:
    assert changes(Happened) == []


def test_an_event_a_field_with_a_default_and_a_value_may_be_added() -> None:
    class Now(Happened, kind=KIND):
        reason: Literal["late", "early", "never"]  # type: ignore[assignment]
        maybe: Literal["x", "y", "z"] | None = None  # type: ignore[assignment]
        more: int | None = None

    assert changes(Now) == []
    assert not_additions({}, {KIND: schema()}) == []


def test_an_event_that_is_gone_is_named() -> None:
    assert not_additions({KIND: schema()}, {"avrr.invented.thing.came_about.v1": schema()}) == [f"{KIND} is gone: removed, or renamed."]


def test_a_field_that_is_gone_or_has_another_name_is_named() -> None:
    class Now(Event, kind=KIND):
        called: str
        reason: Literal["late", "early"]
        hidden: Concealed
        money: Money
        parts: tuple[Inner, ...]

    assert changes(Now) == [
        "name is gone: removed, or renamed.", "maybe is gone: removed, or renamed.",
        "called is new and has to be there, and older events have none: give it a default.",
    ]  # fmt: skip


class Fewer(Happened, kind=KIND):
    reason: Literal["late"]


class Numbered(Happened, kind=KIND):
    name: int  # type: ignore[assignment]


class Free(Happened, kind=KIND):
    reason: str  # type: ignore[assignment]


class Listed(Happened, kind=KIND):
    name: Literal["Anna"]


class Needed(Happened, kind=KIND):
    maybe: Literal["x", "y"] | None


class Missing(Happened, kind=KIND):
    name: str = ""


class Nothing(Happened, kind=KIND):
    name: str | None  # type: ignore[assignment]


class Clear(Happened, kind=KIND):
    hidden: str  # type: ignore[assignment]


class One(Happened, kind=KIND):
    parts: Inner  # type: ignore[assignment]


class Other(Part):
    code: Literal["a"]
    count: int


class Deeper(Happened, kind=KIND):
    parts: tuple[Other, ...]  # type: ignore[assignment]


class FewerOrNone(Happened, kind=KIND):
    maybe: Literal["x"] | None = None


class NeverNone(Happened, kind=KIND):
    maybe: Literal["x", "y"] = "x"


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (Fewer, ["reason can't be early any more, and older events say so."]),
        (Numbered, ["name can be no string any more.", "name can be integer now, which whoever reads it does not expect."]),
        (Free, ["reason can be anything now, and not one of a list."]),
        (Listed, ["name is one of a list now, and older events say other things."]),
        (Needed, ["maybe has to be there now, and older events have none."]),
        (Missing, ["name may be missing now, and whoever reads it relies on it."]),
        (Nothing, ["name can be null now, which whoever reads it does not expect."]),
        (Clear, ["hidden is written otherwise: its pattern was ^[A-Za-z0-9_-]{43}$ and is None."]),
        (One, ["parts can be no array any more.", "parts can be object now, which whoever reads it does not expect."]),
        (Deeper, ["parts[].code can't be b any more, and older events say so.", "parts[].count has to be there now, and older events have none."]),
        (FewerOrNone, ["maybe can't be y any more, and older events say so."]),
        (NeverNone, ["maybe can be no null any more."]),
    ],
    ids=lambda given: given.__name__ if isinstance(given, type) else "",
)
def test_a_change_that_is_no_addition_is_said_in_a_sentence(now: type[Event], said: list[str]) -> None:
    assert changes(now) == said


@pytest.mark.parametrize(
    ("bound", "narrower", "wider"),
    [("minimum", 2, 0), ("maximum", 8, 10), ("minItems", 2, 0), ("maxItems", 8, 10)],
)
def test_a_bound_may_be_loosened_and_not_drawn_closer(bound: str, narrower: int, wider: int) -> None:
    def bounded(value: int | None) -> dict[str, Any]:
        return {KIND: {"type": "object", "properties": {"count": {"type": "integer", **({} if value is None else {bound: value})}}}}

    before = 1 if bound.startswith("min") else 9
    assert not_additions(bounded(before), bounded(wider)) == not_additions(bounded(before), bounded(None)) == []
    for was in (before, None):
        assert not_additions(bounded(was), bounded(narrower)) == [f"{KIND}: count is narrower: its {bound} was {was} and is {narrower}."]
