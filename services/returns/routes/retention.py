"""What returns tells the program that keeps count of how long people are kept."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.returns.queries.ended import EndedCase, cases_of
from shared.callers import AuthenticatedRoute
from shared.http import Calling

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.get("/retention/cases")
async def list_ended_cases(
    call: Calling, person_id: Annotated[list[UUID], Query(min_length=1, max_length=100)]
) -> list[EndedCase]:
    """Every case of these persons: whether it goes on, and otherwise how and when it ended, by ids alone."""
    return await call.ask(lambda unit: cases_of(unit, person_id), log=True)
