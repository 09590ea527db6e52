"""Delegated authority: who may approve up to how much, and everybody who acts on one authority."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.pages.frame import Page, Reading
from services.portal.pages.naming import here
from shared.clock import real_time

router = APIRouter()

Standing = Literal["counts_today", "begins_later", "days_are_over", "ended"]


def standing(one: Mapping[str, Any], today: date, ended: bool) -> Standing:
    """How an authority, or somebody's part in it, stands on a day; the first and the last of its days count."""
    if ended:
        return "ended"
    if today > date.fromisoformat(one["valid_until"]):
        return "days_are_over"
    return "begins_later" if today < date.fromisoformat(one["valid_from"]) else "counts_today"


@router.get("/authorities")
async def authorities(
    page: Reading, ended: Annotated[Literal["yes", ""], Query()] = "", after: Annotated[UUID | None, Query()] = None
) -> Response:
    """Every authority that was not ended, and if asked for those that were as well."""
    found = (
        await page.ask(
            "reintegration", "/v1/authorities", ended="true" if ended else None, after=None if after is None else str(after)
        )
    ).body
    today = _today(page)
    rows = [(one, standing(one, today, one["ended_at"] is not None)) for one in found["items"]]
    return await page.show("authorities.html", found=found, rows=rows, ended=ended)


@router.get("/authorities/{authority_id}")
async def authority(authority_id: UUID, page: Reading) -> Response:
    """One authority: what was given, who may act on it, and how each stands today."""
    found = (await page.ask("reintegration", f"/v1/authorities/{authority_id}")).body
    state, today = found["state"], _today(page)
    ended = state["ended_at"] is not None
    acting = [(one, standing(one, today, ended)) for one in found["terms"]]
    return await page.show("authority.html", found=found, state=state, standing=standing(state, today, ended), acting=acting)


def _today(page: Page) -> date:
    return here(page, real_time()).date()
