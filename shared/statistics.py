"""Figures for reports: a value with its unit, and for a share also what it is a share of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal

from fastapi import Query
from pydantic import BaseModel

from shared.errors import RuleViolation
from shared.moments import Day

Unit = Literal["persons", "cases", "sessions", "contacts", "locations", "countries", "grants", "amount", "supports", "days"]

# What is counted of fewer tells of one of them (domain reference 5.4: small cells).
FEWEST: Final = 5


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

    @property
    def is_one_year(self) -> bool:
        """Whether it is exactly one calendar year."""
        return (self.first, self.last) == (date(self.first.year, 1, 1), date(self.first.year, 12, 31))


def not_too_small(counted: Mapping[str, int]) -> dict[str, int]:
    """The parts of a whole that may be told where the whole is known too: none of fewer than `FEWEST`.

    So that what is left of the whole tells no such part either, the next smallest are left out along with it.
    """
    told = {name: count for name, count in counted.items() if count >= FEWEST}
    left = sum(count for count in counted.values() if count < FEWEST)
    for name in sorted(told, key=lambda name: (told[name], name)):
        if left == 0 or left >= FEWEST:
            break
        left += told.pop(name)
    return told


First = Annotated[Day, Query(alias="from", description="first day, included")]
Last = Annotated[Day, Query(alias="to", description="last day, included")]


def period(first: date, last: date, zone: str) -> Period:
    """A period that ends no earlier than it begins; RuleViolation ``period_reversed`` otherwise."""
    if last < first:
        raise RuleViolation("period_reversed", "The period ends before it begins.")
    return Period(first, last, zone)
