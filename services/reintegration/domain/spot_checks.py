"""Deliveries are drawn at random, so that nobody chooses what is looked at, and looked at by somebody who had no part in them.

Decision 64: anybody draws again what was drawn, out of the log alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from services.reintegration.domain.tranches import TrancheNumber
from shared.contracts.spot_checks import (
    DrawnDelivery,
    Size,
    SpotCheckDrawn,
    SpotCheckOutcome,
    SpotCheckRecorded,
)
from shared.contracts.surveys import SurveyMode
from shared.decider import Decider, Events, opening
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Context, Event

# So that nothing that was done on the last day is still on its way.
OVER_FOR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SpotCheckDraw:
    """What was drawn, out of how many deliveries of which days, both counted; by the seed anybody draws it again."""

    from_day: date
    to_day: date
    size: int
    population: int
    population_hash: str
    seed: str
    drawn: tuple[DrawnDelivery, ...]
    drawn_by: str
    drawn_at: datetime


@dataclass(frozen=True, slots=True)
class DrawFacts:
    """The deliveries of the days that are asked for, a seed that nobody chose, when these days were over, and whether whoever draws did so for some of them before."""

    population: tuple[DrawnDelivery, ...] = ()
    seed: str = ""
    over_at: datetime | None = None
    drew_before: bool = False


class DrawSpotCheck(Command):
    """Draw at random which deliveries of these days, both counted, are looked at on the spot. The draw is on record, whatever it is of."""

    from_day: date
    to_day: date
    size: Size


@dataclass(frozen=True, slots=True)
class SpotCheck:
    """What somebody found who looked at one delivery that was drawn."""

    draw_id: UUID
    grant_id: UUID
    number: int
    country: str
    outcome: SpotCheckOutcome
    mode: SurveyMode
    checked_on: date
    recorded_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """The delivery as it was drawn, None if it was not; who delivered, saw cash handed over, paid, ended a payment or
    reconciled, and what was found before.

    ``drawn_on`` and ``today`` are the mission's days.
    """

    drawn: DrawnDelivery | None = None
    drawn_on: date = date.min
    today: date = date.min
    took_part: frozenset[str] = frozenset()
    checked_already: bool = False


class RecordSpotCheck(Command):
    """Record what you found when you looked at a delivery that was drawn, on the spot or with the returnee."""

    draw_id: UUID
    grant_id: UUID
    number: TrancheNumber
    outcome: SpotCheckOutcome
    mode: SurveyMode
    checked_on: date


def name_of(delivery: DrawnDelivery) -> str:
    """What a delivery is called where it is drawn: its grant and the number of its tranche."""
    return f"{delivery.grant_id}/{delivery.number}"


def population_hash(population: Iterable[DrawnDelivery]) -> str:
    """What stands for all deliveries that one was drawn from: the SHA-256 of their names in order, one a line."""
    return sha256("\n".join(sorted(name_of(one) for one in population)).encode()).hexdigest()


def draw(population: Sequence[DrawnDelivery], seed: str, size: int) -> tuple[DrawnDelivery, ...]:
    """Those of which SHA-256(seed ‖ name) is smallest, in that order; all there are if these are no more than asked for."""
    key = bytes.fromhex(seed)
    return tuple(sorted(population, key=lambda one: sha256(key + name_of(one).encode()).digest())[:size])


def drew_before() -> RuleViolation:
    """Refuses to draw days again; the database's key refuses the very same ones in the same words."""
    return RuleViolation(
        "period_drawn", "You drew some of these days before. A colleague may draw them again; each draw is on record."
    )


def checked_already() -> RuleViolation:
    """Refuses a second finding; the database's key refuses it in the same words."""
    return RuleViolation("spot_check_recorded", "What was found of this delivery is recorded already.")


def _draw(order: DrawSpotCheck, facts: DrawFacts, context: Context) -> Events:
    if order.to_day < order.from_day:
        raise RuleViolation("period_reversed", "The last day lies before the first.")
    if facts.over_at is None or context.now < facts.over_at + OVER_FOR:
        raise RuleViolation("period_not_over", "The last day has to be over for an hour, so that nothing of it is still on its way.")
    if facts.drew_before:
        raise drew_before()
    if not facts.population:
        raise RuleViolation("nothing_to_draw", "No delivery was confirmed on these days.")
    return (
        SpotCheckDrawn(
            from_day=order.from_day, to_day=order.to_day, size=order.size, population=len(facts.population),
            population_hash=population_hash(facts.population), seed=facts.seed,
            drawn=draw(facts.population, facts.seed, order.size), drawn_by=context.actor.person_id, drawn_at=context.now,
        ),
    )  # fmt: skip


def _drawn(state: SpotCheckDraw | None, event: Event) -> SpotCheckDraw:
    if state is None and isinstance(event, SpotCheckDrawn):
        return SpotCheckDraw(
            event.from_day, event.to_day, event.size, event.population, event.population_hash, event.seed, event.drawn,
            event.drawn_by, event.drawn_at,
        )  # fmt: skip
    raise TypeError(f"{type(event).__name__} does not fit a draw here")


def _record(order: RecordSpotCheck, facts: CheckFacts, context: Context) -> Events:
    if facts.drawn is None:
        raise RuleViolation("not_drawn", "This delivery was not drawn. What is looked at is left to chance.")
    if context.actor.person_id in facts.took_part:
        raise FourEyes("You delivered, witnessed, paid or reconciled something of this grant, so somebody else has to look at it.")
    if facts.checked_already:
        raise checked_already()
    if order.checked_on > facts.today:
        raise RuleViolation("in_the_future", "The time given has not come yet. Record what happened once it has.")
    if order.checked_on < facts.drawn_on:
        raise RuleViolation("before_draw", "That day was before the delivery was drawn.")
    return (
        SpotCheckRecorded(
            draw_id=order.draw_id, grant_id=order.grant_id, number=order.number, country=facts.drawn.country,
            outcome=order.outcome, mode=order.mode, checked_on=order.checked_on, recorded_by=context.actor.person_id,
            recorded_at=context.now,
        ),
    )  # fmt: skip


def _recorded(state: SpotCheck | None, event: Event) -> SpotCheck:
    if state is None and isinstance(event, SpotCheckRecorded):
        return SpotCheck(
            event.draw_id, event.grant_id, event.number, event.country, event.outcome, event.mode, event.checked_on,
            event.recorded_by, event.recorded_at,
        )  # fmt: skip
    raise TypeError(f"{type(event).__name__} does not fit a spot check here")


SPOT_CHECK_DRAW: Decider[SpotCheckDraw, DrawFacts] = Decider(
    rules=(opening(DrawSpotCheck, "Draw a spot check", _draw),), evolve=_drawn, events=(SpotCheckDrawn,)
)

SPOT_CHECK: Decider[SpotCheck, CheckFacts] = Decider(
    rules=(opening(RecordSpotCheck, "Record a spot check", _record),), evolve=_recorded, events=(SpotCheckRecorded,)
)
