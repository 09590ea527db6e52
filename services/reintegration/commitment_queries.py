"""What reintegration's tables answer about what a grant costs funds in other currencies, by the rates of today."""

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from services.reintegration import rate_queries
from services.reintegration.domain.commitment import cost
from services.reintegration.domain.conversion import RatesInForce
from services.reintegration.domain.grant_state import Grant
from shared.contracts.commitments import RateUsed
from shared.db import Sql, UnitOfWork
from shared.errors import RuleViolation
from shared.money import Amount

_CURRENCIES: Final = Sql("SELECT DISTINCT currency FROM fund_balances WHERE NOT closed ORDER BY currency")


class CostToday(BaseModel):
    """What is not released of a grant costs a fund in this currency today, and by which rates; None without a rate."""

    currency: str
    amount: Amount | None
    rates: tuple[RateUsed, ...]


def is_asked_for(grant: Grant) -> bool:
    """Whether what a grant costs moves with the rates, or might once it is approved."""
    return grant.status == "endorsed" or (grant.fund_in_another_currency and bool(grant.tranches_in("planned")))


async def costs_today(unit: UnitOfWork, grant: Grant, now: datetime, zone: str) -> list[CostToday]:
    """What is left of a grant costs its fund; while it waits for approval, each fund that it may be approved from.

    None for a fund in the grant's own currency, which it costs what it is.
    """
    if not is_asked_for(grant):
        return []
    if grant.fund_currency is not None:
        currencies = [grant.fund_currency]
    else:
        currencies = [row["currency"] for row in await unit.rows(_CURRENCIES) if row["currency"] != grant.currency]
    today = now.astimezone(ZoneInfo(zone)).date()
    rates = await _rates(unit, today) if currencies else RatesInForce({})
    return [_cost(grant, currency, rates) for currency in currencies]


async def _rates(unit: UnitOfWork, today: date) -> RatesInForce:
    return RatesInForce.on(today, [rate.recorded() for rate in await rate_queries.in_force(unit, today)])


def _cost(grant: Grant, currency: str, rates: RatesInForce) -> CostToday:
    try:
        found = cost(grant, grant.tranches_in("planned"), currency, rates)
    except RuleViolation:
        return CostToday(currency=currency, amount=None, rates=())
    return CostToday(currency=currency, amount=found.money.amount, rates=found.rates)
