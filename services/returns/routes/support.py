"""Support on the way: each route gives one command."""

from uuid import UUID

from fastapi import APIRouter

from services.returns import wiring
from services.returns.domain.case_support import CancelSupport, GiveSupport, PlanSupport
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Receipt

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.post("/cases/{case_id}/plan-support")
async def plan_support(case_id: UUID, body: PlanSupport, call: Calling) -> Receipt:
    """Records what a person needs on the way."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/give-support")
async def give_support(case_id: UUID, body: GiveSupport, call: Calling) -> Receipt:
    """Records that a person was given what was planned, and what it cost."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/cancel-support")
async def cancel_support(case_id: UUID, body: CancelSupport, call: Calling) -> Receipt:
    """Records that something planned is not given."""
    return await call.order(wiring.CASE, case_id, body)
