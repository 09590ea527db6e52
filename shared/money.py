"""Amounts of money: a decimal and an ISO 4217 code, a string on the wire, never a float."""

import re
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from shared.currencies import is_currency, minor_units
from shared.errors import RuleViolation

LARGEST: Final = Decimal("99999999999999.9999")
_WRITTEN = r"^[0-9]{1,14}(\.[0-9]{1,4})?$"


def _from_wire(value: object) -> object:
    # Decimal itself would take "1_000", "1e3" and the digits of every script.
    if isinstance(value, Decimal) or (isinstance(value, str) and re.fullmatch(_WRITTEN, value)):
        return value
    raise ValueError("an amount is written as a string of digits, with a point before the last four at most")


def _plain(value: Decimal) -> Decimal:
    if not value.is_finite() or abs(value) > LARGEST:
        raise ValueError("an amount has at most 14 digits before the point")
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -4:
        raise ValueError("an amount has at most 4 digits after the point")
    return value


Amount = Annotated[
    Decimal,
    BeforeValidator(_from_wire, json_schema_input_type=Annotated[str, Field(pattern=_WRITTEN, json_schema_extra={"x-written": "decimal"})]),
    AfterValidator(_plain),
    PlainSerializer(lambda value: f"{value:f}", return_type=str),
]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217")]


class Money(BaseModel):
    """An amount in one currency; adding two currencies is a programming error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: Amount
    currency: Currency

    def __add__(self, other: "Money") -> "Money":
        return Money(amount=self.amount + self._same(other), currency=self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(amount=self.amount - self._same(other), currency=self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount <= self._same(other)

    def _same(self, other: "Money") -> Decimal:
        if self.currency != other.currency:
            raise ValueError("amounts of two currencies cannot be put together")
        return other.amount


def rounded(exact: Decimal | Fraction, currency: str) -> Decimal:
    """An exact amount in the smallest unit of its currency, a half away from zero; with all of its decimals.

    Decision 34: as a bank rounds, and as the spreadsheets that this is compared with.
    """
    decimals = minor_units(currency)
    scaled = abs(Fraction(exact)) * 10**decimals
    units = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(units if exact >= 0 else -units).scaleb(-decimals)


def not_a_currency() -> RuleViolation:
    """Refuses a code that is not in the list of ISO 4217, in which nobody can be paid."""
    return RuleViolation("not_a_currency", "No currency has this code (ISO 4217).")


def refuse_unpayable(sums: Iterable[Money]) -> None:
    """Refused as ``not_a_currency`` or ``finer_than_paid`` unless each sum is a whole number of a currency's smallest units.

    Asked of orders alone: what an event of before says is as it was.
    """
    for money in sums:
        if not is_currency(money.currency):
            raise not_a_currency()
        if rounded(money.amount, money.currency) != money.amount:
            raise RuleViolation(
                "finer_than_paid", "An amount has more decimals than its currency: nobody can be paid exactly that."
            )
