"""Reintegration's API for payments that a restore lost: finance states what became of each, and clears them by two persons."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.reintegration import lost_bank_queries, lost_payment_queries, wiring
from services.reintegration.domain.lost_payments import (
    AskToClearLostPayments,
    ClearLostPayments,
    LostPayments,
    NameFoundPayment,
    SettleLostPayment,
)
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.http import Calling, Limit, Page, Receipt, View
from shared.settings import MISSION

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


class LostPaymentsView(View[LostPayments]):
    """What one restore lost of payments, with what is known by now of each, and what the bank's files know of the lost days."""

    known: list[lost_payment_queries.KnownNow]
    bank: lost_bank_queries.BankKnows


@router.get("/lost-payments")
async def list_lost_payments(
    call: Calling, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50
) -> Page[lost_payment_queries.LostPaymentsRow]:
    """Every restore that two persons accepted, with how many payments it lost; while one is not cleared nothing is ordered to be paid."""
    return await call.page(lost_payment_queries.LISTED, lost_payment_queries.LostPaymentsRow, after, limit)


@router.get("/lost-payments/{restore_id}")
async def read_lost_payments(restore_id: UUID, call: Calling) -> LostPaymentsView:
    """Each payment that one restore lost: what the lost entry says of it, what is known by now, and what became of it.

    With them the stops that were lost, how much nobody knows, and what the bank's files know of it.
    """
    view, reader = await call.view(wiring.LOST_PAYMENTS, restore_id), call.context.actor.person_id
    # Whoever does not read the bank's lines is told how many wait.
    reads_lines = reader if call.may("list_bank_lines") else None

    async def work(unit: UnitOfWork) -> tuple[list[lost_payment_queries.KnownNow], lost_bank_queries.BankKnows]:
        known = await lost_payment_queries.known_now(unit, restore_id, reader)
        return known, await lost_bank_queries.bank_knows(unit, restore_id, reads_lines, MISSION.mission_time_zone)

    known, bank = await call.ask(work)
    return LostPaymentsView(id=view.id, version=view.version, state=view.state, actions=view.actions, known=known, bank=bank)


@router.post("/lost-payments/{restore_id}/settle")
async def settle_lost_payment(restore_id: UUID, body: SettleLostPayment, call: Calling) -> Receipt:
    """States whether the money of one lost payment left; never by whoever ordered or recorded it."""
    return await call.order(wiring.LOST_PAYMENTS, restore_id, body)


@router.post("/lost-payments/{restore_id}/name-found")
async def name_found_payment(restore_id: UUID, body: NameFoundPayment, call: Calling) -> Receipt:
    """States which tranche a line of the bank's paid of which no lost entry tells; it is not ordered again."""
    return await call.order(wiring.LOST_PAYMENTS, restore_id, body)


@router.post("/lost-payments/{restore_id}/ask-to-clear")
async def ask_to_clear_lost_payments(restore_id: UUID, body: AskToClearLostPayments, call: Calling) -> Receipt:
    """States that of every lost payment it is known what became of it; refused while the bank knows of others, or its statements are missing."""
    return await call.order(wiring.LOST_PAYMENTS, restore_id, body)


@router.post("/lost-payments/{restore_id}/clear")
async def clear_lost_payments(restore_id: UUID, body: ClearLostPayments, call: Calling) -> Receipt:
    """Agrees, as the second of two, that money may be ordered again."""
    return await call.order(wiring.LOST_PAYMENTS, restore_id, body)
