"""A reintegration plan: its lines, what can be done with it, and the grants that can be asked for."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.portal.pages.frame import Reading
from services.portal.pages.given import short
from shared.ids import uuid7

router = APIRouter()


@router.get("/plans/{plan_id}")
async def plan(plan_id: UUID, page: Reading) -> Response:
    """One plan in its present version."""
    found = (await page.ask("reintegration", f"/v1/plans/{plan_id}")).body
    return await page.show("plan.html", found=found, state=found["state"], grant_id=uuid7, short=short)
