"""What reintegration tells the program that keeps count of how long receipts and payees are kept, and what it may order."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.reintegration import payee_retention_queries, queries, wiring
from services.reintegration.domain.payee_ending import DeletePayeeDetails
from services.reintegration.domain.person import EndKeptPapers
from services.reintegration.payee_wiring import PAYEE
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Limit, Page, Receipt
from shared.settings import MISSION

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.get("/retention/receipts")
async def list_kept_receipts(
    call: Calling, until: date, after: UUID | None = None, limit: Annotated[Limit, Query()] = 100
) -> Page[queries.KeptReceiptsRow]:
    """Persons who were erased and whose receipts are still there though kept until a day that is not after this one."""
    return await call.page(queries.KEPT_RECEIPTS, queries.KeptReceiptsRow, after, limit, until=until)


@router.post("/persons/{person_id}/end-kept-papers")
async def end_kept_papers(person_id: UUID, body: EndKeptPapers, call: Calling) -> Receipt:
    """Deletes the receipts of an erased person, once the last day is over on which they are kept."""
    receipt = await call.order(wiring.PERSON, person_id, body)
    call.person_keys.forget(person_id)
    return receipt


@router.get("/retention/payees")
async def list_kept_payees(
    call: Calling, until: date, after: UUID | None = None, limit: Annotated[Limit, Query()] = 100
) -> Page[payee_retention_queries.KeptPayeeRow]:
    """Vendors and offices that were closed and whose name and account are there though kept until a day that is not after this one."""
    return await call.page(
        payee_retention_queries.KEPT, payee_retention_queries.KeptPayeeRow, after, limit, until=until, zone=MISSION.mission_time_zone
    )


@router.post("/payees/{payee_id}/delete-details")
async def delete_payee_details(payee_id: UUID, body: DeletePayeeDetails, call: Calling) -> Receipt:
    """Deletes name, accounts and contacts of a payee that was closed, once the last day is over on which they are kept."""
    receipt = await call.order(PAYEE, payee_id, body)
    call.person_keys.forget(payee_id)
    return receipt
