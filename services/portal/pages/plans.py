"""A reintegration plan: its lines, what can be done with it, and the grants that can be asked for."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.portal.pages.frame import Reading
from services.portal.pages.naming import short
from shared.ids import uuid7

router = APIRouter()


@router.get("/plans/{plan_id}")
async def plan(plan_id: UUID, page: Reading) -> Response:
    """One plan in its present version, and the grants of its case."""
    found = (await page.ask("reintegration", f"/v1/plans/{plan_id}")).body
    grants = await page.try_asking("reintegration", "/v1/grants", case_id=found["state"]["case_id"])
    return await page.show(
        "plan.html", found=found, state=found["state"], grants=grants["items"] if grants else (), grant_id=uuid7,
        short=short,
    )  # fmt: skip
