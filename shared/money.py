"""Amounts of money: a decimal and an ISO 4217 code, a string on the wire, never a float."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

_LARGEST = Decimal("99999999999999.9999")
_WRITTEN = r"^[0-9]{1,14}(\.[0-9]{1,4})?$"


def _from_wire(value: object) -> object:
    # Decimal itself would take "1_000", "1e3" and the digits of every script.
    if isinstance(value, Decimal) or (isinstance(value, str) and re.fullmatch(_WRITTEN, value)):
        return value
    raise ValueError("an amount is written as a string of digits, with a point before the last four at most")


def _plain(value: Decimal) -> Decimal:
    if not value.is_finite() or abs(value) > _LARGEST:
        raise ValueError("an amount has at most 14 digits before the point")
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -4:
        raise ValueError("an amount has at most 4 digits after the point")
    return value


Amount = Annotated[
    Decimal,
    BeforeValidator(_from_wire, json_schema_input_type=Annotated[str, Field(pattern=_WRITTEN)]),
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
