"""What holds for every decider of counselling whatever is ordered, checked along random orders."""

import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

from pydantic import TypeAdapter

from shared.actors import Actor
from shared.contracts.returns import ScreeningStarted
from shared.decider import Decider
from shared.errors import Refusal
from shared.messages import Command, Context, Event
from tests.given import NOON, staff

State = TypeVar("State")
Facts = TypeVar("Facts")

COUNSELLOR = staff("amira", "counsellor")
FOREIGN_FACT = ScreeningStarted()


def run(
    decider: Decider[State, Facts],
    orders: Iterable[tuple[Command, Facts]],
    shape: TypeAdapter[State],
    by: Actor = COUNSELLOR,
    holds: Callable[[State], bool] = lambda _: True,
) -> list[Event]:
    """Give the orders one hour apart; each state is the fold of the facts, survives JSON and `holds`.

    What goes on is the state as a row keeps it, and the fold goes on beside it.
    """
    state: State | None = None
    folded: State | None = None
    facts_so_far: list[Event] = []
    for hours, (order, known) in enumerate(orders):
        try:
            events = decider.decide(state, order, known, Context(by, NOON + timedelta(hours=hours)))
        except Refusal:
            continue
        for event in events:
            assert type(event) in decider.events
            folded = decider.evolve(folded, event)
            assert decider.evolve(state, event) == folded
            assert holds(folded)
            state = stored(shape, folded)
            assert state == folded
        facts_so_far.extend(events)
    assert decider.fold(facts_so_far) == state
    return facts_so_far


def survives_json(shape: TypeAdapter[State], state: State) -> bool:
    return stored(shape, state) == state


def stored(shape: TypeAdapter[State], state: State) -> State:
    """The state as its row keeps it."""
    return shape.validate_python(json.loads(shape.dump_json(state), parse_float=Decimal), strict=False)
