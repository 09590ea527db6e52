"""Reintegration's API for cases and their plans."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.reintegration import lists, queries, window, wiring
from services.reintegration.domain.case import Case
from services.reintegration.domain.plan import (
    AgreeFirstPlan,
    AgreePlan,
    AgreePlanWithoutHealth,
    Plan,
    PlanStatus,
    RecordOwnPlan,
)
from shared.callers import AuthenticatedRoute
from shared.conditions import refuse_without_version
from shared.http import Calling, Limit, Page, Receipt, View

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.get("/cases/{case_id}")
async def read_case(case_id: UUID, call: Calling) -> View[Case] | View[queries.CaseForReceivingOffice]:
    """What reintegration knows of a return case; its plan and grants are found by its id.

    A receiving office sees who arrived, and nothing of who did not come.
    """
    view, _ = await window.view(call, wiring.CASE, case_id, lambda _: case_id, "travel")
    if not window.is_abroad(call):
        return view
    return View[queries.CaseForReceivingOffice](
        id=view.id, version=view.version, state=queries.for_receiving_office(view.state), actions=view.actions
    )


@router.get("/plans")
async def list_plans(
    call: Calling,
    case_id: UUID | None = None,
    status: PlanStatus | None = None,
    after: UUID | None = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[lists.PlanRow]:
    """The plans of the caller's countries, oldest first, of one case or at one status if asked for."""
    asked = lists.asked_for(case_id, status, call.reach.countries)
    if not window.is_abroad(call):
        return await call.page(lists.plans(asked), lists.PlanRow, after, limit, **asked)
    told, more = await window.listed(
        call, lambda after, unit: lists.plans_abroad(unit, asked, after, limit + 1), "plan", after, limit
    )
    return Page[lists.PlanRow](
        items=[plan.row for plan in told], next=call.goes_on_after(str(told[-1].id), limit) if more else None
    )


@router.get("/plans/{plan_id}")
async def read_plan(plan_id: UUID, call: Calling) -> View[Plan]:
    """One plan in its present version; for a receiving office from the first arrival on."""
    return await window.plan(call, plan_id)


@router.post("/plans/{plan_id}/record-own")
async def record_own_plan(plan_id: UUID, body: RecordOwnPlan, call: Calling) -> Receipt:
    """Records the returnee's own plan before departure, under an id that the caller chose."""
    return await call.order(wiring.PLAN, plan_id, body)


@router.post("/plans/{plan_id}/agree", responses={428: {}})
async def agree_plan(plan_id: UUID, body: AgreePlan, call: Calling) -> Receipt:
    """Records what was agreed after arrival, as the plan's next version; what its office is not told of stands.

    Its lines take the place of all that the office is shown, so it says by If-Match what that was.
    """
    refuse_without_version(call.request)
    judged = await window.may_agree(call, plan_id, body.lines)
    order = body if judged.health else AgreePlanWithoutHealth(lines=body.lines, agreed_on=body.agreed_on)
    return await call.order(wiring.PLAN, plan_id, order, shown_as=window.plan_shown_as(call, judged))


@router.post("/plans/{plan_id}/agree-first")
async def agree_first_plan(plan_id: UUID, body: AgreeFirstPlan, call: Calling) -> Receipt:
    """Records the agreement for a case without an own plan, under an id that the caller chose."""
    judged = await window.may_begin(call, body.case_id, "plan", [line.category for line in body.lines])
    return await call.order(wiring.PLAN, plan_id, body, shown_as=window.plan_shown_as(call, judged))
