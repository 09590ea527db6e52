"""Reintegration's API for spot checks: draws that anybody can draw again, and what was found."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.reintegration import spot_check_queries
from services.reintegration.domain.spot_checks import DrawSpotCheck, RecordSpotCheck, SpotCheckDraw
from services.reintegration.spot_check_wiring import SPOT_CHECK, SPOT_CHECK_DRAW
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Limit, Page, Receipt, View
from shared.new_ids import NewId

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


class DrawView(View[SpotCheckDraw]):
    """A draw with each delivery that was drawn, and what was found."""

    found: list[spot_check_queries.FoundRow]


@router.post("/spot-check-draws/{draw_id}")
async def draw_spot_check(draw_id: NewId, body: DrawSpotCheck, call: Calling) -> Receipt:
    """Draws which deliveries are looked at, under an id that the caller chose and by a seed that nobody chose."""
    return await call.order(SPOT_CHECK_DRAW, draw_id, body)


@router.get("/spot-check-draws")
async def list_spot_check_draws(
    call: Calling,
    waiting: Annotated[bool, Query(alias="open")] = False,
    after: UUID | None = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[spot_check_queries.DrawRow]:
    """Every draw, oldest first, or with ``open`` those of which something is still to be looked at."""
    listed = spot_check_queries.LISTED_OPEN if waiting else spot_check_queries.LISTED
    return await call.page(listed, spot_check_queries.DrawRow, after, limit)


@router.get("/spot-check-draws/{draw_id}")
async def read_spot_check_draw(draw_id: UUID, call: Calling) -> DrawView:
    """One draw, by which seed and out of what, and what was found of each delivery."""
    view = await call.view(SPOT_CHECK_DRAW, draw_id)
    found = await call.ask(lambda unit: spot_check_queries.found(unit, draw_id))
    return DrawView(id=view.id, version=view.version, state=view.state, actions=view.actions, found=found)


@router.post("/spot-checks/{spot_check_id}")
async def record_spot_check(spot_check_id: NewId, body: RecordSpotCheck, call: Calling) -> Receipt:
    """Records what was found of one delivery, under an id that the caller chose."""
    return await call.order(SPOT_CHECK, spot_check_id, body)
