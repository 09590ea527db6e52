"""Reintegration's API for accounting periods: closing a month, and opening it again by two persons."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.reintegration import period_queries, wiring
from services.reintegration.domain.periods import (
    AccountingPeriod,
    ClosePeriod,
    ConfirmReopening,
    DropReopening,
    ReopenPeriod,
)
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Limit, Page, Receipt, View

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.get("/periods")
async def list_periods(
    call: Calling, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50
) -> Page[period_queries.PeriodRow]:
    """Every month that was closed at least once, the first closed first; any other month takes postings."""
    return await call.page(period_queries.LISTED, period_queries.PeriodRow, after, limit)


@router.post("/periods/{period_id}")
async def close_period(period_id: UUID, body: ClosePeriod, call: Calling) -> Receipt:
    """Closes a month that is over, under an id that the caller chose, or under the one that it was closed under before."""
    return await call.order(wiring.PERIOD, period_id, body)


@router.get("/periods/{period_id}")
async def read_period(period_id: UUID, call: Calling) -> View[AccountingPeriod]:
    """One month that was closed."""
    return await call.view(wiring.PERIOD, period_id)


@router.post("/periods/{period_id}/reopen")
async def reopen_period(period_id: UUID, body: ReopenPeriod, call: Calling) -> Receipt:
    """Asks that a closed month takes postings again."""
    return await call.order(wiring.PERIOD, period_id, body)


@router.post("/periods/{period_id}/confirm-reopening")
async def confirm_reopening(period_id: UUID, body: ConfirmReopening, call: Calling) -> Receipt:
    """Confirms that the month takes postings again."""
    return await call.order(wiring.PERIOD, period_id, body)


@router.post("/periods/{period_id}/drop-reopening")
async def drop_reopening(period_id: UUID, body: DropReopening, call: Calling) -> Receipt:
    """Leaves the month closed."""
    return await call.order(wiring.PERIOD, period_id, body)
