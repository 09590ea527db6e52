"""What tickets cost, for finance, which sees nothing else of a case."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.returns.queries.tickets import LISTED, TicketCostsOfCase
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Limit, Page

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.get("/ticket-costs")
async def list_ticket_costs(
    call: Calling, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50
) -> Page[TicketCostsOfCase]:
    """What the tickets of each case cost whose bill is known, the oldest case first, by the id that its grants name."""
    return await call.page(LISTED, TicketCostsOfCase, after, limit)
