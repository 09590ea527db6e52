"""The events of returns about support on the way, which a person needs until they have arrived; fields are only ever added."""

from datetime import date
from typing import Literal
from uuid import UUID

from shared.messages import Concealed, Event
from shared.money import Money

SupportKind = Literal["medical", "psychosocial", "childcare", "accommodation", "financial"]
SupportNeed = Literal[
    "medical_examination", "medical_treatment", "medication", "medical_aid", "psychological_counselling", "psychiatric_care",
    "care_of_children", "supplies_for_children", "nights_before_departure", "nights_on_the_way",
    "costs_of_documents", "costs_of_local_travel", "subsistence",
]
SupportOutcome = Literal["need_met", "partly_met", "not_met", "referred"]
SupportCancellation = Literal["not_needed", "declined", "provided_by_others", "recorded_by_mistake"]


class SupportPlanned(Event, kind="avrr.returns.case.support_planned.v1"):
    """It is on record that a person needs something on the way, and on which days.

    What they need stands beside the log, for it may tell of health: of two leaves nobody can say which of them does.
    """

    support_id: UUID
    person_id: UUID
    need: Concealed
    needed_from: date
    needed_until: date | None = None


class SupportGiven(Event, kind="avrr.returns.case.support_given.v1"):
    """A person was given what they needed: on which days, and what it cost.

    Who provided it, which line of the budget bears it and what came of it stand beside the log, as what was needed does.
    """

    support_id: UUID
    person_id: UUID
    provider: Concealed
    budget_line: Concealed
    outcome: Concealed
    cost: Money
    given_from: date
    given_until: date


class SupportCancelled(Event, kind="avrr.returns.case.support_cancelled.v1"):
    """What was planned for a person is not given. Why stands beside the log."""

    support_id: UUID
    person_id: UUID
    reason: Concealed


EVENTS: tuple[type[Event], ...] = (SupportPlanned, SupportGiven, SupportCancelled)
