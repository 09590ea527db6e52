"""A service put together as data, so that its API, its worker, `verify` and the tests are made from one thing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from shared.aggregate import AnyAggregate
from shared.db import UnitOfWork
from shared.decider import NoFacts
from shared.errors import Refusal
from shared.messages import Command, Context, Event
from shared.policy import Policy
from shared.reacting import Reaction
from shared.topology import Service
from shared.verify import Check


@dataclass(frozen=True)
class Wiring:
    """Everything about one service that its shell needs to know."""

    service: Service
    aggregates: tuple[AnyAggregate, ...]
    policy: Policy
    heard: Sequence[type[Event]]
    reactions: Mapping[type[Event], Reaction]
    refusals: Mapping[str, Refusal]
    checks: tuple[Check, ...]

    @cached_property
    def by_name(self) -> dict[str, AnyAggregate]:
        """The aggregates by the name that event types carry."""
        return {aggregate.name: aggregate for aggregate in self.aggregates}


async def no_facts(_: UnitOfWork, __: UUID, ___: object, ____: Command | None, _____: Context) -> NoFacts:
    """For an aggregate that decides from its own state alone."""
    return NoFacts()
