"""The events of reintegration plans; fields are only ever added."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from shared.contracts.counselling import Country
from shared.messages import Concealed, Event, Part
from shared.money import Money

Dimension = Literal["economic", "social", "psychosocial", "immediate"]
# What is done about a need, after the kinds of assistance of the plan's template.
Activity = Literal[
    "new_business", "existing_business", "collective_project", "community_project", "employment", "vocational_training",
    "cash_for_work", "housing_support", "medical_support", "education_support", "skills_development", "legal_services",
    "social_protection", "childcare", "security_measures", "counselling", "mental_health_care", "family_mediation",
    "peer_support", "cash", "basic_needs", "accommodation", "other",
]  # fmt: skip
# How the returnee said that this is their plan.
ConfirmationMethod = Literal["signed", "verbal"]
RevisionReason = Literal[
    "needs_changed", "not_feasible", "price_changed", "provider_changed", "persons_changed", "entered_in_error"
]
# What came of a line; of one that whoever completed the plan was not told of it is not told.
LineOutcome = Literal["granted", "referred", "other_support", "not_needed", "given_up", "not_told"]


class PlanLine(Part):
    """One need of one person in a reintegration plan.

    ``details`` conceal its dimension and all that is planned beyond the money: they may tell of health. In older facts
    there are none, and the dimension stands in clear.
    """

    line_id: UUID
    person_id: UUID
    dimension: Dimension | None = None
    category: Concealed
    planned: Money
    details: Concealed | None = None


class PlanDrafted(Event, kind="avrr.reintegration.plan.drafted.v1"):
    """The own plan is being made; a later draft replaces this one."""

    case_id: UUID
    destination_country: Country
    person_ids: tuple[UUID, ...]
    lines: tuple[PlanLine, ...]
    drafted_at: datetime


class OwnPlanRecorded(Event, kind="avrr.reintegration.plan.own_plan_recorded.v1"):
    """The returnee's own plan before departure, with the persons whom it covers."""

    case_id: UUID
    destination_country: Country
    person_ids: tuple[UUID, ...]
    lines: tuple[PlanLine, ...]
    recorded_at: datetime | None = None
    method: ConfirmationMethod | None = None


class PlanShared(Event, kind="avrr.reintegration.plan.shared.v1"):
    """The own plan may be read by the receiving office before anybody arrives, as long as its persons agree to that."""

    case_id: UUID
    plan_version: int
    shared_at: datetime


class PlanAgreed(Event, kind="avrr.reintegration.plan.agreed.v1"):
    """After arrival returnee and receiving office agreed this version; ``agreed_by`` did for the office."""

    case_id: UUID
    destination_country: Country
    person_ids: tuple[UUID, ...]
    plan_version: int
    lines: tuple[PlanLine, ...]
    agreed_on: date
    method: ConfirmationMethod | None = None
    agreed_by: str | None = None


class PlanRevised(Event, kind="avrr.reintegration.plan.revised.v1"):
    """Returnee and receiving office agreed a further version, which replaces the one before, for a reason."""

    case_id: UUID
    destination_country: Country
    person_ids: tuple[UUID, ...]
    plan_version: int
    lines: tuple[PlanLine, ...]
    agreed_on: date
    method: ConfirmationMethod
    agreed_by: str
    reason: RevisionReason


class SettledLine(Part):
    """What came of one line of a completed plan."""

    line_id: UUID
    person_id: UUID
    outcome: Concealed


class PlanCompleted(Event, kind="avrr.reintegration.plan.completed.v1"):
    """Every line of the present version came to something; no grant is live."""

    case_id: UUID
    plan_version: int
    lines: tuple[SettledLine, ...]
    completed_at: datetime


EVENTS: tuple[type[Event], ...] = (
    PlanDrafted, OwnPlanRecorded, PlanShared, PlanAgreed, PlanRevised, PlanCompleted,
)  # fmt: skip
