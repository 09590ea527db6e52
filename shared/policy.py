"""Who may do what: one table of role × operation × scope per service; what is not in it is refused."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from shared.actors import Actor, Role
from shared.errors import NotPermitted

Reach = Literal["all", "own_countries"]


@dataclass(frozen=True, slots=True)
class Grant:
    """One row: this role may do this operation, everywhere or on what belongs to its own countries."""

    operation: str
    role: Role
    reach: Reach = "all"


def allow(operation: str, *roles: Role, reach: Reach = "all") -> tuple[Grant, ...]:
    """The rows that give one operation to some roles."""
    return tuple(Grant(operation, role, reach) for role in roles)


class Policy:
    """A service's table, default deny."""

    def __init__(self, *rows: Iterable[Grant]) -> None:
        self.rows: tuple[Grant, ...] = tuple(row for group in rows for row in group)
        self._reach: dict[tuple[str, str], Reach] = {(row.operation, row.role.value): row.reach for row in self.rows}
        if len(self._reach) != len(self.rows):
            raise ValueError("a policy names the same role and operation twice")
        self.operations: frozenset[str] = frozenset(row.operation for row in self.rows)

    def countries(self, actor: Actor, operation: str) -> frozenset[str] | None:
        """The countries an actor may do this in (None: all); raises `NotPermitted`."""
        reaches = {self._reach.get((operation, role)) for role in actor.roles}
        if "all" in reaches:
            return None
        if "own_countries" in reaches:
            return actor.countries
        raise NotPermitted
