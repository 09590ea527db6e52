"""What was recorded wrongly of a journey: each route gives one command."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.returns import wiring
from services.returns.domain.case_corrections import (
    AskForCorrection,
    CorrectArrival,
    CorrectDeparture,
    RejectCorrection,
)
from services.returns.queries.doubted import (
    DoubtedCase,
    DoubtedPlace,
    DoubtedPlaceText,
    doubted,
    place,
    row_of,
)
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.handling import states
from shared.http import Calling, Limit, Page, Receipt

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.get("/corrections")
async def list_corrections(
    call: Calling,
    after: Annotated[DoubtedPlaceText | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[DoubtedCase]:
    """Cases of which somebody says that a departure or an arrival was recorded wrongly; what is open longest stands first."""
    begins = place(after) if after is not None else None
    reader_id = call.context.actor.person_id

    async def work(unit: UnitOfWork) -> tuple[list[DoubtedPlace], list[DoubtedCase]]:
        places = await doubted(unit, begins, limit + 1)
        shown = [one.id for one in places[:limit]]
        found = await states(unit, wiring.CASE, shown, call.context.actor, reach=call.reach)
        rows = ((id, found[id]) for id in shown if id in found)
        # Between the two statements a colleague may have decided.
        return places, [row for id, case in rows if (row := row_of(id, case, reader_id)) is not None]

    places, items = await call.ask(work)
    following = call.goes_on_after(str(places[limit - 1]), limit) if len(places) > limit else None
    return Page[DoubtedCase](items=items, next=following)


@router.post("/cases/{case_id}/ask-for-correction")
async def ask_for_correction(case_id: UUID, body: AskForCorrection, call: Calling) -> Receipt:
    """Says that a departure or an arrival was recorded wrongly, for a colleague to decide."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/correct-departure")
async def correct_departure(case_id: UUID, body: CorrectDeparture, call: Calling) -> Receipt:
    """Confirms that a person did not leave."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/correct-arrival")
async def correct_arrival(case_id: UUID, body: CorrectArrival, call: Calling) -> Receipt:
    """Confirms that a person has not arrived."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/reject-correction")
async def reject_correction(case_id: UUID, body: RejectCorrection, call: Calling) -> Receipt:
    """Decides that what was recorded stands."""
    return await call.order(wiring.CASE, case_id, body)
