"""Amounts of money: a decimal and an ISO 4217 code, a string on the wire, never a float."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

_LARGEST = Decimal("99999999999999.9999")


def _from_wire(value: object) -> object:
    if isinstance(value, float | int):
        raise ValueError("an amount is written as a string")  # noqa: TRY004 -- pydantic turns a ValueError into a refusal
    return value


def _plain(value: Decimal) -> Decimal:
    if not value.is_finite() or abs(value) > _LARGEST:
        raise ValueError("an amount has at most 14 digits before the point")
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -4:
        raise ValueError("an amount has at most 4 digits after the point")
    return value


Amount = Annotated[
    Decimal,
    BeforeValidator(_from_wire, json_schema_input_type=Annotated[str, Field(pattern=r"^\d{1,14}(\.\d{1,4})?$")]),
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
