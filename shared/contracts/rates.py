"""The events of reintegration about rates of exchange, and how a rate is written; fields are only ever added."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

from shared.messages import Event
from shared.money import Currency

# The dollar is what the United Nations' operational rates are in, the euro what some currencies are fixed to.
Base = Literal["USD", "EUR"]
RateSource = Literal["un_operational_rate", "fixed_by_law", "central_bank", "paying_bank"]
RateCorrectionReason = Literal["mistyped", "source_corrected", "wrong_source"]
RateVoidReason = Literal["wrong_currency", "wrong_base", "wrong_day", "not_published"]

_WRITTEN = r"^[0-9]{1,9}(\.[0-9]{1,10})?$"
_ABOVE_ZERO = _WRITTEN.replace("^", "^(?![0.]*$)", 1)


def _from_wire(value: object) -> object:
    if isinstance(value, Decimal) and value.is_finite():
        value = f"{value:f}"
    if isinstance(value, str) and re.fullmatch(_ABOVE_ZERO, value):
        return Decimal(value)
    raise ValueError("a rate is a number above zero, written in digits, with a point before the last ten at most")


ExchangeRate = Annotated[
    Decimal,
    BeforeValidator(
        _from_wire,
        json_schema_input_type=Annotated[
            str,
            Field(
                pattern=_ABOVE_ZERO, description="units of the currency for one unit of the base",
                json_schema_extra={"x-written": "decimal"},
            ),
        ],
    ),
    PlainSerializer(lambda value: f"{value:f}", return_type=str),
]


class RateRecorded(Event, kind="avrr.reintegration.rate.recorded.v1"):
    """From this day on one unit of ``base`` is worth ``rate`` units of ``currency``, until a later day has a rate.

    ``revision`` is more than 1 where the day had a rate that was taken out.
    """

    currency: Currency
    base: Base
    effective_on: date
    rate: ExchangeRate
    source: RateSource
    recorded_by: str
    recorded_at: datetime
    revision: int = 1


class RateCorrected(Event, kind="avrr.reintegration.rate.corrected.v1"):
    """The rate or the source that had been recorded for this day was wrong; each revision stays to be read."""

    currency: Currency
    base: Base
    effective_on: date
    rate: ExchangeRate
    source: RateSource
    reason: RateCorrectionReason
    corrected_by: str
    corrected_at: datetime


class RateVoided(Event, kind="avrr.reintegration.rate.voided.v1"):
    """What had been recorded for this day was of another currency, base or day: it counts no more, and the day is free."""

    currency: Currency
    base: Base
    effective_on: date
    reason: RateVoidReason
    voided_by: str
    voided_at: datetime


EVENTS: tuple[type[Event], ...] = (RateRecorded, RateCorrected, RateVoided)
