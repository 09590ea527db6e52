"""Reintegration's API for cases and their plans."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.reintegration import lists, plan_versions, plan_window, queries, window, wiring
from services.reintegration.domain.case import Case
from services.reintegration.domain.plan import (
    AgreeFirstPlan,
    AgreePlan,
    AgreePlanWithoutHealth,
    ChangeDraft,
    ConfirmDraft,
    DraftPlan,
    RecordOwnPlan,
    RevisePlan,
    RevisePlanWithoutHealth,
    SharePlan,
)
from services.reintegration.domain.plan_completion import CompletePlan, CompletePlanWithoutHealth
from services.reintegration.domain.plan_state import Plan, PlanStatus
from shared.callers import AuthenticatedRoute
from shared.conditions import etag, refuse_without_version, version_shown
from shared.http import Calling, Limit, Page, Receipt, View
from shared.new_ids import NewId

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.get("/cases/{case_id}")
async def read_case(case_id: UUID, call: Calling) -> View[Case] | View[queries.CaseForReceivingOffice]:
    """What reintegration knows of a return case; its plan and grants are found by its id.

    A receiving office sees who arrived, and nothing of who did not come, which a version that is counted would tell.
    """
    view, _ = await window.view(call, wiring.CASE, case_id, lambda _: case_id, "travel")
    if not window.is_abroad(call):
        return view
    told = queries.for_receiving_office(view.state)
    version = version_shown(told)
    call.response.headers["ETag"] = etag(version)
    return View[queries.CaseForReceivingOffice](id=view.id, version=version, state=told, actions=view.actions)


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
        call, lambda after, unit: lists.plans_abroad(unit, asked, after, limit + 1), "plan", after, limit,
        lists.plan_told(asked),
    )  # fmt: skip
    return Page[lists.PlanRow](
        items=[plan.row for plan in told], next=call.goes_on_after(str(told[-1].id), limit) if more else None
    )


@router.get("/plans/{plan_id}")
async def read_plan(plan_id: UUID, call: Calling) -> View[Plan]:
    """One plan in its present version; for a receiving office once it is shared, or from the first arrival on."""
    return await plan_window.plan(call, plan_id)


@router.get("/plans/{plan_id}/versions")
async def list_plan_versions(
    plan_id: UUID,
    call: Calling,
    after: Annotated[int | None, Query(ge=1, le=plan_versions.NEWEST)] = None,
    limit: Annotated[int, Query(ge=1, le=20)] = 10,
) -> Page[plan_versions.PlanVersion]:
    """The versions that a plan had, newest first; none of them is ever changed."""
    found, following = await plan_versions.versions(call, plan_id, after, limit)
    return Page[plan_versions.PlanVersion](
        items=found, next=call.goes_on_after(str(following), limit) if following is not None else None
    )


@router.post("/plans/{plan_id}/record-own")
async def record_own_plan(plan_id: NewId, body: RecordOwnPlan, call: Calling) -> Receipt:
    """Records the returnee's own plan before departure, under an id that the caller chose."""
    return await call.order(wiring.PLAN, plan_id, body)


@router.post("/plans/{plan_id}/draft")
async def draft_plan(plan_id: NewId, body: DraftPlan, call: Calling) -> Receipt:
    """Begins the plan that the returnee makes before departure, under an id that the caller chose."""
    return await call.order(wiring.PLAN, plan_id, body)


@router.post("/plans/{plan_id}/change-draft", responses={428: {}})
async def change_draft(plan_id: UUID, body: ChangeDraft, call: Calling) -> Receipt:
    """Replaces the lines of a draft, as they were shown."""
    refuse_without_version(call.request)
    return await call.order(wiring.PLAN, plan_id, body)


@router.post("/plans/{plan_id}/confirm-draft", responses={428: {}})
async def confirm_draft(plan_id: UUID, body: ConfirmDraft, call: Calling) -> Receipt:
    """Records that the draft, as it was shown, is the returnee's own plan."""
    refuse_without_version(call.request)
    return await call.order(wiring.PLAN, plan_id, body)


@router.post("/plans/{plan_id}/share")
async def share_plan(plan_id: UUID, body: SharePlan, call: Calling) -> Receipt:
    """Lets the receiving office read the own plan before anybody arrives; consent is asked now, and at each look again."""
    await plan_window.may_share(call, plan_id)
    return await call.order(wiring.PLAN, plan_id, body)


@router.post("/plans/{plan_id}/agree", responses={428: {}})
async def agree_plan(plan_id: UUID, body: AgreePlan, call: Calling) -> Receipt:
    """Records what was agreed after arrival, as the plan's next version; what its office is not told of stands.

    Its lines take the place of all that the office is shown, so it says by If-Match what that was.
    """
    refuse_without_version(call.request)
    judged = await plan_window.may_agree(call, plan_id, body.lines)
    order = body if judged.health else AgreePlanWithoutHealth(**dict(body))
    return await call.order(wiring.PLAN, plan_id, order, shown_as=plan_window.plan_shown_as(call, judged))


@router.post("/plans/{plan_id}/revise", responses={428: {}})
async def revise_plan(plan_id: UUID, body: RevisePlan, call: Calling) -> Receipt:
    """Records a further version that was agreed, with the reason for it, in the same way as the first agreement."""
    refuse_without_version(call.request)
    judged = await plan_window.may_agree(call, plan_id, body.lines)
    order = body if judged.health else RevisePlanWithoutHealth(**dict(body))
    return await call.order(wiring.PLAN, plan_id, order, shown_as=plan_window.plan_shown_as(call, judged))


@router.post("/plans/{plan_id}/complete")
async def complete_plan(plan_id: UUID, body: CompletePlan, call: Calling) -> Receipt:
    """Completes a plan of which every line came to something; what its office is not told of stays open."""
    judged, seen = await plan_window.may_complete(call, plan_id)
    order = body if judged.health else CompletePlanWithoutHealth(**dict(body), seen=seen)
    return await call.order(wiring.PLAN, plan_id, order, shown_as=plan_window.plan_shown_as(call, judged))


@router.post("/plans/{plan_id}/agree-first")
async def agree_first_plan(plan_id: NewId, body: AgreeFirstPlan, call: Calling) -> Receipt:
    """Records the agreement for a case without an own plan, under an id that the caller chose."""
    judged = await window.may_begin(call, body.case_id, "plan", [line.category for line in body.lines])
    return await call.order(wiring.PLAN, plan_id, body, shown_as=plan_window.plan_shown_as(call, judged))
