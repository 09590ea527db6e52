"""Reintegration's API for what was paid although something stood against it, and for the voucher that stops while it does."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from services.reintegration import (
    bank_queries,
    lost_payment_queries,
    paid_although_queries,
    payable_queries,
    window,
)
from services.reintegration.domain.cash import refuse_voucher
from services.reintegration.domain.grant_facts import MOST_TRANCHES
from services.reintegration.domain.payee_facts import Payable
from shared.callers import AuthenticatedRoute
from shared.errors import NotFound
from shared.http import Calling, Limit, Page
from shared.money import Amount

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


class Voucher(BaseModel):
    """What is printed and signed when cash is handed over: an amount, and the attempt that a code is made of."""

    grant_id: UUID
    tranche: int
    attempt_id: UUID
    amount: Amount
    currency: str


@router.get("/paid-although")
async def list_paid_although(
    call: Calling,
    after: Annotated[paid_although_queries.Place | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[paid_although_queries.PaidAlthough]:
    """What was handed over or paid although something stood against it, and what, in the order of grants and tranches."""
    found = await call.ask(lambda unit: paid_although_queries.paid_although(unit, after, limit + 1), log=True)
    items = found[:limit]
    return Page[paid_although_queries.PaidAlthough](
        items=items, next=call.goes_on_after(items[-1].place, limit) if len(found) > limit else None
    )


@router.get("/grants/{grant_id}/vouchers/{number}")
async def read_voucher(grant_id: UUID, number: Annotated[int, Path(ge=1, le=MOST_TRANCHES)], call: Calling) -> Voucher:
    """The voucher of cash that waits to be handed over; refused where a colleague saw that it was, or something stands against it, a line of
    the bank's that waits among that.

    The reading is on record.
    """
    grant = (await window.grant(call, grant_id)).state
    tranche = grant.tranche(number)
    if tranche is None or tranche.method != "cash" or tranche.status != "released" or tranche.attempt_id is None:
        raise NotFound
    payee_id, attempt_id = tranche.payee_id, tranche.attempt_id
    known = Payable() if payee_id is None else await call.ask(lambda unit: payable_queries.payable(unit, payee_id))
    waits = await call.ask(lambda unit: bank_queries.waits_for(unit, attempt_id))
    await call.ask(lambda unit: lost_payment_queries.refuse_lost(unit, attempt_id))
    refuse_voucher(grant, tranche, known, call.context.now, bank_line_waits=waits)
    return Voucher(
        grant_id=grant_id, tranche=number, attempt_id=attempt_id, amount=tranche.amount, currency=grant.currency
    )
