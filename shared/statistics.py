"""Figures for reports: a value with its unit, and for a share also what it is a share of."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel

from shared.errors import RuleViolation
from shared.moments import Day

Unit = Literal["persons", "cases", "sessions", "contacts", "locations", "countries", "grants", "amount", "supports", "days"]


class Figure(BaseModel):
    """One figure; ``of`` is the denominator where a percentage is meant. Persons and cases are never mixed."""

    key: str
    unit: Unit
    value: int
    of: int | None = None


class Statistics(BaseModel):
    """A service's figures from a day to a day, both included, in the mission's time zone."""

    service: str
    first: date
    last: date
    time_zone: str
    figures: list[Figure]


@dataclass(frozen=True, slots=True)
class Period:
    """Days, both included, in a time zone (IANA name)."""

    first: date
    last: date
    zone: str


First = Annotated[Day, Query(alias="from", description="first day, included")]
Last = Annotated[Day, Query(alias="to", description="last day, included")]


def period(first: date, last: date, zone: str) -> Period:
    """A period that ends no earlier than it begins; RuleViolation ``period_reversed`` otherwise."""
    if last < first:
        raise RuleViolation("period_reversed", "The period ends before it begins.")
    return Period(first, last, zone)
