"""Splitting a family's case and joining it again: each route gives one command."""

from uuid import UUID

from fastapi import APIRouter

from services.returns import wiring
from services.returns.domain.case_families import JoinFamily, SplitFamily
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Receipt

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.post("/cases/{case_id}/split-family")
async def split_family(case_id: UUID, body: SplitFamily, call: Calling) -> Receipt:
    """Lets some persons of the case go on with a case of their own."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/join-family")
async def join_family(case_id: UUID, body: JoinFamily, call: Calling) -> Receipt:
    """Lets everybody of the case go on in another one of the same family."""
    return await call.order(wiring.CASE, case_id, body)
