"""Screening, each route one command, and the board on which protection finds who waits for it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.returns import wiring
from services.returns.domain.case_screening import (
    AssessTraffickingRisk,
    AssessVoluntariness,
    CloseAlert,
    RecordBestInterests,
    RecordFearOfReturn,
    RecordVulnerability,
)
from services.returns.queries import board
from services.returns.queries.board import BoardPlace, BoardPlaceText, WaitsForProtection, place, row_of
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.handling import states
from shared.http import Calling, Limit, Page, Receipt

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.get("/protection-board")
async def read_protection_board(
    call: Calling,
    after: Annotated[BoardPlaceText | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[WaitsForProtection]:
    """Cases about somebody of whom an alert is open, or that protection holds; who waits longest stands first."""
    begins = place(after) if after is not None else None

    async def work(unit: UnitOfWork) -> tuple[list[BoardPlace], list[WaitsForProtection]]:
        places = await board.waiting(unit, begins, limit + 1)
        shown = [one.id for one in places[:limit]]
        found = await states(unit, wiring.CASE, shown, call.context.actor, reach=call.reach)
        rows = ((id, found[id]) for id in shown if id in found)
        # Between the two statements protection may have dealt with it.
        return places, [row for id, case in rows if (row := row_of(id, case)) is not None]

    places, items = await call.ask(work)
    # Who stands on it is not told by the record: whoever asks who looked at them would learn that they are on this board.
    await call.on_record()
    following = call.goes_on_after(str(places[limit - 1]), limit) if len(places) > limit else None
    return Page[WaitsForProtection](items=items, next=following)


@router.post("/cases/{case_id}/assess-voluntariness")
async def assess_voluntariness(case_id: UUID, body: AssessVoluntariness, call: Calling) -> Receipt:
    """Records what a person's wish to return rests on."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/record-fear-of-return")
async def record_fear_of_return(case_id: UUID, body: RecordFearOfReturn, call: Calling) -> Receipt:
    """Records whether a person fears to return."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/record-vulnerability")
async def record_vulnerability(case_id: UUID, body: RecordVulnerability, call: Calling) -> Receipt:
    """Records what makes a person vulnerable, or that nothing does."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/assess-trafficking-risk")
async def assess_trafficking_risk(case_id: UUID, body: AssessTraffickingRisk, call: Calling) -> Receipt:
    """Records the risk of the return for a victim of trafficking."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/record-best-interests")
async def record_best_interests(case_id: UUID, body: RecordBestInterests, call: Calling) -> Receipt:
    """Records how far the procedure on a child's best interests is."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/close-alert")
async def close_alert(case_id: UUID, body: CloseAlert, call: Calling) -> Receipt:
    """Closes an alert about a person of the case."""
    return await call.order(wiring.CASE, case_id, body)
