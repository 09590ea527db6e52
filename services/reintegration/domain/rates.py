"""A rate of exchange: what one unit of a base currency is worth in another one from a day on, as a source says it."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field

from shared.contracts.rates import (
    Base,
    ExchangeRate,
    RateCorrected,
    RateCorrectionReason,
    RateRecorded,
    RateSource,
    RateVoided,
    RateVoidReason,
)
from shared.currencies import is_currency
from shared.decider import Decider, Events, changing, opening
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event
from shared.moments import Day
from shared.money import Currency, not_a_currency

# Nobody publishes a rate for longer ahead; whoever writes such a day has mistyped the year.
FURTHEST_AHEAD: Final = timedelta(days=366)
# A rate that halves or doubles from one recorded day to the next is more often a slip than true.
MUCH: Final = 2


@dataclass(frozen=True, slots=True)
class Rate:
    """What is recorded for a currency, a base and a day; ``reason`` is of the last correction, or of taking it out.

    ``revision`` counts from 1 over everything that was ever recorded for that day, under whatever id; of a ``void`` rate
    nothing counts, and the day may be recorded again.
    """

    currency: str
    base: Base
    effective_on: date
    rate: Decimal
    source: RateSource
    revision: int
    reason: RateCorrectionReason | RateVoidReason | None
    recorded_by: str
    recorded_at: datetime
    void: bool = False


@dataclass(frozen=True, slots=True)
class RateFacts:
    """Whether the same day has a rate under another id already, and the mission's day.

    ``revisions`` are how many were recorded for the day so far; ``beside`` is what counts of the same currency and base
    before that day, or else the first that counts after it.
    """

    taken: bool = False
    today: date | None = None
    revisions: int = 0
    beside: Decimal | None = None


Confirmed = Annotated[
    bool, Field(description="Whether this rate is right although it is less than half, or more than twice, what counts beside it.")
]


class RecordRate(Command):
    """Record what one unit of the base is worth in a currency from a day on: the newest day that has come counts."""

    currency: Currency
    base: Base
    effective_on: Day
    rate: ExchangeRate
    source: RateSource
    confirmed: Confirmed = False


class CorrectRate(Command):
    """Correct the rate or the source of what was recorded for this day. What was recorded before stays there to be read."""

    rate: ExchangeRate
    source: RateSource
    reason: RateCorrectionReason
    confirmed: Confirmed = False


class VoidRate(Command):
    """Take out a rate that was recorded for a wrong currency, base or day: nothing is converted by it any more.

    What counted before that day counts again, and the day may be recorded anew.
    """

    reason: RateVoidReason


def day_has_a_rate() -> RuleViolation:
    """Refuses a second rate of one currency, base and day; the database's key refuses it in the same words."""
    return RuleViolation("day_has_a_rate", "This day has a rate already. Correct that one if it is wrong.")


def _refuse_much_else(rate: Decimal, beside: Decimal | None, *, confirmed: bool) -> None:
    if beside is not None and not confirmed and not beside <= rate * MUCH <= beside * MUCH * MUCH:
        raise RuleViolation(
            "differs_much",
            "This rate is less than half, or more than twice, what counts beside it. If it is right, say so and send it again.",
        )


def _not_void(state: Rate, facts: RateFacts, context: Context) -> None:
    if state.void:
        raise RuleViolation("rate_void", "This rate was taken out. Record the day anew.")


def _record(order: RecordRate, facts: RateFacts, context: Context) -> Events:
    if not is_currency(order.currency):
        raise not_a_currency()
    if order.currency == order.base:
        raise RuleViolation("rate_of_itself", "A currency has no rate to itself.")
    if order.currency == "USD":
        # Else dollar and euro had two rates to each other, which need not agree.
        raise RuleViolation("dollar_is_the_measure", "Record what one dollar is worth in euros instead.")
    if facts.today is not None and order.effective_on > facts.today + FURTHEST_AHEAD:
        raise RuleViolation("too_far_ahead", "This day lies more than a year ahead.")
    if facts.taken:
        raise day_has_a_rate()
    _refuse_much_else(order.rate, facts.beside, confirmed=order.confirmed)
    return (
        RateRecorded(
            currency=order.currency, base=order.base, effective_on=order.effective_on, rate=order.rate,
            source=order.source, recorded_by=context.actor.person_id, recorded_at=context.now, revision=facts.revisions + 1,
        ),
    )  # fmt: skip


def _correct(state: Rate, order: CorrectRate, facts: RateFacts, context: Context) -> Events:
    if (order.rate, order.source) == (state.rate, state.source):
        raise RuleViolation("rate_unchanged", "This is what is recorded already.")
    _refuse_much_else(order.rate, state.rate if facts.beside is None else facts.beside, confirmed=order.confirmed)
    return (
        RateCorrected(
            currency=state.currency, base=state.base, effective_on=state.effective_on, rate=order.rate,
            source=order.source, reason=order.reason, corrected_by=context.actor.person_id, corrected_at=context.now,
        ),
    )  # fmt: skip


def _void(state: Rate, order: VoidRate, facts: RateFacts, context: Context) -> Events:
    return (
        RateVoided(
            currency=state.currency, base=state.base, effective_on=state.effective_on, reason=order.reason,
            voided_by=context.actor.person_id, voided_at=context.now,
        ),
    )  # fmt: skip


def evolve(state: Rate | None, event: Event) -> Rate:
    """The rate after its event; TypeError for one that does not fit."""
    match event:
        case RateRecorded():
            return Rate(
                currency=event.currency, base=event.base, effective_on=event.effective_on, rate=event.rate,
                source=event.source, revision=event.revision, reason=None, recorded_by=event.recorded_by, recorded_at=event.recorded_at,
            )  # fmt: skip
        case RateCorrected() if state is not None:
            return replace(
                state, rate=event.rate, source=event.source, revision=state.revision + 1, reason=event.reason,
                recorded_by=event.corrected_by, recorded_at=event.corrected_at,
            )  # fmt: skip
        case RateVoided() if state is not None:
            return replace(
                state, void=True, revision=state.revision + 1, reason=event.reason, recorded_by=event.voided_by,
                recorded_at=event.voided_at,
            )  # fmt: skip
        case _:
            raise TypeError(f"{type(event).__name__} does not fit a rate here")


RATE: Decider[Rate, RateFacts] = Decider(
    rules=(
        opening(RecordRate, "Record a rate", _record),
        changing(CorrectRate, "Correct the rate", _correct, _not_void),
        changing(VoidRate, "Take the rate out", _void, _not_void),
    ),
    evolve=evolve, events=(RateRecorded, RateCorrected, RateVoided),
)  # fmt: skip
