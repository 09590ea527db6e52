"""Spot checks: every draw, and one with each delivery that is looked at."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.pages.frame import Reading
from services.portal.pages.naming import short

router = APIRouter()


@router.get("/spot-checks")
async def spot_checks(
    page: Reading,
    waiting: Annotated[bool, Query(alias="open")] = False,
    after: Annotated[UUID | None, Query()] = None,
) -> Response:
    """Every draw, or those of which something is still to be looked at."""
    found = (
        await page.ask(
            "reintegration", "/v1/spot-check-draws", open="true" if waiting else None, after=None if after is None else str(after)
        )
    ).body
    return await page.show("spot_checks.html", found=found, waiting=waiting)


@router.get("/spot-checks/{draw_id}")
async def spot_check(draw_id: UUID, page: Reading) -> Response:
    """One draw: out of what it was made, by which seed, and what was found of each delivery."""
    found = (await page.ask("reintegration", f"/v1/spot-check-draws/{draw_id}")).body
    return await page.show("spot_check.html", found=found, state=found["state"], short=short)
