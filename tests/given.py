"""Rules in words: given what happened, when somebody orders something, then these facts follow or a refusal."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import pytest

from shared.actors import Actor
from shared.decider import Decider
from shared.errors import Refusal
from shared.messages import Command, Context, Event, SignIn

State = TypeVar("State")
Facts = TypeVar("Facts")

NOON = datetime(2023, 5, 2, 12, 0, tzinfo=UTC)
# As whoever passed the door of an operation with step-up.
SIGNED_IN = SignIn("phishing_resistant", 5)


def staff(name: str, *roles: str, countries: Sequence[str] = (), acr: str = "phr") -> Actor:
    """An invented member of staff."""
    return Actor(
        person_id=f"staff:{name}", roles=frozenset(roles), organisation="iom-bih", countries=frozenset(countries),
        sites=frozenset(), acr=acr, auth_time=NOON,
    )


@dataclass(frozen=True)
class Given(Generic[State, Facts]):
    """A decider with its past and the facts that it would be handed."""

    decider: Decider[State, Facts]
    facts: Facts
    past: tuple[Event, ...] = ()

    def given(self, *events: Event) -> "Given[State, Facts]":
        return replace(self, past=(*self.past, *events))

    def knowing(self, facts: Facts) -> "Given[State, Facts]":
        return replace(self, facts=facts)

    def when(self, command: Command, by: Actor, at: datetime = NOON) -> "When":
        state = folded(self.decider, self.past)
        try:
            events = self.decider.decide(state, command, self.facts, Context(by, at, SIGNED_IN))
        except Refusal as refusal:
            return When((), refusal)
        self.decider.fold(events, state)
        return When(events, None)


@dataclass
class _Told:
    """The state after a fact, and what is known to follow from it."""

    event: Event | None
    state: Any
    then: "dict[int, _Told]"


# Most tests begin with the same facts, and a state never changes. Each decider's own by its identity, as each fact is.
_BEGINNINGS: dict[int, tuple[object, _Told]] = {}


def folded(decider: Decider[State, Facts], past: Sequence[Event]) -> State | None:
    """The state after these facts, folded once for all tests of a session that begin alike."""
    _, told = _BEGINNINGS.setdefault(id(decider), (decider, _Told(None, None, {})))
    for event in past:
        following = told.then.get(id(event))
        if following is None:
            following = told.then[id(event)] = _Told(event, decider.evolve(told.state, event), {})
        told = following
    state: State | None = told.state
    return state


def forget() -> None:
    """Begins a session in which nothing is folded yet: what came before it may have been folded by other code."""
    _BEGINNINGS.clear()


@dataclass(frozen=True)
class When:
    """What came of an order."""

    events: tuple[Event, ...]
    refusal: Refusal | None

    def then(self, *expected: Event) -> None:
        if self.refusal is not None:
            pytest.fail(f"refused as {self.refusal.code}: {self.refusal.sentence}")
        assert self.events == expected

    def then_kinds(self, *expected: type[Event]) -> None:
        if self.refusal is not None:
            pytest.fail(f"refused as {self.refusal.code}: {self.refusal.sentence}")
        assert tuple(type(event) for event in self.events) == expected

    def refused(self, code: str) -> None:
        assert self.refusal is not None, f"expected {code}, but it was accepted: {self.events}"
        assert self.refusal.code == code
        assert reads_well(self.refusal.sentence), self.refusal.sentence


def code_of(refusal: Refusal) -> str:
    """The code of a refusal, whose sentence is one that people can be told."""
    assert reads_well(refusal.sentence), refusal.sentence
    return refusal.code


_SENTENCES = re.compile(r"([A-Z][^.]*\. ?)+(?<! )")
_WORD = re.compile(r"[A-Z]?[^A-Z]*|[A-Z]{1,3}s?")


def reads_well(text: str) -> bool:
    """Whether people can be told this: sentences with a beginning and an end, in which nobody shouts."""
    words = re.split(r"[ /–]|-(?=[A-Z])", text.translate(str.maketrans("", "", "“”().,:;’")))
    return _SENTENCES.fullmatch(text) is not None and all(_WORD.fullmatch(word) for word in words)
