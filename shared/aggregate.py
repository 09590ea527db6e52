"""An aggregate wired as data: its core, its table, the facts it is handed and what else it changes."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa

from shared.actors import Actor
from shared.db import UnitOfWork, Write
from shared.decider import Decider
from shared.errors import Refusal
from shared.messages import Command, Context, Event
from shared.policy import Reach
from shared.sealed_rows import Sealed

State = TypeVar("State")
Facts = TypeVar("Facts")

# What the database checks of sealed parts as they are written, and never keeps.
IN_CLEAR: Final = "in_clear"


def _project_nothing(_: UUID, __: object, ___: object, ____: tuple[Event, ...]) -> Sequence[Write]:
    return ()


def _is_its_own_key(id: UUID, _: object) -> UUID:
    return id


def _concerns_everybody(_: object, __: Reach, ___: Actor) -> bool:
    return True


@dataclass(frozen=True)
class Aggregate(Generic[State, Facts]):
    """One aggregate of a service, wired: its core, its table, the facts it is handed and what else it changes.

    ``facts`` reads what the rules need from elsewhere; it runs after the aggregate's own row was locked, in a later
    statement, so that what it reads is not older than the lock. ``within`` says whether a state may be known to an
    actor at all; row security holds the same limit again. ``sealed`` are the parts that the row keeps sealed; of a table
    with a column ``in_clear`` the database checks them there, in clear, and keeps nothing of it.
    ``chosen`` says that callers choose the ids; otherwise they are made out of another's.
    """

    service: str
    name: str
    decider: Decider[State, Facts]
    table: sa.Table
    state: type[State]
    facts: Callable[[UnitOfWork, UUID, State | None, Command | None, Context], Awaitable[Facts]]
    project: Callable[[UUID, State | None, State, tuple[Event, ...]], Sequence[Write]] = _project_nothing
    partition: Callable[[UUID, State], UUID] = _is_its_own_key
    within: Callable[[State, Reach, Actor], bool] = _concerns_everybody
    refusals: Mapping[str, Refusal] | None = None
    sealed: tuple[Sealed, ...] = ()
    chosen: bool = True

    def __post_init__(self) -> None:
        wanted = {"id", "version", *(field.name for field in fields(self.state))}  # type: ignore[arg-type]
        found = set(self.table.columns.keys()) - {IN_CLEAR}
        if wanted != found:
            odd = sorted(wanted ^ found)
            raise TypeError(f"{self.service}.{self.name}: table and state differ in {', '.join(odd)}")


# A service holds aggregates of different states side by side; each call through `handle` is typed by its own.
AnyAggregate = Aggregate[Any, Any]
