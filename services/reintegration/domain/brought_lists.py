"""What lists that somebody brings have in common: a second person puts each in force, and one waits at a time (decision 75)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from shared.contracts.payees import StaffAccountsConfirmed, StaffAccountsDropped
from shared.contracts.sanctions import SanctionsListConfirmed, SanctionsListDropped
from shared.errors import FourEyes, RuleViolation
from shared.messages import Context


@dataclass(frozen=True, slots=True)
class ListFacts:
    """Whether another list of this name waits, and in what a list differs from the one that counts now."""

    another_waits: bool = False
    added: int = 0
    gone: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A list that somebody brought: who and when, since when it counts by whose word, or who dropped it.

    One that is not ``proposed`` was brought before a second person was asked, and counted at once.
    """

    uploaded_by: str
    uploaded_at: datetime
    proposed: bool = False
    counts_since: datetime | None = None
    confirmed_by: str | None = None
    dropped_by: str | None = None
    dropped_at: datetime | None = None


_List = TypeVar("_List", bound=Brought)


def after_decision(
    state: _List, event: StaffAccountsConfirmed | SanctionsListConfirmed | StaffAccountsDropped | SanctionsListDropped
) -> _List:
    """The list once somebody put it in force, or dropped it."""
    if isinstance(event, StaffAccountsConfirmed | SanctionsListConfirmed):
        return replace(state, counts_since=event.confirmed_at, confirmed_by=event.confirmed_by)
    return replace(state, dropped_by=event.dropped_by, dropped_at=event.dropped_at)


def counts_at_once(uploaded_at: datetime, *, proposed: bool) -> datetime | None:
    """Since when a list counts as it is brought: None where a second person is asked."""
    return None if proposed else uploaded_at


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
