"""A person as counselling knows them, and what a counsellor begins from here."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.pages.frame import Reading
from services.portal.pages.given import short
from shared.ids import uuid7

router = APIRouter()


@router.get("/persons/{person_id}")
async def person(
    person_id: UUID, page: Reading, case: Annotated[UUID | None, Query()] = None
) -> Response:
    """One person, under an opaque id; ``case`` is the return case that was just begun."""
    found = (await page.ask("counselling", f"/v1/persons/{person_id}")).body
    return await page.show(
        "person.html", found=found, state=found["state"], case_id=case, session_id=uuid7(), intention_id=uuid7(),
        short=short,
    )  # fmt: skip
