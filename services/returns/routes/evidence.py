"""What a journey rests on besides documents: each route gives one command."""

from uuid import UUID

from fastapi import APIRouter

from services.returns import wiring
from services.returns.domain.case_evidence import (
    FlagForMedical,
    RecordExitFormalities,
    RecordFitToTravel,
    RecordReceptionArranged,
    RecordTransitVisa,
)
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Receipt

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.post("/cases/{case_id}/flag-for-medical")
async def flag_for_medical(case_id: UUID, body: FlagForMedical, call: Calling) -> Receipt:
    """Asks that it is decided whether a person is fit to travel."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/record-fit-to-travel")
async def record_fit_to_travel(case_id: UUID, body: RecordFitToTravel, call: Calling) -> Receipt:
    """Records the decision whether a person is fit to travel."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/record-exit-formalities")
async def record_exit_formalities(case_id: UUID, body: RecordExitFormalities, call: Calling) -> Receipt:
    """Records that the authorities have on record that persons leave."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/record-transit-visa")
async def record_transit_visa(case_id: UUID, body: RecordTransitVisa, call: Calling) -> Receipt:
    """Records that persons hold a visa for the country in which they change."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/record-reception-arranged")
async def record_reception_arranged(case_id: UUID, body: RecordReceptionArranged, call: Calling) -> Receipt:
    """Records that the receiving office was notified of the booking and the reception is arranged."""
    return await call.order(wiring.CASE, case_id, body)
