"""What an office abroad is asked about families that would receive a child, which is all that it sees before an approval."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.fields import Given
from services.portal.pages.frame import Page, Reading
from services.portal.pages.naming import named, short

router = APIRouter()

ASSESSMENTS: Final = "/family-assessments"


@router.get(ASSESSMENTS)
async def assessments(page: Reading, after: Annotated[str | None, Query(max_length=100)] = None) -> Response:
    """Every family assessment that the reader's office is asked for, the longest asked first, and the form to answer."""
    found = (await page.ask("returns", "/v1/family-assessments", after=after)).body
    return await page.show("assessments.html", found=found, short=short)


def given_answer(page: Page) -> tuple[Given, str]:
    """What is known before an office answers; it is shown nothing of the case that this is about."""
    inquiry_id: UUID | None = named(page, "inquiry")
    return Given({"inquiry_id": str(inquiry_id)} if inquiry_id is not None else {}), ASSESSMENTS
