"""A service put together as data, so that its API, its worker, `verify` and the tests are made from one thing."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from shared.access import Access
from shared.aggregate import Aggregate, AnyAggregate
from shared.db import Database, UnitOfWork
from shared.decider import NoFacts, already_exists
from shared.errors import Refusal
from shared.held import Holdings, Teller
from shared.messages import Command, Context, Event
from shared.metrics import Metrics
from shared.policy import Policy
from shared.reacting import Concerning, Reaction
from shared.restores import Restore, restore_of
from shared.sampling import Measure
from shared.settings import Settings
from shared.timers import Timer
from shared.topology import Service
from shared.verify import Check
from shared.worker import Beside, Following


@dataclass(frozen=True)
class Wiring:
    """Everything about one service that its shell needs to know.

    ``refusals`` answers what the database holds under concurrency, by the constraint's name. That an id is taken, by
    a row that row security hides from the caller or by another kind of thing, is among them for every aggregate.
    ``begins`` is one part of what a process of this version has to do to rows of a former one; it says how much it found.
    ``following`` takes the place of reactions where a service does something else with what it follows, ``beside``
    is what it does all the time besides, by its worker's login; ``measures`` are its own figures for whoever runs it.
    ``concerning`` finds what an `OrderAbout` is for.
    """

    service: Service
    aggregates: tuple[AnyAggregate, ...]
    policy: Policy
    heard: Sequence[type[Event]]
    reactions: Mapping[type[Event], Reaction]
    refusals: Mapping[str, Refusal]
    checks: tuple[Check, ...]
    access: Aggregate[Access, NoFacts]
    holdings: Holdings
    timers: tuple[Timer, ...] = ()
    begins: Callable[[UnitOfWork], Awaitable[int]] | None = None
    following: Following | None = None
    beside: Callable[[Settings, Database, Metrics], Beside] | None = None
    measures: tuple[Measure, ...] = ()
    concerning: Concerning = field(default_factory=dict)

    def __post_init__(self) -> None:
        keys = [str(aggregate.table.primary_key.name) for aggregate in self.aggregates]
        taken = dict.fromkeys((*keys, "uq_event_log_subject_aggver"), already_exists())
        object.__setattr__(self, "refusals", {**taken, **self.refusals})

    @cached_property
    def teller(self) -> Teller:
        """What tells a person everything that this service holds about them."""
        return Teller(self.service.name, self.access.table.metadata, self.aggregates, self.holdings)

    @cached_property
    def by_name(self) -> dict[str, AnyAggregate]:
        """The aggregates by the name that event types carry, accesses and restores among them."""
        return {aggregate.name: aggregate for aggregate in (*self.aggregates, self.access, self.restore)}

    @cached_property
    def restore(self) -> Aggregate[Restore, NoFacts]:
        """The times that its database was set back, which are alike in every service."""
        return restore_of(self.service.name, self.access.table.metadata.tables["restores"])


async def no_facts(_: UnitOfWork, __: UUID, ___: object, ____: Command | None, _____: Context) -> NoFacts:
    """For an aggregate that decides from its own state alone."""
    return NoFacts()
