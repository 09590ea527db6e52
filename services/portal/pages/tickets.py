"""What the tickets of cases cost, for finance."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.portal.pages.frame import Reading
from services.portal.pages.naming import short

router = APIRouter()


@router.get("/tickets")
async def tickets(page: Reading, after: Annotated[str | None, Query(max_length=40)] = None) -> Response:
    """What was paid for each booking of each case whose bill is known, and what came back of it."""
    found = (await page.ask("returns", "/v1/ticket-costs", after=after)).body
    return await page.show("tickets.html", found=found, short=short)
