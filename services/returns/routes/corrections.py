"""What was recorded wrongly of a journey: each route gives one command."""

from uuid import UUID

from fastapi import APIRouter

from services.returns import wiring
from services.returns.domain.case_corrections import (
    AskForCorrection,
    CorrectArrival,
    CorrectDeparture,
    RejectCorrection,
)
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Receipt

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.post("/cases/{case_id}/ask-for-correction")
async def ask_for_correction(case_id: UUID, body: AskForCorrection, call: Calling) -> Receipt:
    """Says that a departure or an arrival was recorded wrongly, for a colleague to decide."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/correct-departure")
async def correct_departure(case_id: UUID, body: CorrectDeparture, call: Calling) -> Receipt:
    """Confirms that a person did not leave."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/correct-arrival")
async def correct_arrival(case_id: UUID, body: CorrectArrival, call: Calling) -> Receipt:
    """Confirms that a person has not arrived."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/reject-correction")
async def reject_correction(case_id: UUID, body: RejectCorrection, call: Calling) -> Receipt:
    """Decides that what was recorded stands."""
    return await call.order(wiring.CASE, case_id, body)
