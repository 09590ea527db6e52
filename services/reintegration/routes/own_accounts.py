"""Reintegration's API for the mission's own accounts and cash boxes, from which is paid."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.reintegration import own_account_queries
from services.reintegration.batch_wiring import OWN_ACCOUNT
from services.reintegration.domain.own_accounts import (
    CloseOwnAccount,
    ConfirmOwnAccount,
    OwnAccount,
    RegisterOwnAccount,
)
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Limit, Page, Receipt, View
from shared.new_ids import NewId

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.get("/own-accounts")
async def list_own_accounts(
    call: Calling, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50
) -> Page[own_account_queries.OwnAccountRow]:
    """Every account of our own, oldest first, by the last characters of its number."""
    return await call.page(own_account_queries.LISTED, own_account_queries.OwnAccountRow, after, limit)


@router.post("/own-accounts/{own_account_id}")
async def register_own_account(own_account_id: NewId, body: RegisterOwnAccount, call: Calling) -> Receipt:
    """Registers an account of our own under an id that the caller chose."""
    return await call.order(OWN_ACCOUNT, own_account_id, body)


@router.get("/own-accounts/{own_account_id}")
async def read_own_account(own_account_id: UUID, call: Calling) -> View[OwnAccount]:
    """One account of our own in full, for whoever pays from it, accounts for it or audits."""
    return await call.view(OWN_ACCOUNT, own_account_id)


@router.post("/own-accounts/{own_account_id}/confirm")
async def confirm_own_account(own_account_id: UUID, body: ConfirmOwnAccount, call: Calling) -> Receipt:
    """Confirms an account that somebody else registered."""
    return await call.order(OWN_ACCOUNT, own_account_id, body)


@router.post("/own-accounts/{own_account_id}/close")
async def close_own_account(own_account_id: UUID, body: CloseOwnAccount, call: Calling) -> Receipt:
    """Closes an account: nothing more is paid from it."""
    return await call.order(OWN_ACCOUNT, own_account_id, body)
