"""What a receiving office may know of a plan, and which orders it may give on one, by what the persons agree to now."""

from collections.abc import Sequence
from uuid import UUID

from services.reintegration import queries, window, wiring
from services.reintegration.domain.plan_lines import PlannedLine
from services.reintegration.domain.plan_state import AGREED, Plan
from services.reintegration.domain.plan_told import told_abroad
from shared.agreeing import agreed as agreed_now
from shared.conditions import etag, version_shown
from shared.disclosure import ConsentUnanswered
from shared.errors import NotFound, RuleViolation
from shared.handling import ShownAs, states
from shared.http import Call, View


def own_plan(plan: Plan) -> bool:
    """Whether an office recorded the plan as it is."""
    return plan.status in AGREED


async def plan(call: Call, plan_id: UUID) -> View[Plan]:
    """A plan as far as its reader may know it: an office sees no medical line without consent, but one with money owed."""
    found, judged = await plan_judged(call, plan_id)
    if not window.is_abroad(call):
        return found
    told = told_of(found.state, judged)
    version = version_shown(told)
    call.response.headers["ETag"] = etag(version)
    return found.model_copy(update={"version": version, "state": told})


async def plan_judged(call: Call, plan_id: UUID) -> tuple[View[Plan], window.Judged]:
    """A plan as it is, and what of it its reader may be told; `NotFound` also where before an arrival that is nothing."""
    found, judged = await window.view(
        call, wiring.PLAN, plan_id, lambda plan: plan.case_id, "plan", own=own_plan, recorded=window.is_abroad(call)
    )
    if window.is_abroad(call):
        await _refuse_untold(call, plan_id, found.state, judged)
        await call.on_record(plan_id)
    return found, judged


async def _refuse_untold(call: Call, plan_id: UUID, plan: Plan, judged: window.Judged) -> None:
    if not judged.arrived and told_of(plan, judged).status == "draft":
        await call.refused("not_consented", plan_id)
        raise NotFound


def plan_shown_as(call: Call, judged: window.Judged) -> ShownAs[Plan] | None:
    """By what this reader knows a plan of which so much may be told; an office by the lines that it is shown.

    So it replaces none that it was not shown, because health was told only after it had looked, say.
    """
    return (lambda plan: version_shown(told_of(plan, judged))) if window.is_abroad(call) else None


def told_of(plan: Plan, judged: window.Judged) -> Plan:
    """A plan, in any of its versions, as far as it may be told: of whom, and whether of their health.

    As `told_abroad`; within the mission all of it is.
    """
    if judged.persons is None:
        return plan
    return told_abroad(plan, judged.persons, judged.owed_lines, health=judged.health)


async def may_agree(call: Call, plan_id: UUID, lines: Sequence[PlannedLine]) -> window.Judged:
    """For an order to agree a plan anew, as `may_begin`, also where there was consent.

    Where health may not be told, lines that tell of it stand as they are. A medical line that its office sees all the same, because
    money is owed for it, may be said again as it stands.
    """
    if not window.is_abroad(call):
        return window.Judged()
    plan, judged = await _plan_and_judged(call, plan_id)
    seen = told_of(plan, judged)
    await window.refuse_unless_told(call, plan_id, window.of_each(judged, [line.category for line in lines if not seen.stands(line)]), own=False)
    return judged


async def may_complete(call: Call, plan_id: UUID) -> tuple[window.Judged, tuple[UUID, ...]]:
    """For an order to complete a plan: `NotFound` unless it may know of it; and which lines of health it is told of.

    An office completes what it agreed itself also while it has to account for money.
    """
    if not window.is_abroad(call):
        return window.Judged(), ()
    plan, judged = await _plan_and_judged(call, plan_id)
    await window.refuse_unless_told(call, plan_id, judged, own=own_plan(plan))
    return judged, tuple(line.line_id for line in told_of(plan, judged).lines if line.may_tell_of_health)


async def _plan_and_judged(call: Call, plan_id: UUID) -> tuple[Plan, window.Judged]:
    """A plan that an office gives an order on; `NotFound`, whatever version it names, if it knows of no such plan."""
    found = await call.ask(lambda unit: states(unit, wiring.PLAN, [plan_id], call.context.actor, reach=call.reach))
    sharing = await call.ask(lambda unit: queries.sharing(unit, found[plan_id].case_id)) if plan_id in found else None
    if sharing is None or not (sharing.arrived or (found[plan_id].status == "shared" and sharing.may_be_shared)):
        await window.refuse_unanswered(call, "plan")
        await call.refused(NotFound().code, plan_id)
        raise NotFound
    judged = await window.judged_by(call, sharing, "plan")
    if judged.withheld is None:
        await _refuse_untold(call, plan_id, found[plan_id], judged)
    return found[plan_id], judged


async def may_share(call: Call, plan_id: UUID) -> None:
    """For an order to share a plan: ``not_consented`` unless all whose consent its case goes by agree to it now.

    `ConsentUnanswered` if nobody could say.
    """
    found = await call.ask(lambda unit: states(unit, wiring.PLAN, [plan_id], call.context.actor, reach=call.reach))
    sharing = await call.ask(lambda unit: queries.sharing(unit, found[plan_id].case_id)) if plan_id in found else None
    if sharing is None:
        # Of what is not there the command itself says so.
        return
    agreed = await agreed_now(call, sharing.whose_consent, sharing.country, "plan")
    if agreed is None:
        raise ConsentUnanswered
    if not sharing.whose_consent <= agreed.persons:
        raise RuleViolation(
            "not_consented", "Not everybody has agreed that the receiving office is told of this plan. Ask for consent first."
        )
