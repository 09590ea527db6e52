"""A rate of exchange: what one unit of a base currency is worth in another one from a day on, as a source says it."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from shared.contracts.rates import (
    Base,
    ExchangeRate,
    RateCorrected,
    RateCorrectionReason,
    RateRecorded,
    RateSource,
)
from shared.currencies import is_currency
from shared.decider import Decider, Events, changing, opening
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event
from shared.moments import Day
from shared.money import Currency

# Nobody publishes a rate for longer ahead; whoever writes such a day has mistyped the year.
FURTHEST_AHEAD: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Rate:
    """What is recorded for a currency, a base and a day; ``revision`` counts from 1, ``reason`` is of the last correction."""

    currency: str
    base: Base
    effective_on: date
    rate: Decimal
    source: RateSource
    revision: int
    reason: RateCorrectionReason | None
    recorded_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class RateFacts:
    """Whether the same day has a rate under another id already, and the mission's day."""

    taken: bool = False
    today: date | None = None


class RecordRate(Command):
    """Record what one unit of the base is worth in a currency from a day on: the newest day that has come counts."""

    currency: Currency
    base: Base
    effective_on: Day
    rate: ExchangeRate
    source: RateSource


class CorrectRate(Command):
    """Correct what was recorded wrongly for this day. What was converted by it before stays as it is."""

    rate: ExchangeRate
    source: RateSource
    reason: RateCorrectionReason


def day_has_a_rate() -> RuleViolation:
    """Refuses a second rate of one currency, base and day; the database's key refuses it in the same words."""
    return RuleViolation("day_has_a_rate", "This day has a rate already. Correct that one if it is wrong.")


def _record(order: RecordRate, facts: RateFacts, context: Context) -> Events:
    if not is_currency(order.currency):
        raise RuleViolation("not_a_currency", "No currency has this code (ISO 4217).")
    if order.currency == order.base:
        raise RuleViolation("rate_of_itself", "A currency has no rate to itself.")
    if order.currency == "USD":
        # Else dollar and euro had two rates to each other, which need not agree.
        raise RuleViolation("dollar_is_the_measure", "Record what one dollar is worth in euros instead.")
    if facts.today is not None and order.effective_on > facts.today + FURTHEST_AHEAD:
        raise RuleViolation("too_far_ahead", "This day lies more than a year ahead.")
    if facts.taken:
        raise day_has_a_rate()
    return (
        RateRecorded(
            currency=order.currency, base=order.base, effective_on=order.effective_on, rate=order.rate,
            source=order.source, recorded_by=context.actor.person_id, recorded_at=context.now,
        ),
    )  # fmt: skip


def _correct(state: Rate, order: CorrectRate, facts: RateFacts, context: Context) -> Events:
    if (order.rate, order.source) == (state.rate, state.source):
        raise RuleViolation("rate_unchanged", "This is what is recorded already.")
    return (
        RateCorrected(
            currency=state.currency, base=state.base, effective_on=state.effective_on, rate=order.rate,
            source=order.source, reason=order.reason, corrected_by=context.actor.person_id, corrected_at=context.now,
        ),
    )  # fmt: skip


def evolve(state: Rate | None, event: Event) -> Rate:
    """The rate after its event; TypeError for one that does not fit."""
    match event:
        case RateRecorded():
            return Rate(
                currency=event.currency, base=event.base, effective_on=event.effective_on, rate=event.rate,
                source=event.source, revision=1, reason=None, recorded_by=event.recorded_by, recorded_at=event.recorded_at,
            )  # fmt: skip
        case RateCorrected() if state is not None:
            return replace(
                state, rate=event.rate, source=event.source, revision=state.revision + 1, reason=event.reason,
                recorded_by=event.corrected_by, recorded_at=event.corrected_at,
            )  # fmt: skip
        case _:
            raise TypeError(f"{type(event).__name__} does not fit a rate here")


RATE: Decider[Rate, RateFacts] = Decider(
    rules=(opening(RecordRate, "Record a rate", _record), changing(CorrectRate, "Correct the rate", _correct)),
    evolve=evolve, events=(RateRecorded, RateCorrected),
)  # fmt: skip
