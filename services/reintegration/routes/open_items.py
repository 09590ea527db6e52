"""Reintegration's API for what is open with finance, and for how long."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.reintegration import ageing_queries
from services.reintegration.ageing_queries import OpenItem, OpenItems
from services.reintegration.domain.ageing import Age, OpenKind
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Limit, Page
from shared.money import Currency

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.get("/open-items")
async def read_open_items(call: Calling) -> OpenItems:
    """How much is open of each kind, currency and age, by the mission's day.

    Released to the bank and in no batch (``waits_for_batch``), in one and not answered for (``waits_for_bank``), released
    otherwise and not confirmed (``waits_for_payer``), in cash and seen by nobody (``cash_not_handed_over``), paid and not
    delivered, delivered and not reconciled, a line of the bank's that fits nothing, or asked back and still waited for.
    """
    now, zone = call.context.now, call.runtime.mission_time_zone
    return await call.ask(lambda unit: ageing_queries.counted(unit, now, zone))


@router.get("/open-items/{kind}")
async def list_open_items(
    kind: OpenKind,
    call: Calling,
    age: Annotated[Age | None, Query()] = None,
    currency: Annotated[Currency | None, Query()] = None,
    after: Annotated[ageing_queries.Place | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[OpenItem]:
    """The open items of one kind, of one age and currency if so asked, the longest waiting first."""
    now, zone = call.context.now, call.runtime.mission_time_zone
    found = await call.ask(lambda unit: ageing_queries.listed(unit, kind, now, zone, age, currency, after, limit + 1))
    items = found[:limit]
    return Page[OpenItem](items=items, next=call.goes_on_after(items[-1].place, limit) if len(found) > limit else None)
