"""Reintegration's API for the donors' money."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.reintegration import grant_queries, lists, wiring
from services.reintegration.domain.fund import Fund, OpenFund
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Limit, Page, Receipt, View

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


class FundView(View[Fund]):
    """A fund with what it still holds."""

    balance: grant_queries.Balance


@router.get("/funds")
async def list_funds(
    call: Calling, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50
) -> Page[lists.FundRow]:
    """All funds with what they still hold, oldest first."""
    return await call.page(lists.FUNDS, lists.FundRow, after, limit)


@router.post("/funds/{fund_id}")
async def open_fund(fund_id: UUID, body: OpenFund, call: Calling) -> Receipt:
    """Records a donor's money under an id that the caller chose."""
    return await call.order(wiring.FUND, fund_id, body)


@router.get("/funds/{fund_id}")
async def read_fund(fund_id: UUID, call: Calling) -> FundView:
    """One fund with what it still holds."""
    view = await call.view(wiring.FUND, fund_id)
    held = await call.ask(lambda unit: grant_queries.balance(unit, fund_id))
    return FundView(id=view.id, version=view.version, state=view.state, actions=view.actions, balance=held)
