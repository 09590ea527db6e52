"""Which survey is asked when: versions of instruments that were published, and the rounds in which returnees are asked by them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from pydantic import Field

from services.reintegration.domain.instruments import Instrument
from shared.contracts.counselling import Sha256
from shared.contracts.surveys import (
    Count,
    InstrumentPublished,
    Months,
    RoundName,
    SurveyCode,
    SurveyRoundEnded,
    SurveyRoundPlanned,
)
from shared.decider import Decider, Events, changing, opening
from shared.errors import RuleViolation
from shared.files.media import LARGEST_SURVEY
from shared.messages import Command, Context, Event

MOST_BYTES: Final = LARGEST_SURVEY
# An example, and no rule of IOM: the complete months after an arrival within which a round is asked, both counted.
EXAMPLE_WINDOWS: Final[Mapping[RoundName, tuple[int, int]]] = {"baseline": (0, 2), "midline": (5, 8), "endline": (11, 15)}


@dataclass(frozen=True, slots=True)
class InstrumentVersion:
    """One version of a survey as it was brought; what it asks stands beside, and neither ever changes."""

    instrument: str
    instrument_version: int
    items: int
    sha256: str
    published_by: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class InstrumentFacts:
    """The versions of the instrument of this code that there are, shipped or published."""

    versions: frozenset[int] = frozenset()


class PublishInstrument(Command):
    """Bring a version of a survey as a file; it can be asked from then on, and never changes."""

    instrument: SurveyCode
    instrument_version: Count
    items: Count
    sha256: Sha256


@dataclass(frozen=True, slots=True)
class SurveyRound:
    """One round of one instrument: by which version and which way to count, and in which months after an arrival."""

    instrument: str
    instrument_version: int
    scheme: str
    round: RoundName
    from_month: int
    to_month: int
    planned_by: str
    planned_at: datetime
    ended_by: str | None = None
    ended_at: datetime | None = None

    def is_open_in(self, month: int) -> bool:
        """Whether the round is asked so many complete months after an arrival."""
        return self.from_month <= month <= self.to_month


@dataclass(frozen=True, slots=True)
class RoundFacts:
    """The version that is to be asked, and whether this instrument has such a round already."""

    instrument: Instrument | None = None
    planned_already: bool = False


class PlanRound(Command):
    """Plan that returnees are asked by a version of a survey, from so many complete months after their arrival on, to so many.

    Without months those of the example count.
    """

    instrument: SurveyCode
    instrument_version: Count
    scheme: SurveyCode
    round: RoundName
    from_month: Months | None = Field(default=None)
    to_month: Months | None = Field(default=None)


class EndRound(Command):
    """Ask nobody in this round any more. What was answered stays."""


def complete_months(since: date, day: date) -> int:
    """How many months of the calendar are complete on a day; below zero before. A month is complete on the day of its number,
    or on the first day after a month that has no such day.
    """
    return (day.year - since.year) * 12 + day.month - since.month - (day.day < since.day)


def version_taken() -> RuleViolation:
    """Refuses a version that there is; the database's key refuses it in the same words."""
    return RuleViolation("instrument_version_taken", "There is this version of this survey already, and a version never changes.")


def round_planned() -> RuleViolation:
    """Refuses a second plan of one round; the database's key refuses it in the same words."""
    return RuleViolation("round_planned", "This round of this survey is planned already. End it first, then plan it anew.")


def instrument_unknown() -> RuleViolation:
    """Refuses a version of a survey that there is not."""
    return RuleViolation("instrument_unknown", "There is no such version of a survey here.")


def _publish(order: PublishInstrument, facts: InstrumentFacts, context: Context) -> Events:
    if order.instrument_version in facts.versions:
        raise version_taken()
    return (
        InstrumentPublished(
            instrument=order.instrument, instrument_version=order.instrument_version, items=order.items, sha256=order.sha256,
            published_by=context.actor.person_id, published_at=context.now,
        ),
    )  # fmt: skip


def _published(state: InstrumentVersion | None, event: Event) -> InstrumentVersion:
    if state is None and isinstance(event, InstrumentPublished):
        return InstrumentVersion(
            event.instrument, event.instrument_version, event.items, event.sha256, event.published_by, event.published_at
        )
    raise TypeError(f"{type(event).__name__} does not fit an instrument here")


def _plan(order: PlanRound, facts: RoundFacts, context: Context) -> Events:
    if facts.instrument is None:
        raise instrument_unknown()
    if order.scheme not in {scheme.code for scheme in facts.instrument.schemes}:
        raise RuleViolation("scheme_unknown", "This survey has no such way to count.")
    if facts.planned_already:
        raise round_planned()
    example = EXAMPLE_WINDOWS[order.round]
    first = example[0] if order.from_month is None else order.from_month
    last = example[1] if order.to_month is None else order.to_month
    if last < first:
        raise RuleViolation("window_ends_before_it_begins", "The last month of a round is not before its first.")
    return (
        SurveyRoundPlanned(
            instrument=order.instrument, instrument_version=order.instrument_version, scheme=order.scheme, round=order.round,
            from_month=first, to_month=last, planned_by=context.actor.person_id, planned_at=context.now,
        ),
    )  # fmt: skip


def round_ended() -> RuleViolation:
    """Refuses to go on with a round that was ended."""
    return RuleViolation("round_ended", "Nobody is asked in this round any more.")


def _still_planned(state: SurveyRound, _: RoundFacts, __: Context) -> None:
    if state.ended_at is not None:
        raise round_ended()


def _end(_: SurveyRound, __: EndRound, ___: RoundFacts, context: Context) -> Events:
    return (SurveyRoundEnded(ended_by=context.actor.person_id, ended_at=context.now),)


def _round_after(state: SurveyRound | None, event: Event) -> SurveyRound:
    match event:
        case SurveyRoundPlanned() if state is None:
            return SurveyRound(
                event.instrument, event.instrument_version, event.scheme, event.round, event.from_month, event.to_month,
                event.planned_by, event.planned_at,
            )  # fmt: skip
        case SurveyRoundEnded() if state is not None and state.ended_at is None:
            return replace(state, ended_by=event.ended_by, ended_at=event.ended_at)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit a round here")


INSTRUMENT: Decider[InstrumentVersion, InstrumentFacts] = Decider(
    rules=(opening(PublishInstrument, "Publish a survey", _publish),), evolve=_published, events=(InstrumentPublished,)
)

SURVEY_ROUND: Decider[SurveyRound, RoundFacts] = Decider(
    rules=(
        opening(PlanRound, "Plan a round of a survey", _plan),
        changing(EndRound, "End the round", _end, _still_planned),
    ),
    evolve=_round_after,
    events=(SurveyRoundPlanned, SurveyRoundEnded),
)
