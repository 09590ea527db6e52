"""Reintegration's API for what was paid and not received, and for what the bank booked otherwise than ordered."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.reintegration import booked_otherwise_queries, difference_queries
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Limit, Page

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.get("/differences")
async def list_differences(
    call: Calling,
    after: Annotated[difference_queries.Place | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[difference_queries.Difference]:
    """The tranches of which less was received than was paid, and why, in the order of grants and tranches."""
    found = await call.ask(lambda unit: difference_queries.differences(unit, after, limit + 1))
    items = found[:limit]
    return Page[difference_queries.Difference](
        items=items, next=call.goes_on_after(items[-1].place, limit) if len(found) > limit else None
    )


@router.get("/booked-otherwise")
async def list_booked_otherwise(
    call: Calling,
    after: Annotated[booked_otherwise_queries.Place | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[booked_otherwise_queries.BookedOtherwise]:
    """The payments that the bank booked otherwise than ordered: its charges, which no fund bears, and what is missing."""
    found = await call.ask(lambda unit: booked_otherwise_queries.booked_otherwise(unit, after, limit + 1))
    items = found[:limit]
    return Page[booked_otherwise_queries.BookedOtherwise](
        items=items, next=call.goes_on_after(items[-1].place, limit) if len(found) > limit else None
    )
