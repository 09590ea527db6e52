"""Who may do what: one table of role × operation × reach per service; what is not in it is refused."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from shared.actors import PROGRAMS, Actor, Role
from shared.contracts.counselling import Site
from shared.countries import ALPHA_2
from shared.db import Scope
from shared.errors import NotPermitted

Extent = Literal["all", "own_countries", "own_sites"]

ALL_SITES = frozenset(get_args(Site))


@dataclass(frozen=True, slots=True)
class Reach:
    """How far an operation goes for an actor: in these countries and sites only; None is no limit."""

    countries: frozenset[str] | None = None
    sites: frozenset[str] | None = None

    def covers(self, country: str) -> bool:
        """Whether what belongs to this country is within reach."""
        return self.countries is None or country in self.countries

    def scope(self, actor: Actor, *, log: bool = False) -> Scope:
        """The same for row security, which knows no wildcard: no limit is the list of all there are."""
        return Scope(
            actor.person_id,
            ALPHA_2 if self.countries is None else self.countries,
            ALL_SITES if self.sites is None else self.sites,
            log,
        )


EVERYWHERE = Reach()


@dataclass(frozen=True, slots=True)
class Grant:
    """One row: this role may do this operation, everywhere or on what belongs to its own countries or sites.

    ``unless`` are roles beside which the row gives nothing: else its wider reach would lift what limits them.
    """

    operation: str
    role: Role
    extent: Extent = "all"
    unless: frozenset[Role] = frozenset()


def allow(operation: str, *roles: Role, extent: Extent = "all", unless: Collection[Role] = ()) -> tuple[Grant, ...]:
    """The rows that give one operation to some roles."""
    return tuple(Grant(operation, role, extent, frozenset(unless)) for role in roles)


class Policy:
    """A service's table, default deny.

    ``step_up`` names the operations that need a strong and fresh sign-in, ``on_record`` the reads that are events
    themselves (personal data, exports), ``searches`` and ``exports`` those that nobody may ask for often.
    """

    def __init__(
        self,
        *rows: Iterable[Grant],
        step_up: Collection[str] = (),
        on_record: Collection[str] = (),
        searches: Collection[str] = (),
        exports: Collection[str] = (),
    ) -> None:
        self.rows: tuple[Grant, ...] = tuple(row for group in rows for row in group)
        self._rows = {(row.operation, row.role.value): row for row in self.rows}
        if len(self._rows) != len(self.rows):
            raise ValueError("a policy names the same role and operation twice")
        # Two limits of different kinds have no common measure by which one of them would be the wider.
        limits = {(row.operation, row.extent) for row in self.rows}
        if any((operation, "own_sites") in limits for operation, extent in limits if extent == "own_countries"):
            raise ValueError("a policy limits one operation by country and by site")
        self.operations: frozenset[str] = frozenset(row.operation for row in self.rows)
        self.step_up: frozenset[str] = frozenset(step_up)
        self.on_record: frozenset[str] = frozenset(on_record)
        self.searches: frozenset[str] = frozenset(searches)
        self.exports: frozenset[str] = frozenset(exports)
        if not self.step_up | self.on_record | self.searches | self.exports <= self.operations:
            raise ValueError("a policy marks an operation that nobody may do")

    def asks_for_step_up(self, actor: Actor, operation: str) -> bool:
        """Whether this needs a strong and fresh sign-in of the actor.

        A program has no sign-in that could be stronger: a row that names its own role is the whole decision.
        """
        return operation in self.step_up and not actor.roles <= PROGRAMS

    def reach(self, actor: Actor, operation: str) -> Reach:
        """How far an actor may do this; raises `NotPermitted`. The widest of several roles holds."""
        found = (self._rows.get((operation, role)) for role in actor.roles)
        extents = {row.extent for row in found if row is not None and row.unless.isdisjoint(actor.roles)}
        if not extents:
            raise NotPermitted
        return Reach(
            countries=actor.countries if extents == {"own_countries"} else None,
            sites=actor.sites if extents == {"own_sites"} else None,
        )
