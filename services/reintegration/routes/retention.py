"""What reintegration tells the program that keeps count of how long receipts are kept, and the one thing it may order."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.reintegration import queries, wiring
from services.reintegration.domain.person import EndKeptPapers
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Limit, Page, Receipt

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
