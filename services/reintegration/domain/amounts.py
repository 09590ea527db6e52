"""What may stand in an order as money and as a day of payment or agreement."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from shared.errors import RuleViolation
from shared.money import Money

NOTHING = Decimal(0)


def _above_zero(money: Money) -> Money:
    if money.amount <= NOTHING:
        raise ValueError("the amount must be above zero")
    return money


def _not_negative(money: Money) -> Money:
    if money.amount < NOTHING:
        raise ValueError("the amount must not be negative")
    return money


_SCHEMA = Money.model_json_schema()
_AMOUNT = _SCHEMA["properties"]["amount"]
_ABOVE_ZERO = _AMOUNT | {"pattern": _AMOUNT["pattern"].replace("^", "^(?![0.]*$)", 1)}
PositiveMoney = Annotated[
    Money,
    AfterValidator(_above_zero),
    WithJsonSchema(_SCHEMA | {"properties": {**_SCHEMA["properties"], "amount": _ABOVE_ZERO}}),
]
PlannedMoney = Annotated[Money, AfterValidator(_not_negative)]


def refuse_two_currencies(sums: Iterable[Money]) -> None:
    """Refused as ``currencies_differ`` unless all these sums are in one currency."""
    if len({money.currency for money in sums}) > 1:
        raise RuleViolation("currencies_differ", "All amounts must be in one currency.")


def earliest_day(moment: datetime) -> date:
    """The first calendar day that a moment (UTC) can have been anywhere on earth.

    A day on a paper from a country of origin is compared with a recorded moment; twelve hours are the most
    that any time zone lies behind UTC, so nobody is refused for having signed or paid in the west.
    """
    return (moment - timedelta(hours=12)).date()
