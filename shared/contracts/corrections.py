"""The events of returns about a record of a journey that was wrong; fields are only ever added."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.messages import Event

# What may have been recorded wrongly of somebody's journey.
Correctable = Literal["departure", "arrival"]


class CorrectionAsked(Event, kind="avrr.returns.case.correction_asked.v1"):
    """Somebody says that one person's departure or arrival was recorded wrongly; another person has to decide.

    ``withdrew_at`` is when the person had withdrawn, where that is why, and lies before the departure.
    """

    person_id: UUID
    of: Correctable
    asked_by: str
    asked_at: datetime
    withdrew_at: datetime | None = None


class CorrectionRejected(Event, kind="avrr.returns.case.correction_rejected.v1"):
    """What was recorded stands; a second person decided so."""

    person_id: UUID
    of: Correctable
    rejected_by: str


class DepartureCorrected(Event, kind="avrr.returns.case.departure_corrected.v1"):
    """This person did not leave, as a second person confirmed."""

    person_id: UUID
    corrected_by: str
    corrected_at: datetime


class ArrivalCorrected(Event, kind="avrr.returns.case.arrival_corrected.v1"):
    """This person has not arrived, as a second person confirmed, and is awaited again."""

    person_id: UUID
    corrected_by: str
    corrected_at: datetime


EVENTS: tuple[type[Event], ...] = (CorrectionAsked, CorrectionRejected, DepartureCorrected, ArrivalCorrected)
