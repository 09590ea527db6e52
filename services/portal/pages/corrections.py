"""What waits for a colleague to decide: departures and arrivals of which somebody says that they were recorded wrongly."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from services.portal.pages.frame import Reading
from services.portal.pages.naming import days_since, short

router = APIRouter()

CORRECTIONS: Final = "/corrections"


@router.get(CORRECTIONS)
async def corrections(page: Reading, after: Annotated[str | None, Query(max_length=100)] = None) -> Response:
    """Every open correction, the longest open first, with the forms by which a colleague decides."""
    found = (await page.ask("returns", "/v1/corrections", after=after)).body
    return await page.show("corrections.html", found=found, days=days_since, short=short)
