"""The events of reintegration about surveys: which instruments and rounds there are, and that somebody was asked; no answer."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.counselling import Country, Sha256, StaffId
from shared.messages import Concealed, Event

SurveyCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
RoundName = Literal["baseline", "midline", "endline"]
SurveyMode = Literal["in_person", "phone", "video"]
AnswerCorrection = Literal["mistyped", "misunderstood", "wrong_question"]
Months = Annotated[int, Field(strict=True, ge=0, le=120)]
Count = Annotated[int, Field(strict=True, ge=1)]


class InstrumentPublished(Event, kind="avrr.reintegration.instrument.published.v1"):
    """A version of a survey can be asked from now on and never changes; ``sha256`` is of the file as it was brought."""

    instrument: SurveyCode
    instrument_version: Count
    items: Count
    sha256: Sha256
    published_by: StaffId
    published_at: datetime


class SurveyRoundPlanned(Event, kind="avrr.reintegration.survey_round.planned.v1"):
    """Whoever arrived is asked by this version between so many complete months after their arrival, both counted."""

    instrument: SurveyCode
    instrument_version: Count
    scheme: SurveyCode
    round: RoundName
    from_month: Months
    to_month: Months
    planned_by: StaffId
    planned_at: datetime


class SurveyRoundEnded(Event, kind="avrr.reintegration.survey_round.ended.v1"):
    """Nobody is asked in this round any more; what was answered stays."""

    ended_by: StaffId
    ended_at: datetime


class SurveyRecorded(Event, kind="avrr.reintegration.survey.recorded.v1"):
    """Somebody agreed to be asked and answered; what they said, and what it scores, is concealed and sealed apart."""

    case_id: UUID
    person_id: UUID
    country: Country
    round_id: UUID
    instrument: SurveyCode
    instrument_version: Count
    scheme: SurveyCode
    round: RoundName
    mode: SurveyMode
    interviewed_on: date
    months: Months
    out_of_window: bool
    answers: Concealed
    scores: Concealed
    recorded_by: StaffId
    recorded_at: datetime


class SurveyRefused(Event, kind="avrr.reintegration.survey.refused.v1"):
    """Somebody does not wish to be asked, which has no effect on their assistance."""

    case_id: UUID
    person_id: UUID
    country: Country
    round_id: UUID
    instrument: SurveyCode
    instrument_version: Count
    round: RoundName
    mode: SurveyMode
    asked_on: date
    months: Months
    recorded_by: StaffId
    recorded_at: datetime


class SurveyCorrected(Event, kind="avrr.reintegration.survey.corrected.v1"):
    """The answers had been recorded wrongly; those of before stay, under their number."""

    answers_no: Count
    reason: AnswerCorrection
    answers: Concealed
    scores: Concealed
    corrected_by: StaffId
    corrected_at: datetime


EVENTS: tuple[type[Event], ...] = (
    InstrumentPublished, SurveyRoundPlanned, SurveyRoundEnded, SurveyRecorded, SurveyRefused, SurveyCorrected,
)
