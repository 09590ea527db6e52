"""A reintegration plan as it stands in its present version, and how each fact changes it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal, cast
from uuid import UUID

from services.reintegration.domain.case import Case
from services.reintegration.domain.plan_lines import Line, PlannedLine, kept
from shared.contracts.plans import (
    ConfirmationMethod,
    LineOutcome,
    OwnPlanRecorded,
    PlanAgreed,
    PlanCompleted,
    PlanDrafted,
    PlanRevised,
    PlanShared,
    RevisionReason,
)
from shared.messages import Event
from shared.transitions import moved

PlanStatus = Literal["draft", "own_plan", "shared", "agreed", "completed"]

BEGINNINGS: frozenset[str] = frozenset({"draft", "own_plan", "agreed"})
TRANSITIONS: Mapping[str, frozenset[str]] = {
    "draft": frozenset({"draft", "own_plan", "agreed"}),
    "own_plan": frozenset({"shared", "agreed"}),
    "shared": frozenset({"agreed"}),
    # Each revision is agreed anew, so it leads to an agreed plan again.
    "agreed": frozenset({"agreed", "completed"}),
    "completed": frozenset({"agreed"}),
}
# As an office recorded it: what came of it, it says as well.
AGREED: frozenset[PlanStatus] = frozenset({"agreed", "completed"})


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one return case in its present version; a draft is version 0, the own plan version 1.

    ``recorded_at`` is when the own plan was recorded, ``agreed_on`` the day on which the returnee agreed to the present
    version, by which ``method``, and ``agreed_by`` who did for the office; ``first_agreed_on`` is that day of the first
    agreement, by which a report counts. ``reason`` is why the present version replaced an agreed one.
    """

    case_id: UUID
    destination_country: str
    person_ids: tuple[UUID, ...]
    lines: tuple[Line, ...]
    status: PlanStatus = "own_plan"
    plan_version: int = 1
    agreed_on: date | None = None
    recorded_at: datetime | None = None
    first_agreed_on: date | None = None
    method: ConfirmationMethod | None = None
    agreed_by: str | None = None
    reason: RevisionReason | None = None
    shared_at: datetime | None = None
    completed_at: datetime | None = None

    def line(self, line_id: UUID) -> Line | None:
        """The line of the present version under this id."""
        return next((line for line in self.lines if line.line_id == line_id), None)

    def without_health(self, but: Collection[UUID] = ()) -> "Plan":
        """The plan without the lines that tell of somebody's health, or may have before an erasure, ``but`` for these."""
        return replace(self, lines=tuple(line for line in self.lines if not line.may_tell_of_health or line.line_id in but))

    def about(self, person_ids: Collection[UUID]) -> "Plan":
        """The plan as far as it is about these persons."""
        return replace(
            self, person_ids=tuple(id for id in self.person_ids if id in person_ids),
            lines=tuple(line for line in self.lines if line.person_id in person_ids),
        )  # fmt: skip

    def stands(self, said: PlannedLine) -> bool:
        """Whether the present version has exactly this line."""
        line = self.line(said.line_id)
        return line is not None and line.is_said(said)


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """The plan's case, whether that case has a plan under another id, and the mission's calendar day.

    ``live_lines`` are the lines with a grant that has not ended, ``granted_lines`` those with one that was completed.
    """

    case: Case | None = None
    case_has_a_plan: bool = True
    today: date = date.min
    live_lines: frozenset[UUID] = frozenset()
    granted_lines: frozenset[UUID] = frozenset()


def evolve(state: Plan | None, event: Event) -> Plan:
    """The plan after one of its events; TypeError for an event that is not one of its own."""
    if isinstance(event, PlanDrafted | OwnPlanRecorded | PlanAgreed | PlanRevised):
        return _version(state, event)
    if state is None:
        raise TypeError(f"a plan cannot begin with {type(event).__name__}")
    match event:
        case PlanShared():
            return replace(state, status=moved(TRANSITIONS, state.status, "shared"), shared_at=event.shared_at)
        case PlanCompleted():
            outcomes = {line.line_id: cast("LineOutcome | None", line.outcome.value) for line in event.lines}
            return replace(
                state, status=moved(TRANSITIONS, state.status, "completed"), completed_at=event.completed_at,
                lines=tuple(replace(line, outcome=outcomes.get(line.line_id)) for line in state.lines),
            )  # fmt: skip
        case _:
            raise TypeError(f"{type(event).__name__} is not an event of a plan")


def _version(state: Plan | None, event: PlanDrafted | OwnPlanRecorded | PlanAgreed | PlanRevised) -> Plan:
    lines = tuple(kept(line) for line in event.lines)
    begun = state or Plan(event.case_id, event.destination_country, event.person_ids, lines)
    to: PlanStatus
    match event:
        case PlanDrafted():
            to, number = "draft", 0
        case OwnPlanRecorded():
            to, number = "own_plan", 1
        case PlanAgreed() | PlanRevised():
            to, number = "agreed", event.plan_version
    if state is not None:
        moved(TRANSITIONS, state.status, to)
    plan = replace(begun, person_ids=event.person_ids, lines=lines, status=to, plan_version=number, completed_at=None)
    match event:
        case OwnPlanRecorded():
            return replace(plan, recorded_at=event.recorded_at, method=event.method)
        case PlanAgreed() | PlanRevised():
            return replace(
                plan, agreed_on=event.agreed_on, first_agreed_on=plan.first_agreed_on or event.agreed_on,
                method=event.method, agreed_by=event.agreed_by,
                reason=event.reason if isinstance(event, PlanRevised) else None,
            )  # fmt: skip
        case _:
            return plan
