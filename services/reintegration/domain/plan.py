"""A reintegration plan: drafted, the returnee's own, shared, agreed after arrival, revised, and completed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.reintegration.domain.amounts import earliest_day, refuse_two_currencies
from services.reintegration.domain.case import Case, refuse_unless_open
from services.reintegration.domain.plan_completion import (
    CompletePlan,
    CompletePlanWithoutHealth,
    complete,
    complete_without_health,
    is_agreed,
    is_not_completed,
    no_grant_is_live,
)
from services.reintegration.domain.plan_lines import (
    OF_HEALTH,
    Lines,
    PlannedLine,
    line_twice,
    planned,
    standing,
)
from services.reintegration.domain.plan_state import AGREED, Plan, PlanFacts, evolve
from shared.contracts.plans import (
    ConfirmationMethod,
    OwnPlanRecorded,
    PlanAgreed,
    PlanCompleted,
    PlanDrafted,
    PlanLine,
    PlanRevised,
    PlanShared,
    RevisionReason,
)
from shared.decider import Decider, Events, changing, opening
from shared.errors import NotFound, RuleViolation
from shared.messages import Command, Context
from shared.moments import Day

CoveredPersons = Annotated[tuple[UUID, ...], Field(min_length=1, max_length=30)]
Method = Annotated[ConfirmationMethod, Field(description="Whether the returnee signed it or said so.")]


class DraftPlan(Command):
    """Begin the plan that the returnee makes before departure. It covers every person of the case."""

    case_id: UUID
    person_ids: CoveredPersons
    lines: Lines


class ChangeDraft(Command):
    """Replace the lines of the draft."""

    lines: Lines


class ConfirmDraft(Command):
    """Record that the draft, as it stands, is the returnee's own plan."""

    method: Method


class RecordOwnPlan(Command):
    """Record the plan that the returnee made before departure. It covers every person of the case."""

    case_id: UUID
    person_ids: CoveredPersons
    lines: Lines
    method: Method


class SharePlan(Command):
    """Let the receiving office read the own plan before anybody arrives: of an approved case, whose persons agreed to that."""


class AgreePlan(Command):
    """Record what returnee and receiving office agreed after arrival. It replaces all lines that you may be told of.

    What you cannot see stays in the plan as it is.
    """

    lines: Lines
    agreed_on: Day
    method: Method


class AgreePlanWithoutHealth(AgreePlan):
    """Record what was agreed by an office that may not be told of somebody's health.

    Lines that tell of it stand as they are.
    """


class RevisePlan(AgreePlan):
    """Record a new version of the agreed plan, as returnee and receiving office agreed it, and why there is one.

    What you cannot see stays in the plan as it is.
    """

    reason: RevisionReason


class RevisePlanWithoutHealth(RevisePlan):
    """Record a new version agreed by an office that may not be told of somebody's health.

    Lines that tell of it stand as they are.
    """


class AgreeFirstPlan(Command):
    """Record the agreement after arrival for a case that travelled without an own plan."""

    case_id: UUID
    person_ids: CoveredPersons
    lines: Lines
    agreed_on: Day
    method: Method


def _is_a_draft(state: Plan, facts: PlanFacts, context: Context) -> None:
    if state.status != "draft":
        raise RuleViolation("not_a_draft", "This plan is no draft any more.")


def _nobody_arrived(state: Plan, facts: PlanFacts, context: Context) -> None:
    _refuse_after_arrival(refuse_unless_open(facts.case))


def _someone_arrived(state: Plan, facts: PlanFacts, context: Context) -> None:
    _refuse_before_arrival(refuse_unless_open(facts.case))


def _case_is_approved(state: Plan, facts: PlanFacts, context: Context) -> None:
    if not refuse_unless_open(facts.case).may_be_shared:
        raise RuleViolation(
            "case_not_approved",
            "Nobody abroad is told of a case before it is approved. The plan is shared once preparation has started.",
        )


def _is_not_agreed(state: Plan, facts: PlanFacts, context: Context) -> None:
    if state.status in AGREED:
        raise RuleViolation("already_agreed", "This plan is agreed already. It is revised, with a reason, as a new version.")


def _is_to_be_shared(state: Plan, facts: PlanFacts, context: Context) -> None:
    if state.status == "draft":
        raise RuleViolation("still_a_draft", "The returnee has not confirmed this plan yet. A draft is not shared.")
    if state.status == "shared":
        raise RuleViolation("already_shared", "The receiving office may read this plan already.")


def _draft(order: DraftPlan, facts: PlanFacts, context: Context) -> Events:
    case = refuse_unless_open(facts.case)
    _refuse_after_arrival(case)
    _refuse_second_plan(facts)
    _refuse_unless_covering(case, order.person_ids)
    return (
        PlanDrafted(
            case_id=order.case_id, destination_country=case.destination_country, person_ids=order.person_ids,
            lines=planned(order.lines, order.person_ids), drafted_at=context.now,
        ),
    )  # fmt: skip


def _change_draft(state: Plan, order: ChangeDraft, facts: PlanFacts, context: Context) -> Events:
    covered = _covered(state, refuse_unless_open(facts.case))
    return (
        PlanDrafted(
            case_id=state.case_id, destination_country=state.destination_country, person_ids=covered,
            lines=planned(order.lines, covered, state.lines), drafted_at=context.now,
        ),
    )  # fmt: skip


def _confirm_draft(state: Plan, order: ConfirmDraft, facts: PlanFacts, context: Context) -> Events:
    _refuse_unless_covering(refuse_unless_open(facts.case), state.person_ids)
    return (
        OwnPlanRecorded(
            case_id=state.case_id, destination_country=state.destination_country, person_ids=state.person_ids,
            lines=standing(state.lines), recorded_at=context.now, method=order.method,
        ),
    )  # fmt: skip


def _share(state: Plan, order: SharePlan, facts: PlanFacts, context: Context) -> Events:
    return (PlanShared(case_id=state.case_id, plan_version=state.plan_version, shared_at=context.now),)


def _record_own_plan(order: RecordOwnPlan, facts: PlanFacts, context: Context) -> Events:
    case = refuse_unless_open(facts.case)
    _refuse_after_arrival(case)
    _refuse_second_plan(facts)
    _refuse_unless_covering(case, order.person_ids)
    return (
        OwnPlanRecorded(
            case_id=order.case_id,
            destination_country=case.destination_country,
            person_ids=order.person_ids,
            lines=planned(order.lines, order.person_ids),
            recorded_at=context.now,
            method=order.method,
        ),
    )


def _agree(state: Plan, order: AgreePlan, facts: PlanFacts, context: Context) -> Events:
    return (_agreed_anew(state, order, context, *_lines_of_all(state, order, facts)),)


def _agree_without_health(state: Plan, order: AgreePlanWithoutHealth, facts: PlanFacts, context: Context) -> Events:
    return (_agreed_anew(state, order, context, *_lines_without_health(state, order, facts)),)


def _revise(state: Plan, order: RevisePlan, facts: PlanFacts, context: Context) -> Events:
    return (_revised(state, order, context, *_lines_of_all(state, order, facts)),)


def _revise_without_health(state: Plan, order: RevisePlanWithoutHealth, facts: PlanFacts, context: Context) -> Events:
    return (_revised(state, order, context, *_lines_without_health(state, order, facts)),)


def _lines_of_all(state: Plan, order: AgreePlan, facts: PlanFacts) -> tuple[tuple[UUID, ...], tuple[PlanLine, ...]]:
    """Whom a version covers, and its lines, as whoever is told of all of them says."""
    case = refuse_unless_open(facts.case)
    _refuse_impossible_day(order.agreed_on, case, facts)
    covered = _covered(state, case)
    return covered, planned(order.lines, covered, state.lines)


def _lines_without_health(
    state: Plan, order: AgreePlan, facts: PlanFacts
) -> tuple[tuple[UUID, ...], tuple[PlanLine, ...]]:
    case = refuse_unless_open(facts.case)
    _refuse_impossible_day(order.agreed_on, case, facts)
    covered = _covered(state, case)
    # Whoever goes on in another case takes along what is planned for them.
    # A draft holds nothing that the returnee confirmed, so none of it stands in what is agreed.
    before = replace(state.about(covered), lines=()) if state.status == "draft" else state.about(covered)
    of_health = tuple(line for line in before.lines if line.tells_of_health)
    # An office sees medical lines that it agreed itself while money is owed, and says them again with all the others.
    said = tuple(line for line in order.lines if not (_of_health(line) and before.stands(line)))
    if any(_of_health(line) for line in said):
        raise NotFound
    if {line.line_id for line in said} & {line.line_id for line in of_health}:
        raise line_twice()
    lines = planned(said, covered, state.lines)
    # Held against what is told of the plan as it was, so that the same is refused whether or not there is more.
    refuse_two_currencies(
        (*(line.planned for line in order.lines), *(line.money for line in before.without_health().lines))
    )
    return covered, (*lines, *standing(of_health))


def _of_health(line: PlannedLine) -> bool:
    return line.category in OF_HEALTH or line.dimension == "psychosocial"


def _covered(state: Plan, case: Case) -> tuple[UUID, ...]:
    """Whom a new version covers: everybody of the case, also who came to it when a family was joined again."""
    return state.person_ids if set(state.person_ids) == set(case.person_ids) else case.person_ids


def _agreed_anew(
    state: Plan, order: AgreePlan, context: Context, covered: tuple[UUID, ...], lines: tuple[PlanLine, ...]
) -> PlanAgreed:
    return PlanAgreed(
        case_id=state.case_id, destination_country=state.destination_country, person_ids=covered,
        plan_version=state.plan_version + 1, lines=lines, agreed_on=order.agreed_on, method=order.method,
        agreed_by=context.actor.person_id,
    )  # fmt: skip


def _revised(
    state: Plan, order: RevisePlan, context: Context, covered: tuple[UUID, ...], lines: tuple[PlanLine, ...]
) -> PlanRevised:
    return PlanRevised(
        case_id=state.case_id, destination_country=state.destination_country, person_ids=covered,
        plan_version=state.plan_version + 1, lines=lines, agreed_on=order.agreed_on, method=order.method,
        agreed_by=context.actor.person_id, reason=order.reason,
    )  # fmt: skip


def _agree_first(order: AgreeFirstPlan, facts: PlanFacts, context: Context) -> Events:
    case = refuse_unless_open(facts.case)
    _refuse_before_arrival(case)
    _refuse_second_plan(facts)
    _refuse_unless_covering(case, order.person_ids)
    _refuse_impossible_day(order.agreed_on, case, facts)
    return (
        PlanAgreed(
            case_id=order.case_id,
            destination_country=case.destination_country,
            person_ids=order.person_ids,
            plan_version=1,
            lines=planned(order.lines, order.person_ids),
            agreed_on=order.agreed_on,
            method=order.method,
            agreed_by=context.actor.person_id,
        ),
    )


def _refuse_after_arrival(case: Case) -> None:
    if case.arrived:
        raise RuleViolation(
            "already_arrived",
            "Somebody of this case has arrived. An own plan is made before departure; now the plan is "
            "agreed with the receiving office.",
        )


def _refuse_before_arrival(case: Case) -> None:
    if not case.arrived:
        raise RuleViolation(
            "not_arrived_yet",
            "Nobody of this case has arrived yet. The plan is agreed once the receiving office has "
            "confirmed an arrival.",
        )


def _refuse_second_plan(facts: PlanFacts) -> None:
    if facts.case_has_a_plan:
        raise RuleViolation(
            "case_has_a_plan", "This case has a plan already; it is changed by agreeing a new version."
        )


def _refuse_unless_covering(case: Case, person_ids: Sequence[UUID]) -> None:
    if len(set(person_ids)) < len(person_ids):
        raise RuleViolation("person_twice", "A person is named twice among those whom the plan covers.")
    if not set(case.person_ids) <= set(person_ids):
        raise RuleViolation("person_not_covered", "The plan must cover every person of the case.")
    if not set(person_ids) <= set(case.person_ids):
        raise RuleViolation("not_in_the_case", "The plan covers somebody who does not belong to the case.")


def _refuse_impossible_day(agreed_on: date, case: Case, facts: PlanFacts) -> None:
    if agreed_on > facts.today:
        raise RuleViolation(
            "in_the_future", "The plan cannot have been agreed on a day that is still to come."
        )
    if agreed_on < min(earliest_day(arrival.arrived_at) for arrival in case.arrived):
        raise RuleViolation(
            "agreed_before_arrival", "The plan cannot have been agreed before anybody arrived."
        )


PLAN: Decider[Plan, PlanFacts] = Decider(
    rules=(
        opening(DraftPlan, "Draft the own plan", _draft),
        changing(ChangeDraft, "Change the draft", _change_draft, _is_a_draft, _nobody_arrived),
        changing(ConfirmDraft, "Confirm the own plan", _confirm_draft, _is_a_draft, _nobody_arrived),
        opening(RecordOwnPlan, "Record the own plan", _record_own_plan),
        changing(SharePlan, "Share the plan", _share, _is_not_agreed, _is_to_be_shared, _nobody_arrived, _case_is_approved),
        changing(AgreePlan, "Agree the plan", _agree, _is_not_agreed, _someone_arrived),
        changing(
            AgreePlanWithoutHealth, "Agree the plan but for what tells of health", _agree_without_health,
            _is_not_agreed, _someone_arrived,
        ),
        opening(AgreeFirstPlan, "Agree a first plan after arrival", _agree_first),
        changing(RevisePlan, "Revise the plan", _revise, is_agreed, _someone_arrived),
        changing(
            RevisePlanWithoutHealth, "Revise the plan but for what tells of health", _revise_without_health,
            is_agreed, _someone_arrived,
        ),
        changing(CompletePlan, "Complete the plan", complete, is_agreed, is_not_completed, no_grant_is_live),
        changing(
            CompletePlanWithoutHealth, "Complete the plan but for what tells of health", complete_without_health,
            is_agreed, is_not_completed, no_grant_is_live,
        ),
    ),
    evolve=evolve,
    events=(PlanDrafted, OwnPlanRecorded, PlanShared, PlanAgreed, PlanRevised, PlanCompleted),
)
