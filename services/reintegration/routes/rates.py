"""Reintegration's API for rates of exchange, and for what an amount is in another currency."""

from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.reintegration import rate_queries, wiring
from services.reintegration.domain.rates import CorrectRate, Rate, RecordRate, VoidRate
from shared.callers import AuthenticatedRoute
from shared.contracts.rates import Base, RateSource
from shared.db import UnitOfWork
from shared.http import Calling, Limit, Page, Receipt, View
from shared.moments import Day
from shared.money import Amount, Currency, Money
from shared.new_ids import NewId

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


class RateView(View[Rate]):
    """A rate as it is now, with everything that was recorded for its day."""

    revisions: list[rate_queries.RateRevision]


class Leg(BaseModel):
    """One rate that an amount was converted by."""

    currency: str
    base: Base
    effective_on: date
    revision: int
    rate: str
    source: RateSource


class Conversion(BaseModel):
    """An amount in another currency on a day; ``rate`` is for reading, the amount was converted by ``legs`` exactly."""

    on: date
    money: Money
    converted: Money
    rate: str
    legs: list[Leg]


@router.get("/rates")
async def list_rates(
    call: Calling,
    currency: Annotated[Currency | None, Query()] = None,
    after: Annotated[rate_queries.Place | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[rate_queries.RateRevision]:
    """What is recorded now, of one currency if asked for, the newest day first."""
    found = await call.ask(lambda unit: rate_queries.listed(unit, currency, after, limit + 1))
    items = found[:limit]
    return Page[rate_queries.RateRevision](
        items=items, next=call.goes_on_after(items[-1].place, limit) if len(found) > limit else None
    )


@router.get("/rates-in-force")
async def list_rates_in_force(on: Annotated[Day, Query()], call: Calling) -> list[rate_queries.RateRevision]:
    """What counts on a day: of each currency and base the newest day that has come and was not taken out, as last corrected."""
    return await call.ask(lambda unit: rate_queries.in_force(unit, on))


@router.get("/conversion")
async def convert_money(
    amount: Annotated[Amount, Query()],
    currency: Annotated[Currency, Query()],
    into: Annotated[Currency, Query()],
    on: Annotated[Day, Query()],
    call: Calling,
) -> Conversion:
    """What an amount is in another currency on a day, and by which rates; nothing is recorded."""
    money = Money(amount=amount, currency=currency)

    async def work(unit: UnitOfWork) -> Conversion:
        found = (await rate_queries.rates_between(unit, currency, into, on)).convert(money, into)
        return Conversion(
            on=on, money=money, converted=found.money, rate=_plain(found.rate),
            legs=[
                Leg(
                    currency=leg.currency, base=leg.base, effective_on=leg.effective_on, revision=leg.revision,
                    rate=_plain(leg.rate), source=leg.source,
                )
                for leg in found.legs
            ],
        )  # fmt: skip

    return await call.ask(work)


@router.post("/rates/{rate_id}")
async def record_rate(rate_id: NewId, body: RecordRate, call: Calling) -> Receipt:
    """Records what a currency is worth from a day on, under an id that the caller chose."""
    return await call.order(wiring.RATE, rate_id, body)


@router.get("/rates/{rate_id}")
async def read_rate(rate_id: UUID, call: Calling) -> RateView:
    """One rate as it is now, and what had been recorded before."""
    view = await call.view(wiring.RATE, rate_id)
    revisions = await call.ask(lambda unit: rate_queries.revisions(unit, rate_id))
    return RateView(id=view.id, version=view.version, state=view.state, actions=view.actions, revisions=revisions)


@router.post("/rates/{rate_id}/correct")
async def correct_rate(rate_id: UUID, body: CorrectRate, call: Calling) -> Receipt:
    """Corrects what was recorded wrongly."""
    return await call.order(wiring.RATE, rate_id, body)


@router.post("/rates/{rate_id}/void")
async def void_rate(rate_id: UUID, body: VoidRate, call: Calling) -> Receipt:
    """Takes out what was recorded for a wrong currency, base or day."""
    return await call.order(wiring.RATE, rate_id, body)


def _plain(rate: Decimal) -> str:
    return f"{rate:f}"
