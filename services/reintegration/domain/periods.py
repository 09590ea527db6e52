"""An accounting period: a month that takes postings until it is closed, and again once two persons reopened it.

Decision 42: a month that nobody closed is open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, Literal

from shared.contracts.periods import (
    Month,
    PeriodClosed,
    PeriodReopened,
    ReopeningAsked,
    ReopeningDropped,
    ReopeningReason,
)
from shared.decider import Decider, Events, changing, either
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Context, Event
from shared.transitions import moved

PeriodStatus = Literal["closed", "reopened"]
BEGINNINGS: Final[frozenset[str]] = frozenset({"closed"})
TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {"closed": frozenset({"reopened"}), "reopened": frozenset({"closed"})}


@dataclass(frozen=True, slots=True)
class Reopening:
    """Why somebody asks that the month takes postings again; it waits for a second person."""

    reason: ReopeningReason
    asked_by: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class AccountingPeriod:
    """A month that was closed at least once; ``reopened_by`` is who confirmed it the last time that it was opened again."""

    month: str
    status: PeriodStatus
    closed_by: str
    closed_at: datetime
    waiting: Reopening | None = None
    asked_by: str | None = None
    reopened_by: str | None = None
    reopened_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PeriodFacts:
    """The mission's day, and whether the month was closed under another id; unknown is refused."""

    today: date = date.min
    taken: bool = True


class ClosePeriod(Command):
    """Close a month that is over: nothing is approved, paid or freed on its days any more."""

    month: Month


class ReopenPeriod(Command):
    """Ask that a closed month takes postings again. Somebody else confirms it."""

    reason: ReopeningReason


class ConfirmReopening(Command):
    """Confirm that the month takes postings again."""


class DropReopening(Command):
    """Take back what you asked, or decline what a colleague asked: the month stays closed."""


def first_day(month: str) -> date:
    """The first day of a month that is written like 2023-05."""
    return date.fromisoformat(f"{month}-01")


def period_closed() -> RuleViolation:
    """Refuses a posting into a closed month; the database's trigger refuses it in the same words."""
    return RuleViolation(
        "period_closed", "The month of this posting is closed. Finance asks to reopen it, and the chief of mission confirms that."
    )


def month_has_a_period() -> RuleViolation:
    """Refuses to close a month under a second id; the database's key refuses it in the same words."""
    return RuleViolation("month_has_a_period", "This month was closed before, under another reference. Close that one.")


def not_by_whoever_asked() -> FourEyes:
    """Refuses to confirm what one asked for oneself; the database's CHECK refuses it in the same words."""
    return FourEyes("You asked to reopen this month, so somebody else has to confirm it.")


def _close(state: AccountingPeriod | None, order: ClosePeriod, facts: PeriodFacts, context: Context) -> Events:
    if state is not None and state.month != order.month:
        raise RuleViolation("another_month", "This reference is of another month.")
    if state is not None and state.status == "closed":
        raise RuleViolation("period_closed_already", "This month is closed already.")
    first = first_day(order.month)
    if (first.year, first.month) >= (facts.today.year, facts.today.month):
        raise RuleViolation("period_not_over", "This month is not over yet. Something may still happen in it.")
    if facts.taken:
        raise month_has_a_period()
    return (PeriodClosed(month=order.month, closed_by=context.actor.person_id, closed_at=context.now),)


def _closed(state: AccountingPeriod, facts: PeriodFacts, context: Context) -> None:
    if state.status != "closed":
        raise RuleViolation("period_open", "This month takes postings.")


def _nothing_waits(state: AccountingPeriod, facts: PeriodFacts, context: Context) -> None:
    if state.waiting is not None:
        raise RuleViolation("reopening_waits", "It is asked already to reopen this month, and waits for its confirmation.")


def _reopening_waits(state: AccountingPeriod, facts: PeriodFacts, context: Context) -> None:
    if state.waiting is None:
        raise RuleViolation("nothing_waits", "Nobody asked to reopen this month.")


def _not_by_whoever_asked(state: AccountingPeriod, facts: PeriodFacts, context: Context) -> None:
    if state.waiting is not None and state.waiting.asked_by == context.actor.person_id:
        raise not_by_whoever_asked()


def _ask(state: AccountingPeriod, order: ReopenPeriod, facts: PeriodFacts, context: Context) -> Events:
    return (ReopeningAsked(reason=order.reason, asked_by=context.actor.person_id, asked_at=context.now),)


def _confirm(state: AccountingPeriod, order: ConfirmReopening, facts: PeriodFacts, context: Context) -> Events:
    assert state.waiting is not None
    return (
        PeriodReopened(
            asked_by=state.waiting.asked_by, confirmed_by=context.actor.person_id, confirmed_at=context.now
        ),
    )


def _drop(state: AccountingPeriod, order: DropReopening, facts: PeriodFacts, context: Context) -> Events:
    return (ReopeningDropped(dropped_by=context.actor.person_id, dropped_at=context.now),)


def evolve(state: AccountingPeriod | None, event: Event) -> AccountingPeriod:
    """The period after its event; TypeError for one that does not fit."""
    match event:
        case PeriodClosed() if state is None:
            return AccountingPeriod(event.month, "closed", event.closed_by, event.closed_at)
        case PeriodClosed() if state is not None:
            return replace(state, status=moved(TRANSITIONS, state.status, "closed"), closed_by=event.closed_by, closed_at=event.closed_at)
        case ReopeningAsked() if state is not None:
            return replace(state, waiting=Reopening(event.reason, event.asked_by, event.asked_at))
        case PeriodReopened() if state is not None:
            return replace(
                state, status=moved(TRANSITIONS, state.status, "reopened"), waiting=None, asked_by=event.asked_by,
                reopened_by=event.confirmed_by, reopened_at=event.confirmed_at,
            )  # fmt: skip
        case ReopeningDropped() if state is not None:
            return replace(state, waiting=None)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit a period here")


PERIOD: Decider[AccountingPeriod, PeriodFacts] = Decider(
    rules=(
        either(ClosePeriod, "Close the month", _close),
        changing(ReopenPeriod, "Ask to reopen", _ask, _closed, _nothing_waits),
        changing(ConfirmReopening, "Confirm the reopening", _confirm, _reopening_waits, _not_by_whoever_asked),
        changing(DropReopening, "Leave it closed", _drop, _reopening_waits),
    ),
    evolve=evolve, events=(PeriodClosed, ReopeningAsked, PeriodReopened, ReopeningDropped),
)  # fmt: skip
