"""Reintegration's API for money that is asked back: what came back of it, and what two persons write off."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.reintegration import grant_orders
from services.reintegration.domain.recovery import (
    ConfirmRecovery,
    ConfirmWriteOff,
    DropRecovery,
    DropWriteOff,
    RecordRecovery,
    WriteOffRecovery,
)
from services.reintegration.recovery_queries import LISTED, RecoveryRow
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Limit, Page, Receipt

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.get("/recoveries")
async def list_recoveries(
    call: Calling, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50
) -> Page[RecoveryRow]:
    """The grants of which money is asked back and still waited for, in the order of their ids."""
    return await call.page(LISTED, RecoveryRow, after, limit)


@router.post("/grants/{grant_id}/record-recovery")
async def record_recovery(grant_id: UUID, body: RecordRecovery, call: Calling) -> Receipt:
    """Records that money came back of what was asked back; without a line of the bank's it waits for a second person."""
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/confirm-recovery")
async def confirm_recovery(grant_id: UUID, body: ConfirmRecovery, call: Calling) -> Receipt:
    """Confirms what a colleague recorded as given back without a line of the bank's."""
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/drop-recovery")
async def drop_recovery(grant_id: UUID, body: DropRecovery, call: Calling) -> Receipt:
    """Takes back, or declines, what was recorded as given back."""
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/write-off-recovery")
async def write_off_recovery(grant_id: UUID, body: WriteOffRecovery, call: Calling) -> Receipt:
    """Asks that what is asked back is not waited for any more."""
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/confirm-write-off")
async def confirm_write_off(grant_id: UUID, body: ConfirmWriteOff, call: Calling) -> Receipt:
    """Confirms what a colleague asked to write off."""
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/drop-write-off")
async def drop_write_off(grant_id: UUID, body: DropWriteOff, call: Calling) -> Receipt:
    """Takes back, or declines, what was asked to be written off."""
    return await grant_orders.given(call, grant_id, body)
