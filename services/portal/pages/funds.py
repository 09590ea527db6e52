"""Funds: what each still holds, as a bar and in figures, whether grants can be approved from it today, and what waits for a second person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.bars import Part, parts_of
from services.portal.pages.frame import Page, Reading
from services.portal.pages.given_funds import pays_for, what_is_asked
from services.portal.pages.naming import here
from services.portal.words import money
from shared.clock import real_time

router = APIRouter()

Standing = Literal["open", "not_yet_valid", "expired", "spent_out", "closed", "waits", "dropped"]
_NOT_OPEN: Final[Mapping[str, Standing]] = {"asked": "waits", "closed": "closed", "dropped": "dropped"}


@dataclass(frozen=True, slots=True)
class FundShown:
    """A fund as a page shows it: what its service says, how it stands, and the parts of its bar, which is what was granted.

    ``left`` is neither spent nor committed. It is what is available, but for a fund that is closed or waits to be opened.
    """

    fund: Mapping[str, Any]
    standing: Standing
    spent: Part
    committed: Part
    left: Part


def shown(fund: Mapping[str, Any], today: date) -> FundShown:
    """This fund on a day by the mission's clocks."""
    granted, *taken = (Decimal(fund[name]) for name in ("granted", "spent", "committed"))
    spent, committed, left = parts_of([*taken, granted - sum(taken)])
    return FundShown(fund, standing(fund, today), spent, committed, left)


def standing(fund: Mapping[str, Any], today: date) -> Standing:
    """How a fund stands on a day; what can no more be approved for its days comes before what it lacks."""
    if fund["status"] != "open":
        return _NOT_OPEN[fund["status"]]
    if today > date.fromisoformat(fund["valid_until"]):
        return "expired"
    if today < date.fromisoformat(fund["valid_from"]):
        return "not_yet_valid"
    return "open" if Decimal(fund["available"]) > 0 else "spent_out"


@router.get("/funds")
async def funds(page: Reading, after: Annotated[UUID | None, Query()] = None) -> Response:
    """What each fund still holds."""
    found = (await page.ask("reintegration", "/v1/funds", after=None if after is None else str(after))).body
    today = _today(page)
    return await page.show("funds.html", found=found, funds=[shown(fund, today) for fund in found["items"]], amount=money)


@router.get("/funds/{fund_id}")
async def fund(fund_id: UUID, page: Reading) -> Response:
    """One fund: what it is for, what it holds, and how it stands today."""
    found = (await page.ask("reintegration", f"/v1/funds/{fund_id}")).body
    held = {"id": str(fund_id), **found["state"], **found["balance"]}
    waiting = found["state"]["waiting"]
    return await page.show(
        "fund.html", found=found, shown=shown(held, _today(page)), amount=money, pays_for=pays_for(held),
        asked=what_is_asked(waiting, held["currency"]) if waiting else [],
    )  # fmt: skip


@router.get("/funds/{fund_id}/donor-view")
async def donor_view(fund_id: UUID, page: Reading, month: Annotated[str, Query(max_length=7)] = "") -> Response:
    """What a donor is told of a fund at the end of a month, of the last one that is over unless another is asked for."""
    asked = month or (_today(page).replace(day=1) - timedelta(days=1)).isoformat()[:7]
    found = (await page.ask("reintegration", f"/v1/funds/{fund_id}/donor-view", month=asked)).body
    return await page.show("donor_view.html", found=found, fund_id=fund_id, month=asked)


def _today(page: Page) -> date:
    return here(page, real_time()).date()
