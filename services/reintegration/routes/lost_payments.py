"""Reintegration's API for payments that a restore lost: finance states what became of each, and clears them by two persons."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.reintegration import lost_payment_queries, wiring
from services.reintegration.domain.lost_payments import (
    AskToClearLostPayments,
    ClearLostPayments,
    LostPayments,
    SettleLostPayment,
)
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Limit, Page, Receipt, View

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


class LostPaymentsView(View[LostPayments]):
    """What one restore lost of payments, with what is known by now of each."""

    known: list[lost_payment_queries.KnownNow]


@router.get("/lost-payments")
async def list_lost_payments(
    call: Calling, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50
) -> Page[lost_payment_queries.LostPaymentsRow]:
    """Every restore that two persons accepted, with how many payments it lost; while one is not cleared nothing is ordered to be paid."""
    return await call.page(lost_payment_queries.LISTED, lost_payment_queries.LostPaymentsRow, after, limit)


@router.get("/lost-payments/{restore_id}")
async def read_lost_payments(restore_id: UUID, call: Calling) -> LostPaymentsView:
    """Each payment that one restore lost: what the lost entry says of it, what is known by now, and what became of it."""
    view = await call.view(wiring.LOST_PAYMENTS, restore_id)
    known = await call.ask(lambda unit: lost_payment_queries.known_now(unit, restore_id, call.context.actor.person_id))
    return LostPaymentsView(id=view.id, version=view.version, state=view.state, actions=view.actions, known=known)


@router.post("/lost-payments/{restore_id}/settle")
async def settle_lost_payment(restore_id: UUID, body: SettleLostPayment, call: Calling) -> Receipt:
    """States whether the money of one lost payment left; never by whoever ordered or recorded it."""
    return await call.order(wiring.LOST_PAYMENTS, restore_id, body)


@router.post("/lost-payments/{restore_id}/ask-to-clear")
async def ask_to_clear_lost_payments(restore_id: UUID, body: AskToClearLostPayments, call: Calling) -> Receipt:
    """States that of every lost payment it is known what became of it."""
    return await call.order(wiring.LOST_PAYMENTS, restore_id, body)


@router.post("/lost-payments/{restore_id}/clear")
async def clear_lost_payments(restore_id: UUID, body: ClearLostPayments, call: Calling) -> Receipt:
    """Agrees, as the second of two, that money may be ordered again."""
    return await call.order(wiring.LOST_PAYMENTS, restore_id, body)
