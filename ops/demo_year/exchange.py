"""What a dollar is worth in euro through the year: invented rates, each recorded on its eve, and what amounts cost by them."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from ops.demo_year import quotas
from ops.demo_year.people import moment
from ops.demo_year.script import Journey
from services.reintegration.domain.conversion import RatesInForce, RecordedRate
from services.reintegration.domain.rates import RecordRate
from shared.money import Money

_FIRST_ID: Final = 0x7000_8000_0000_0000_0E01
# Invented, for half a month each: the euro rises more often than it falls, so that some commitments in dollars are short
# when they are paid.
_EURO_PER_DOLLAR: Final = (
    "0.962", "0.957", "0.951", "0.958", "0.949", "0.944", "0.940", "0.935", "0.941", "0.933", "0.929", "0.924",
    "0.931", "0.926", "0.920", "0.917", "0.911", "0.918", "0.913", "0.908", "0.904", "0.899", "0.906", "0.901",
)  # fmt: skip
RATES: Final = tuple(
    RecordRate(
        currency="EUR", base="USD", effective_on=date(quotas.YEAR, 1 + half // 2, 1 + half % 2 * 14), rate=Decimal(rate),
        source="un_operational_rate",
    )
    for half, rate in enumerate(_EURO_PER_DOLLAR)
)  # fmt: skip


def record(journey: Journey, day: int | None = None) -> None:
    """Each rate on the eve of its first day, the first one on 3 January; with ``day`` all of them on that day."""
    for number, rate in enumerate(RATES):
        eve = max(2, (rate.effective_on - date(quotas.YEAR, 1, 1) - timedelta(days=1)).days)
        at = moment(eve if day is None else day, 6, number)
        journey.give(at, "finance-reconciler", UUID(int=_FIRST_ID + number), rate)


def cost(amounts: tuple[Money, ...], currency: str, day: date) -> Money:
    """What these amounts come to in a currency on a day of the year, each converted and rounded by itself."""
    recorded = (
        RecordedRate(currency=rate.currency, base=rate.base, effective_on=rate.effective_on, revision=1, rate=rate.rate, source=rate.source)
        for rate in RATES
    )
    rates = RatesInForce.on(day, recorded)
    return Money(amount=sum((rates.convert(money, currency).money.amount for money in amounts), Decimal(0)), currency=currency)
