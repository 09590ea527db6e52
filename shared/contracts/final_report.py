"""The event of returns about the final report on a case, which it is closed with; fields are only ever added."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.messages import Concealed, Event

# What the last meeting was, what the support contributed to, and what came of the plan.
FinalMeeting = Literal["held_in_person", "held_remotely", "not_held"]
Contribution = Literal["income", "housing", "health", "education", "family", "community", "nothing"]
PlanOutcome = Literal["reached", "partly_reached", "not_reached", "no_plan", "not_known"]
PartnerFeedback = Literal["positive", "mixed", "negative", "not_given"]
# The survey on reintegration, or why there is none.
FollowUp = Literal["done", "declined", "person_not_reached", "too_early"]


class FinalReportWritten(Event, kind="avrr.returns.case.final_report_written.v1"):
    """The final report on a case is on record; it takes the place of an earlier one. What it says stands beside the log."""

    report_id: UUID
    written_by: str
    written_at: datetime
    findings: Concealed


EVENTS: tuple[type[Event], ...] = (FinalReportWritten,)
