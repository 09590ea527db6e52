"""Accounting periods: which months are closed, closing one, and opening it again by two persons."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.pages.frame import Reading

router = APIRouter()


@router.get("/periods")
async def periods(page: Reading, after: Annotated[UUID | None, Query()] = None) -> Response:
    """Every month that was closed at least once."""
    found = (await page.ask("reintegration", "/v1/periods", after=None if after is None else str(after))).body
    return await page.show("periods.html", found=found)


@router.get("/periods/{period_id}")
async def period(period_id: UUID, page: Reading) -> Response:
    """One month: who closed it, who opened it again, and what waits for a second person."""
    found = (await page.ask("reintegration", f"/v1/periods/{period_id}")).body
    return await page.show("period.html", found=found, state=found["state"])
