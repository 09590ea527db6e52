"""What has to have come of each line of a plan before the plan is completed."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from services.reintegration.domain.plan_lines import MOST_LINES, MOST_OF_HEALTH, Line, line_twice
from services.reintegration.domain.plan_state import AGREED, Plan, PlanFacts
from shared.contracts.plans import LineOutcome, PlanCompleted, SettledLine
from shared.decider import Events, ReadsFacts
from shared.errors import RuleViolation
from shared.messages import Command, Concealed, Context, Part

OtherOutcome = Literal["referred", "other_support", "not_needed", "given_up"]


class OtherwiseSettled(Part):
    """What came of a line for which no grant was completed."""

    line_id: UUID
    outcome: OtherOutcome


class CompletePlan(Command):
    """Record that every line of the plan came to something: by a grant that was completed, or as you say here."""

    otherwise: Annotated[tuple[OtherwiseSettled, ...], Field(max_length=MOST_LINES + MOST_OF_HEALTH)] = ()


class CompletePlanWithoutHealth(CompletePlan):
    """Complete the plan for an office that may not be told of somebody's health.

    What came of lines that tell of it stays open: nobody says so, but for those in ``seen``, which it is told of for their money.
    """

    seen: tuple[UUID, ...] = ()


def is_agreed(state: Plan, facts: PlanFacts, context: Context) -> None:
    """The guard of what follows an agreement: ``plan_not_agreed``, or ``plan_completed`` already."""
    if state.status not in AGREED:
        raise RuleViolation(
            "plan_not_agreed", "The plan has not been agreed after arrival. The receiving office agrees it first."
        )


def is_not_completed(state: Plan, facts: PlanFacts, context: Context) -> None:
    """The guard that completes a plan once: ``plan_completed``."""
    if state.status == "completed":
        raise plan_completed()


def plan_completed() -> RuleViolation:
    """Refuses what a completed plan does not take."""
    return RuleViolation("plan_completed", "This plan is completed. A new version takes it up again.")


@ReadsFacts
def no_grant_is_live(state: Plan, facts: PlanFacts, context: Context) -> None:
    """The guard that reads the grants: ``grants_under_way`` while one of the plan has not ended."""
    if facts.live_lines:
        raise RuleViolation(
            "grants_under_way", "A grant of this plan is still under way. It is completed once each has ended."
        )


def complete(state: Plan, order: CompletePlan, facts: PlanFacts, context: Context) -> Events:
    """As it is said by whoever is told of all lines."""
    return (_completed(state, order, facts, context, state.lines),)


def complete_without_health(
    state: Plan, order: CompletePlanWithoutHealth, facts: PlanFacts, context: Context
) -> Events:
    """As it is said by whoever is not told of lines of health."""
    return (_completed(state, order, facts, context, state.without_health(but=order.seen).lines),)


def _completed(
    state: Plan, order: CompletePlan, facts: PlanFacts, context: Context, told: Sequence[Line]
) -> PlanCompleted:
    said = {line.line_id: line.outcome for line in order.otherwise}
    if len(said) < len(order.otherwise):
        raise line_twice()
    if not said.keys() <= {line.line_id for line in told}:
        raise RuleViolation("line_not_in_plan", "The plan has no such line. Look at it again.")
    # Of who was erased it is not said any more what came of what.
    known = [line for line in state.lines if line.category is not None]
    outcomes: dict[UUID, LineOutcome] = {line.line_id: "not_told" for line in known}
    for line in told:
        if line.category is None:
            continue
        if line.line_id in facts.granted_lines:
            outcomes[line.line_id] = "granted"
        elif line.line_id in said:
            outcomes[line.line_id] = said[line.line_id]
        else:
            raise RuleViolation(
                "line_not_settled",
                "No grant was completed for a line of this plan. Say of each such line what came of it.",
            )
    return PlanCompleted(
        case_id=state.case_id, plan_version=state.plan_version, completed_at=context.now,
        lines=tuple(
            SettledLine(line_id=line.line_id, person_id=line.person_id, outcome=Concealed.of(outcomes[line.line_id]))
            for line in known
        ),
    )  # fmt: skip
