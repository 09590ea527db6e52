"""Grants and funds: the queue, one grant with its tranches and what can be done, and what each fund still holds."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.pages.frame import Reading
from services.portal.pages.given import short

router = APIRouter()


@router.get("/grants")
async def grants(
    page: Reading,
    status: Annotated[str | None, Query(max_length=40)] = None,
    after: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """Grants, oldest first, with the days since they were asked for."""
    found = (await page.ask("reintegration", "/v1/grants", status=status, after=after)).body
    now = datetime.now(UTC)
    days = {row["id"]: (now - datetime.fromisoformat(row["requested_at"])).days for row in found["items"]}
    return await page.show("grants.html", found=found, status=status or "", days=days, short=short)


@router.get("/grants/{grant_id}")
async def grant(grant_id: UUID, page: Reading) -> Response:
    """One grant with its tranches, and what the reader can do or why not."""
    found = (await page.ask("reintegration", f"/v1/grants/{grant_id}")).body
    return await page.show("grant.html", found=found, state=found["state"], short=short)


@router.get("/funds")
async def funds(page: Reading) -> Response:
    """What each fund still holds."""
    found = (await page.ask("reintegration", "/v1/funds", limit=100)).body
    return await page.show("funds.html", found=found)
