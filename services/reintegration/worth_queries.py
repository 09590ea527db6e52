"""What the bank was ordered in another currency than it booked, by the rates that were in force on the day of the booking."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

import asyncpg

from services.reintegration.domain.conversion import RatesInForce, RecordedRate
from services.reintegration.domain.matching import BankLine
from services.reintegration.queries import newest_rates
from shared.db import Sql, UnitOfWork
from shared.errors import RuleViolation
from shared.money import Money

# On each of these days, so that one statement serves a list.
_RATES = Sql(
    "WITH pairs AS (SELECT currency, base, day FROM unnest(cast(:currencies AS text[])) AS c(currency) "
    "CROSS JOIN (VALUES ('USD'), ('EUR')) AS b(base) CROSS JOIN unnest(cast(:days AS date[])) AS d(day)) " + newest_rates("pairs.day")
)


async def with_worth(unit: UnitOfWork, lines: Sequence[BankLine]) -> tuple[BankLine, ...]:
    """The lines, those that the bank booked in another currency than it was ordered with what that was worth on their day.

    Asks nothing where there are none.
    """
    exchanged = [line for line in lines if _is_exchanged(line)]
    if not exchanged:
        return tuple(lines)
    days = sorted({line.booked_on for line in exchanged if line.booked_on is not None})
    currencies = sorted({"EUR", *(code for line in exchanged for code in (line.currency, line.instructed_currency) if code)})
    rows = await unit.rows(_RATES, currencies=currencies, days=days)
    recorded = _recorded(rows)
    in_force = {day: RatesInForce.on(day, recorded) for day in days}
    worth: dict[UUID, Decimal | None] = {
        line.id: _worth(line, in_force[line.booked_on]) for line in exchanged if line.booked_on is not None
    }
    return tuple(replace(line, worth=worth.get(line.id)) for line in lines)


async def worth_of(unit: UnitOfWork, money: Money, currency: str | None, on: date | None) -> Decimal | None:
    """What an amount is worth in another currency on a day; None in its own, where no rate is known, and of no day. Asks nothing then."""
    if currency is None or on is None or currency == money.currency:
        return None
    rows = await unit.rows(_RATES, currencies=sorted({"EUR", currency, money.currency}), days=[on])
    return _converted(money, currency, RatesInForce.on(on, _recorded(rows)))


def _recorded(rows: Sequence[asyncpg.Record]) -> list[RecordedRate]:
    return [
        RecordedRate(row["currency"], row["base"], row["effective_on"], row["revision"], row["rate"], row["source"], row["void"])
        for row in rows
    ]


def _is_exchanged(line: BankLine) -> bool:
    return line.kind == "booked" and line.direction == "debit" and line.instructed_currency not in (None, line.currency)


def _worth(line: BankLine, rates: RatesInForce) -> Decimal | None:
    assert line.instructed_amount is not None
    assert line.instructed_currency is not None
    assert line.currency is not None
    return _converted(Money(amount=line.instructed_amount, currency=line.instructed_currency), line.currency, rates)


def _converted(money: Money, currency: str, rates: RatesInForce) -> Decimal | None:
    try:
        return rates.convert(money, currency).money.amount
    except RuleViolation:
        # Without a rate somebody looks at it.
        return None
