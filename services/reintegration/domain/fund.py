"""A fund: one donor's money for one project, in one currency, for what the donor pays for, from a day to a day.

Decision 42: what one person asks for a fund holds once another one confirmed it.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from services.reintegration.domain.amounts import NOTHING, PositiveMoney
from services.reintegration.domain.plan_lines import OF_HEALTH
from shared.contracts.counselling import Country
from shared.contracts.funds import (
    FundAsked,
    FundChangeAsked,
    FundChanged,
    FundChangeDropped,
    FundChangeReason,
    FundClosed,
    FundClosingAsked,
    FundClosingReason,
    FundOpened,
)
from shared.contracts.reintegration import Code, GrantCategory
from shared.decider import Decider, Events, ReadsFacts, changing, opening
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Context, Event
from shared.moments import Day
from shared.money import Money, refuse_unpayable

FundStatus = Literal["asked", "open", "closed", "dropped"]
BEGINNINGS: Final[frozenset[str]] = frozenset({"asked", "open"})
TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    "asked": frozenset({"open", "dropped"}), "open": frozenset({"closed"}), "closed": frozenset(), "dropped": frozenset(),
}  # fmt: skip
MOST_NAMED: Final = 40

# So many categories stand beside those of health that which fund pays a grant tells little of what the grant is for.
LEAST_BESIDE_HEALTH: Final = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """What waits for a second person: the terms of the fund as they would be, or that it is closed."""

    what: Literal["open", "change", "close"]
    granted: Decimal
    valid_until: date
    reason: FundChangeReason | FundClosingReason | None
    asked_by: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Fund:
    """What a donor granted for what, and from when until when it may be committed.

    ``change_no`` counts what was ever asked for the fund, ``confirmed_no`` is which of it was confirmed last, by whom;
    0 for a fund that one person opened alone, before two were needed.
    """

    project: str
    donor: str
    granted: Decimal
    currency: str
    valid_from: date
    valid_until: date
    countries: tuple[str, ...] = ()
    grant_categories: tuple[str, ...] = ()
    programmes: tuple[str, ...] = ()
    status: FundStatus = "open"
    change_no: int = 0
    waiting: Asked | None = None
    confirmed_no: int = 0
    asked_by: str | None = None
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FundBalance:
    """A fund with what its grants took: ``committed`` is approved and not yet paid, ``spent`` is paid."""

    fund: Fund
    committed: Decimal
    spent: Decimal

    @property
    def available(self) -> Decimal:
        """What can still be approved, in the fund's currency."""
        return self.fund.granted - self.committed - self.spent

    def valid_on(self, day: date) -> bool:
        """Whether money may be committed on this day; the first and the last day count."""
        return self.fund.valid_from <= day <= self.fund.valid_until


@dataclass(frozen=True, slots=True)
class FundFacts:
    """What grants took of the fund so far; where that was not looked up, everything of it.

    ``undelivered``: whether a payment of it was made and not delivered, on a grant that goes on. Its money may come back.
    """

    committed: Decimal | None = None
    spent: Decimal | None = None
    undelivered: bool = True


ChangeNo = Annotated[int, Field(strict=True, ge=1)]


class OpenFund(Command):
    """Record a donor's money for a project, with what it is for and the first and the last day to approve grants from it.

    Where no country, category or programme is named, it is for all. It holds nothing until somebody else confirms it.
    """

    project: Code
    donor: Code
    granted: PositiveMoney
    valid_from: Day
    valid_until: Day
    countries: Annotated[tuple[Country, ...], Field(max_length=MOST_NAMED)] = ()
    grant_categories: Annotated[tuple[GrantCategory, ...], Field(max_length=MOST_NAMED)] = ()
    programmes: Annotated[tuple[Code, ...], Field(max_length=MOST_NAMED)] = ()


class ChangeFund(Command):
    """Ask that the donor grants another amount in all, or that the fund has another last day."""

    granted: PositiveMoney
    valid_until: Day
    reason: FundChangeReason


class CloseFund(Command):
    """Ask that nothing is committed from the fund any more. Before, what is committed is paid or cancelled, and what is paid delivered."""

    reason: FundClosingReason


class ConfirmFund(Command):
    """Confirm what a colleague asked for the fund. From then on it counts."""

    change_no: ChangeNo


class DropFundChange(Command):
    """Take back what you asked for the fund, or decline what a colleague asked."""

    change_no: ChangeNo


def not_by_whoever_asked() -> FourEyes:
    """Refuses to confirm what one asked for oneself; the database's CHECK refuses it in the same words."""
    return FourEyes("You asked for this change of the fund, so somebody else has to confirm it.")


def fund_closed() -> RuleViolation:
    """Refuses to commit money of a closed fund; the database's CHECK refuses it in the same words."""
    return RuleViolation("fund_closed", "This fund is closed; no grant can be approved from it.")


def fund_not_valid() -> RuleViolation:
    """Refuses to commit money on a day before the fund's first or after its last; a trigger refuses it in the same words."""
    return RuleViolation("fund_not_valid", "Today lies outside the days on which this fund may be used.")


def refuse_unless_pays_for(fund: Fund, country: str, category: str | None, programme: str | None) -> None:
    """Refused where the donor does not pay for grants of this country, this category or this programme."""
    if fund.status == "closed":
        raise fund_closed()
    if fund.countries and country not in fund.countries:
        raise RuleViolation("fund_not_for_country", "This fund does not pay for grants in this country.")
    if fund.grant_categories and category not in fund.grant_categories:
        raise RuleViolation("fund_not_for_category", "This fund does not pay for what this grant is for.")
    if fund.programmes and programme not in fund.programmes:
        raise RuleViolation("fund_not_for_programme", "This fund does not pay for cases of this programme.")


def _refuse_days(valid_from: date, valid_until: date) -> None:
    if valid_until < valid_from:
        raise RuleViolation("validity_reversed", "The last day of the fund lies before its first day.")


def _refuse_named_twice(*lists: Collection[str]) -> None:
    if any(len(set(named)) < len(named) for named in lists):
        raise RuleViolation("named_twice", "A country, a category or a programme is named twice.")


def _open(order: OpenFund, facts: FundFacts, context: Context) -> Events:
    _refuse_days(order.valid_from, order.valid_until)
    refuse_unpayable((order.granted,))
    _refuse_named_twice(order.countries, order.grant_categories, order.programmes)
    named = set(order.grant_categories)
    if named & OF_HEALTH and len(named - OF_HEALTH) < LEAST_BESIDE_HEALTH:
        # Which fund pays a grant is told to many who must not learn that it is for somebody's health.
        raise RuleViolation(
            "fund_tells_of_health", "Who sees that this fund pays would know of somebody's health. Name three other categories beside it, or none."
        )
    return (FundAsked(change_no=1, **dict(order), asked_by=context.actor.person_id, asked_at=context.now),)


def _stands_open(state: Fund, facts: FundFacts, context: Context) -> None:
    if state.status == "closed":
        raise RuleViolation("fund_closed_already", "This fund is closed. Nothing of it is changed any more.")
    if state.status == "dropped":
        raise RuleViolation("fund_dropped", "This fund was never confirmed, and is not asked for any more.")
    if state.waiting is not None:
        raise RuleViolation("change_waits", "What was asked for this fund before waits for its confirmation.")


def _something_waits(state: Fund, facts: FundFacts, context: Context) -> None:
    if state.waiting is None:
        raise RuleViolation("nothing_waits", "Nothing that was asked for this fund waits for a confirmation.")


def _not_by_whoever_asked(state: Fund, facts: FundFacts, context: Context) -> None:
    if state.waiting is not None and state.waiting.asked_by == context.actor.person_id:
        raise not_by_whoever_asked()


def _refuse_below_what_is_used(facts: FundFacts, granted: Decimal) -> None:
    if facts.committed is None or facts.spent is None or granted < facts.committed + facts.spent:
        raise RuleViolation("below_what_is_used", "More than this is committed and spent of the fund already.")


def fund_awaits_deliveries() -> RuleViolation:
    """Refuses to close a fund to which money may come back; a trigger refuses it in the same words."""
    return RuleViolation(
        "fund_awaits_deliveries", "A payment of this fund is not delivered yet and may come back. Its delivery is confirmed first."
    )


def _refuse_while_used(facts: FundFacts) -> None:
    if facts.committed is None or facts.committed > NOTHING:
        raise RuleViolation(
            "fund_has_commitments", "Grants are approved from this fund and not fully paid. They are paid or cancelled first."
        )
    if facts.undelivered:
        raise fund_awaits_deliveries()


@ReadsFacts
def _nothing_under_way(state: Fund, facts: FundFacts, context: Context) -> None:
    _refuse_while_used(facts)


def _change(state: Fund, order: ChangeFund, facts: FundFacts, context: Context) -> Events:
    refuse_unpayable((order.granted,))
    if order.granted.currency != state.currency:
        raise RuleViolation("currencies_differ", "A fund stays in its currency.")
    _refuse_days(state.valid_from, order.valid_until)
    if (order.granted.amount, order.valid_until) == (state.granted, state.valid_until):
        raise RuleViolation("nothing_changes", "The fund has this amount and this last day already.")
    _refuse_below_what_is_used(facts, order.granted.amount)
    return (
        FundChangeAsked(
            change_no=state.change_no + 1, **dict(order), asked_by=context.actor.person_id, asked_at=context.now
        ),
    )


def _close(state: Fund, order: CloseFund, facts: FundFacts, context: Context) -> Events:
    return (
        FundClosingAsked(
            change_no=state.change_no + 1, reason=order.reason, asked_by=context.actor.person_id, asked_at=context.now
        ),
    )


def _what_waits(state: Fund, change_no: int) -> Asked:
    if state.waiting is None or change_no != state.change_no:
        raise RuleViolation("another_change_waits", "This is not what waits any more. Read the fund again, then decide.")
    return state.waiting


def _confirm(state: Fund, order: ConfirmFund, facts: FundFacts, context: Context) -> Events:
    asked = _what_waits(state, order.change_no)
    who: dict[str, Any] = {
        "change_no": order.change_no, "asked_by": asked.asked_by, "confirmed_by": context.actor.person_id,
        "confirmed_at": context.now,
    }  # fmt: skip
    granted = Money(amount=asked.granted, currency=state.currency)
    match asked.what:
        case "open":
            return (
                FundOpened(
                    project=state.project, donor=state.donor, granted=granted, valid_from=state.valid_from,
                    valid_until=asked.valid_until, countries=state.countries, grant_categories=state.grant_categories,
                    programmes=state.programmes, **who,
                ),
            )  # fmt: skip
        case "change":
            _refuse_below_what_is_used(facts, asked.granted)
            return (FundChanged(granted=granted, valid_until=asked.valid_until, **who),)
        case "close":
            _refuse_while_used(facts)
            return (FundClosed(**who),)


def _drop(state: Fund, order: DropFundChange, facts: FundFacts, context: Context) -> Events:
    _what_waits(state, order.change_no)
    return (
        FundChangeDropped(change_no=order.change_no, dropped_by=context.actor.person_id, dropped_at=context.now),
    )


def _asked(event: FundAsked) -> Fund:
    return Fund(
        project=event.project, donor=event.donor, granted=event.granted.amount, currency=event.granted.currency,
        valid_from=event.valid_from, valid_until=event.valid_until, countries=event.countries,
        grant_categories=event.grant_categories, programmes=event.programmes, status="asked", change_no=event.change_no,
        waiting=Asked("open", event.granted.amount, event.valid_until, None, event.asked_by, event.asked_at),
    )  # fmt: skip


def _opened(event: FundOpened) -> Fund:
    return Fund(
        project=event.project, donor=event.donor, granted=event.granted.amount, currency=event.granted.currency,
        valid_from=event.valid_from, valid_until=event.valid_until, countries=event.countries,
        grant_categories=event.grant_categories, programmes=event.programmes, change_no=event.change_no,
        confirmed_no=event.change_no, asked_by=event.asked_by, confirmed_by=event.confirmed_by,
        confirmed_at=event.confirmed_at,
    )  # fmt: skip


def _confirmed(state: Fund, event: FundChanged | FundClosed) -> Fund:
    return replace(
        state, waiting=None, confirmed_no=event.change_no, asked_by=event.asked_by, confirmed_by=event.confirmed_by,
        confirmed_at=event.confirmed_at,
    )  # fmt: skip


def evolve(state: Fund | None, event: Event) -> Fund:
    """The fund after its event; TypeError for one that does not fit."""
    match event:
        case FundAsked() if state is None:
            return _asked(event)
        case FundOpened() if state is None or state.status == "asked":
            return _opened(event)
        case FundChangeAsked() if state is not None:
            asked = Asked("change", event.granted.amount, event.valid_until, event.reason, event.asked_by, event.asked_at)
            return replace(state, change_no=event.change_no, waiting=asked)
        case FundClosingAsked() if state is not None:
            asked = Asked("close", state.granted, state.valid_until, event.reason, event.asked_by, event.asked_at)
            return replace(state, change_no=event.change_no, waiting=asked)
        case FundChanged() if state is not None:
            return replace(_confirmed(state, event), granted=event.granted.amount, valid_until=event.valid_until)
        case FundClosed() if state is not None:
            return replace(_confirmed(state, event), status="closed")
        case FundChangeDropped() if state is not None:
            return replace(state, waiting=None, status="dropped" if state.status == "asked" else state.status)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit a fund here")


FUND: Decider[Fund, FundFacts] = Decider(
    rules=(
        opening(OpenFund, "Open a fund", _open),
        changing(ChangeFund, "Change the fund", _change, _stands_open),
        changing(CloseFund, "Close the fund", _close, _stands_open, _nothing_under_way),
        changing(ConfirmFund, "Confirm", _confirm, _something_waits, _not_by_whoever_asked),
        changing(DropFundChange, "Drop what was asked", _drop, _something_waits),
    ),
    evolve=evolve,
    events=(FundAsked, FundOpened, FundChangeAsked, FundChanged, FundClosingAsked, FundClosed, FundChangeDropped),
)
