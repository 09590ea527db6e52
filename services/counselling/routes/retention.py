"""What counselling tells the program that keeps count of how long people are kept, and the one thing it may ask for."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.counselling import queries, wiring
from services.counselling.domain.erasure import RequestErasureWhenDue
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.http import Calling, Limit, Page, Receipt
from shared.ids import FIRST
from shared.moments import Moment

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.get("/retention/persons")
async def list_kept_persons(
    call: Calling, before: Moment, after: UUID | None = None, limit: Annotated[Limit, Query()] = 100
) -> Page[queries.KeptRow]:
    """Persons who are kept without an open case and were last in contact before a moment, by id alone."""

    async def work(unit: UnitOfWork) -> list[queries.KeptRow]:
        rows = await unit.rows(queries.KEPT, before=before, after=after or FIRST, limit=limit + 1)
        return [queries.KeptRow.model_validate(dict(row)) for row in rows]

    items = await call.ask(work, log=True)
    if len(items) <= limit:
        return Page[queries.KeptRow](items=items, next=None)
    return Page[queries.KeptRow](items=items[:limit], next=call.goes_on_after(str(items[limit - 1].id), limit))


@router.post("/persons/{person_id}/request-erasure-when-due")
async def request_erasure_when_due(person_id: UUID, body: RequestErasureWhenDue, call: Calling) -> Receipt:
    """Asks that a person is erased because the time is over; another person decides."""
    return await call.order(wiring.PERSON, person_id, body)
