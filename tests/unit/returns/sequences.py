"""What holds for both deciders of returns whatever is ordered, checked along random orders."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from pydantic import TypeAdapter

from shared.actors import Actor
from shared.decider import Decider
from shared.errors import Refusal
from shared.messages import Command, Context, Event

State = TypeVar("State")
Facts = TypeVar("Facts")


def run(
    decider: Decider[State, Facts],
    orders: Iterable[tuple[Command, Facts, Actor, datetime]],
    shape: TypeAdapter[State],
    holds: Callable[[State | None, State, Facts, datetime], None] | None = None,
    past: Iterable[Event] = (),
) -> list[Event]:
    """Give the orders; after each the state is the fold of all facts, survives JSON, and ``holds`` asserts the rest.

    What goes on is the state as a row keeps it, and the fold goes on beside it.
    """
    told = list(past)
    state = folded = decider.fold(told)
    for order, facts, by, at in orders:
        try:
            events = decider.decide(state, order, facts, Context(by, at))
        except Refusal:
            continue
        before = state
        told.extend(events)
        for event in events:
            assert type(event) in decider.events
            state = decider.evolve(state, event)
        folded = decider.fold(events, folded)
        assert folded == state
        if state is not None:
            stored = json.loads(shape.dump_json(state), parse_float=Decimal)
            state = shape.validate_python(stored, strict=False)
            assert state == folded
            if holds is not None:
                holds(before, state, facts, at)
    assert decider.fold(told) == state
    return told
