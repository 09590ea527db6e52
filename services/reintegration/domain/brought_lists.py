"""What lists that somebody brings have in common: a second person puts each in force, and one waits at a time (decision 75)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.errors import FourEyes, RuleViolation
from shared.messages import Context


@dataclass(frozen=True, slots=True)
class ListFacts:
    """Whether another list of this name waits, and in what a list differs from the one that counts now."""

    another_waits: bool = False
    added: int = 0
    gone: int = 0
    changed: int = 0


class Brought(Protocol):
    """A list as its rules need it: who brought it, since when it counts, and when it was dropped."""

    @property
    def uploaded_by(self) -> str:
        """Whoever brought it."""

    @property
    def counts_since(self) -> datetime | None:
        """None until it counts."""

    @property
    def dropped_at(self) -> datetime | None:
        """None unless it was dropped."""


def list_waits() -> RuleViolation:
    """Refuses a list beside one that waits; the database's key refuses it in the same words."""
    return RuleViolation("list_waits", "Another list waits for a second person. It is confirmed or dropped first.")


def not_by_whoever_brought() -> FourEyes:
    """Refuses to put in force what one brought oneself; the database's CHECK refuses it in the same words."""
    return FourEyes("You brought this list, so somebody else has to confirm it.")


def refuse_beside_another(facts: ListFacts) -> None:
    """Refused as ``list_waits``."""
    if facts.another_waits:
        raise list_waits()


def still_waits(state: Brought, _: ListFacts, __: Context) -> None:
    """A guard: refused as ``nothing_waits`` where the list counts, or was dropped."""
    if state.counts_since is not None or state.dropped_at is not None:
        raise RuleViolation("nothing_waits", "This list was confirmed or dropped. There is nothing to decide on.")


def by_another(state: Brought, _: ListFacts, context: Context) -> None:
    """A guard: refused as ``four_eyes`` to whoever brought the list."""
    if state.uploaded_by == context.actor.person_id:
        raise not_by_whoever_brought()
