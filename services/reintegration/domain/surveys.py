"""A survey of one returnee in one round: they agree each time or refuse, and who interviews them never pays them.

Answers and scores tell how somebody lives. Events conceal both, and they are kept under the person's key (decision 63).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field

from services.reintegration.domain.case import Case
from services.reintegration.domain.instruments import Code, Instrument
from services.reintegration.domain.scoring import Scores, score
from services.reintegration.domain.survey_rounds import (
    SurveyRound,
    complete_months,
    instrument_unknown,
    round_ended,
)
from shared.contracts.surveys import (
    AnswerCorrection,
    RoundName,
    SurveyCorrected,
    SurveyMode,
    SurveyRecorded,
    SurveyRefused,
)
from shared.decider import Decider, Events, ReadsFacts, changing, opening
from shared.errors import RuleViolation
from shared.messages import Command, Concealed, Context, Event
from shared.unprinted import Unprinted

MOST_ANSWERS: Final = 200


class GivenAnswer(Unprinted):
    """What was answered to one question: the code of an option of its scale."""

    item: Code
    option: Code


Given = Annotated[tuple[GivenAnswer, ...], Field(max_length=MOST_ANSWERS)]


class AsksSomebody(Command):
    """What an order says of whom was asked, when and how."""

    case_id: UUID
    person_id: UUID
    round_id: UUID
    mode: SurveyMode


class RecordSurvey(Unprinted, AsksSomebody):
    """Record what a returnee answered. They were asked first whether they agree to be asked, which changes nothing for them.

    Outside the months of the round only where ``out_of_window`` says that it is meant so.
    """

    interviewed_on: date
    consented: bool
    out_of_window: bool = False
    answers: Given


class RefuseSurvey(AsksSomebody):
    """Record that a returnee does not wish to be asked. It has no effect on their assistance."""

    asked_on: date


class CorrectSurvey(Unprinted, Command):
    """Record answers anew that had been recorded wrongly; those of before stay under their number."""

    reason: AnswerCorrection
    answers: Given


@dataclass(frozen=True, slots=True)
class Survey:
    """That somebody was asked, by what, when and how; ``months`` are the complete ones since their arrival.

    ``answers_no`` counts how often answers were recorded: none where they refused. The answers stand sealed beside.
    """

    case_id: UUID
    person_id: UUID
    country: str
    round_id: UUID
    instrument: str
    instrument_version: int
    scheme: str | None
    round: RoundName
    mode: SurveyMode
    asked_on: date
    months: int
    outcome: Literal["answered", "declined"]
    recorded_by: str
    recorded_at: datetime
    out_of_window: bool = False
    answers_no: int = 0
    correction_reason: AnswerCorrection | None = None
    corrected_by: str | None = None
    corrected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SurveyFacts:
    """The case as far as whoever acts may know it, the round with its instrument, and what stands against asking.

    ``arrived_on`` is the mission's day of the person's arrival, ``pays`` whether whoever acts releases or confirms payments
    of a grant of this person, ``answered_already`` whether the person answered this instrument in this round.
    """

    today: date = date.min
    case: Case | None = None
    arrived_on: date | None = None
    round: SurveyRound | None = None
    instrument: Instrument | None = None
    pays: bool = False
    answered_already: bool = False


def interviewer_pays() -> RuleViolation:
    """Refuses an interview by whoever pays the person; nobody should have to please the one who pays."""
    return RuleViolation("interviewer_pays", "You pay this person, so a colleague who does not has to ask them.")


def answered_already() -> RuleViolation:
    """Refuses a second survey of one round; the database's key refuses it in the same words."""
    return RuleViolation("surveyed_already", "This person answered this survey in this round. What is wrong in it is corrected there.")


def scores_json(scores: Scores) -> str:
    """Scores as they are kept: the same text for the same scores."""
    return json.dumps(asdict(scores), sort_keys=True, default=str)


def answers_of(given: Sequence[GivenAnswer]) -> Mapping[str, str]:
    """Answers by their questions; ``answered_twice`` where one was answered in two ways."""
    found = {one.item: one.option for one in given}
    if len(found) < len(given):
        raise RuleViolation("answered_twice", "A question is answered twice. Choose one answer.")
    return found


def _asked(order: AsksSomebody, facts: SurveyFacts, on: date) -> tuple[Case, SurveyRound, int]:
    case = facts.case
    if case is None:
        raise RuleViolation("case_unknown", "No such return case is known here.")
    if order.person_id not in case.person_ids:
        raise RuleViolation("not_in_the_case", "This person does not belong to the case.")
    if facts.arrived_on is None:
        raise RuleViolation("not_arrived_yet", "This person's arrival is not confirmed. Who has returned is asked how they are.")
    if case.deciding_ids and order.person_id not in case.deciding_ids:
        raise RuleViolation("child_not_asked", "This is a child of the case. The adults are asked.")
    if facts.round is None:
        raise RuleViolation("round_unknown", "There is no such round of a survey.")
    if facts.round.ended_at is not None:
        raise round_ended()
    if on > facts.today:
        raise RuleViolation("in_the_future", "The time given has not come yet. Record what happened once it has.")
    if on < facts.arrived_on:
        raise RuleViolation("before_arrival", "That day was before the person arrived.")
    if facts.pays:
        raise interviewer_pays()
    if facts.answered_already:
        raise answered_already()
    return case, facts.round, complete_months(facts.arrived_on, on)


def _counted(facts: SurveyFacts, scheme: str, given: Sequence[GivenAnswer]) -> tuple[Concealed, Concealed]:
    if facts.instrument is None:
        raise instrument_unknown()
    answers = answers_of(given)
    scores = score(facts.instrument, scheme, answers)
    return Concealed.of(json.dumps(answers, sort_keys=True)), Concealed.of(scores_json(scores))


def _record(order: RecordSurvey, facts: SurveyFacts, context: Context) -> Events:
    case, asked, months = _asked(order, facts, order.interviewed_on)
    if not order.consented:
        raise RuleViolation(
            "survey_not_consented", "Nobody is asked who did not agree to be asked. Record that the person refused instead."
        )
    outside = not asked.is_open_in(months)
    if outside and not order.out_of_window:
        raise RuleViolation(
            "outside_window",
            f"This round is asked from {asked.from_month} to {asked.to_month} complete months after the arrival, and this was "
            f"after {months}. Say so, if it is recorded all the same.",
        )
    answers, scores = _counted(facts, asked.scheme, order.answers)
    return (
        SurveyRecorded(
            case_id=order.case_id, person_id=order.person_id, country=case.destination_country, round_id=order.round_id,
            instrument=asked.instrument, instrument_version=asked.instrument_version, scheme=asked.scheme, round=asked.round,
            mode=order.mode, interviewed_on=order.interviewed_on, months=months, out_of_window=outside, answers=answers,
            scores=scores, recorded_by=context.actor.person_id, recorded_at=context.now,
        ),
    )  # fmt: skip


def _refuse(order: RefuseSurvey, facts: SurveyFacts, context: Context) -> Events:
    case, asked, months = _asked(order, facts, order.asked_on)
    return (
        SurveyRefused(
            case_id=order.case_id, person_id=order.person_id, country=case.destination_country, round_id=order.round_id,
            instrument=asked.instrument, instrument_version=asked.instrument_version, round=asked.round, mode=order.mode,
            asked_on=order.asked_on, months=months, recorded_by=context.actor.person_id, recorded_at=context.now,
        ),
    )  # fmt: skip


def _was_answered(state: Survey, _: SurveyFacts, __: Context) -> None:
    if state.outcome == "declined":
        raise RuleViolation("survey_refused", "This person did not wish to be asked, so there is nothing to correct.")


@ReadsFacts
def _not_by_whoever_pays(_: Survey, facts: SurveyFacts, __: Context) -> None:
    if facts.pays:
        raise interviewer_pays()


def _correct(state: Survey, order: CorrectSurvey, facts: SurveyFacts, context: Context) -> Events:
    assert state.scheme is not None
    answers, scores = _counted(facts, state.scheme, order.answers)
    return (
        SurveyCorrected(
            answers_no=state.answers_no + 1, reason=order.reason, answers=answers, scores=scores,
            corrected_by=context.actor.person_id, corrected_at=context.now,
        ),
    )  # fmt: skip


def evolve(state: Survey | None, event: Event) -> Survey:
    """The survey after one fact; TypeError for one that does not fit."""
    match event:
        case SurveyRecorded() if state is None:
            return Survey(
                event.case_id, event.person_id, event.country, event.round_id, event.instrument, event.instrument_version,
                event.scheme, event.round, event.mode, event.interviewed_on, event.months, "answered", event.recorded_by,
                event.recorded_at, event.out_of_window, answers_no=1,
            )  # fmt: skip
        case SurveyRefused() if state is None:
            return Survey(
                event.case_id, event.person_id, event.country, event.round_id, event.instrument, event.instrument_version,
                None, event.round, event.mode, event.asked_on, event.months, "declined", event.recorded_by, event.recorded_at,
            )  # fmt: skip
        case SurveyCorrected() if state is not None and state.outcome == "answered":
            return replace(
                state, answers_no=event.answers_no, correction_reason=event.reason, corrected_by=event.corrected_by,
                corrected_at=event.corrected_at,
            )  # fmt: skip
        case _:
            raise TypeError(f"{type(event).__name__} does not fit a survey here")


SURVEY: Decider[Survey, SurveyFacts] = Decider(
    rules=(
        opening(RecordSurvey, "Record a survey", _record),
        opening(RefuseSurvey, "Record that somebody refused", _refuse),
        changing(CorrectSurvey, "Correct the answers", _correct, _was_answered, _not_by_whoever_pays),
    ),
    evolve=evolve,
    events=(SurveyRecorded, SurveyRefused, SurveyCorrected),
)
