"""Why a case may be held, who may place such a hold, who may lift it, and who is told what it is about."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from shared.actors import Actor, Role
from shared.contracts.returns import HoldReason

# An interrupted journey holds the case as well. What happened is no secret, so its event says it by its name.
HeldFor = Literal[HoldReason, "transit"]

# Whoever of staff sees that something is wrong stops the journey, for whatever reason.
PLACED_BY: Final[frozenset[Role]] = frozenset({Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION, Role.OPERATIONS})
LIFTED_BY: Final[Mapping[HeldFor, frozenset[Role]]] = {
    "protection": frozenset({Role.PROTECTION}),
    "medical": frozenset({Role.PROTECTION, Role.OPERATIONS}),
    "document": frozenset({Role.COORDINATOR}),
    "legal": frozenset({Role.COORDINATOR}),
    "security": frozenset({Role.COORDINATOR}),
    "transit": frozenset({Role.PROTECTION, Role.OPERATIONS}),
}
LIFTING: Final[frozenset[Role]] = frozenset().union(*LIFTED_BY.values())


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold of a case. Why it was placed is known while it stands, and not of a case whose persons are erased.

    ``person_ids`` are those who were stopped on the way, where it is for that.
    """

    hold_id: UUID
    placed_at: datetime
    placed_by: str | None
    reason: HeldFor | None
    lifted_at: datetime | None = None
    person_ids: tuple[UUID, ...] = ()

    @property
    def stands(self) -> bool:
        """Whether nobody has lifted it yet."""
        return self.lifted_at is None

    def lifted(self, at: datetime) -> "Hold":
        """The same hold as it is kept afterwards, without its reason."""
        return replace(self, reason=None, lifted_at=at)


def held_for(reason: str | None) -> HeldFor | None:
    """A reason as it was disclosed; None if it is gone. ValueError if it is none."""
    if reason is None:
        return None
    for known in LIFTED_BY:
        if known == reason:
            return known
    raise ValueError("no reason for a hold")


def may_lift(hold: Hold, roles: Collection[str]) -> bool:
    """Whether somebody with these roles lifts this hold; one whose reason is gone is for protection."""
    return not LIFTED_BY[hold.reason or "protection"].isdisjoint(roles)


def told_to(holds: Iterable[Hold], reader: Actor) -> tuple[Hold, ...]:
    """The holds as a member of staff is told of them.

    Why, and by whom, is told to whoever may lift the hold, to protection, and to whoever placed it. To all others the
    case is on hold, and nothing more: who placed it would tell them what it is about.
    """
    return tuple(hold if _is_told(hold, reader) else replace(hold, reason=None, placed_by=None) for hold in holds)


def _is_told(hold: Hold, reader: Actor) -> bool:
    return (
        hold.reason == "transit"
        or Role.PROTECTION in reader.roles
        or hold.placed_by == reader.person_id
        or may_lift(hold, reader.roles)
    )
