"""Reintegration's API for the donors' money: what one asks for a fund, and another one confirms."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.reintegration import fund_queries, period_queries, wiring
from services.reintegration.domain.fund import (
    ChangeFund,
    CloseFund,
    ConfirmFund,
    DropFundChange,
    Fund,
    OpenFund,
)
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Limit, Page, Receipt, View
from shared.new_ids import NewId

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


class FundView(View[Fund]):
    """A fund with what it still holds, everything that was asked for it, and what was posted to it month by month."""

    balance: fund_queries.Balance
    changes: list[fund_queries.FundChange]
    months: list[period_queries.FundMonth]


@router.get("/funds")
async def list_funds(
    call: Calling, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50
) -> Page[fund_queries.FundRow]:
    """All funds with what they still hold, oldest first."""
    return await call.page(fund_queries.LISTED, fund_queries.FundRow, after, limit)


@router.post("/funds/{fund_id}")
async def open_fund(fund_id: NewId, body: OpenFund, call: Calling) -> Receipt:
    """Records a donor's money under an id that the caller chose; it holds nothing until somebody else confirms it."""
    return await call.order(wiring.FUND, fund_id, body)


@router.get("/funds/{fund_id}")
async def read_fund(fund_id: UUID, call: Calling) -> FundView:
    """One fund with what it still holds."""
    view = await call.view(wiring.FUND, fund_id)
    held = await call.ask(lambda unit: fund_queries.balance(unit, fund_id))
    asked = await call.ask(lambda unit: fund_queries.changes(unit, fund_id))
    posted = await call.ask(lambda unit: period_queries.months(unit, fund_id))
    return FundView(
        id=view.id, version=view.version, state=view.state, actions=view.actions, balance=held, changes=asked, months=posted
    )


@router.post("/funds/{fund_id}/change")
async def change_fund(fund_id: UUID, body: ChangeFund, call: Calling) -> Receipt:
    """Asks for another amount or another last day."""
    return await call.order(wiring.FUND, fund_id, body)


@router.post("/funds/{fund_id}/close")
async def close_fund(fund_id: UUID, body: CloseFund, call: Calling) -> Receipt:
    """Asks that nothing is committed from the fund any more."""
    return await call.order(wiring.FUND, fund_id, body)


@router.post("/funds/{fund_id}/confirm")
async def confirm_fund(fund_id: UUID, body: ConfirmFund, call: Calling) -> Receipt:
    """Confirms what a colleague asked for the fund."""
    return await call.order(wiring.FUND, fund_id, body)


@router.post("/funds/{fund_id}/drop-change")
async def drop_fund_change(fund_id: UUID, body: DropFundChange, call: Calling) -> Receipt:
    """Takes back, or declines, what was asked for the fund."""
    return await call.order(wiring.FUND, fund_id, body)
