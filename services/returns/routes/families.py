"""A family that parts and comes together again, and a child that travels alone: each route gives one command."""

from uuid import UUID

from fastapi import APIRouter

from services.returns import wiring
from services.returns.domain.case_families import JoinFamily, SplitFamily
from services.returns.domain.case_other_parent import AskForOtherParent, SettleOtherParent
from services.returns.domain.case_supervision import RecordGuardian, RecordSupervision
from services.returns.routes.window import answered_before
from shared.agreeing import is_adult
from shared.callers import AuthenticatedRoute
from shared.disclosure import ConsentUnanswered
from shared.errors import RuleViolation
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


@router.post("/cases/{case_id}/record-guardian")
async def record_guardian(case_id: UUID, body: RecordGuardian, call: Calling) -> Receipt:
    """Records the guardian of a child, who does not travel with it and must be a registered adult."""
    before = await answered_before(call, case_id)
    if before is not None:
        return before
    adult = await is_adult(call, body.guardian_id)
    if adult is None:
        raise ConsentUnanswered
    if not adult:
        raise RuleViolation(
            "guardian_not_registered", "No adult is registered under this id. Register who stands up for the child first."
        )
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/record-supervision")
async def record_supervision(case_id: UUID, body: RecordSupervision, call: Calling) -> Receipt:
    """Records how a child is looked after that travels without an adult of its case."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/settle-other-parent")
async def settle_other_parent(case_id: UUID, body: SettleOtherParent, call: Calling) -> Receipt:
    """Records by what a child travels without one of its parents."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/ask-for-other-parent")
async def ask_for_other_parent(case_id: UUID, body: AskForOtherParent, call: Calling) -> Receipt:
    """Takes back by what a child was to travel without one of its parents, or asks for it though both seem to travel."""
    return await call.order(wiring.CASE, case_id, body)
