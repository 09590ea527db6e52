"""Field types that several commands of returns share, and the checks that go with them."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from shared.errors import RuleViolation
from shared.messages import Context

MOST_PERSONS = 20


def _in_utc(at: datetime) -> datetime:
    # The bounds keep a far-off year from overflowing in the conversion.
    if not 2000 <= at.year < 2100:
        raise ValueError("the year must lie between 2000 and 2099")
    return at.astimezone(UTC)


def _distinct(person_ids: tuple[UUID, ...]) -> tuple[UUID, ...]:
    if len(set(person_ids)) != len(person_ids):
        raise ValueError("each person may be named once")
    return person_ids


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
PersonIds = Annotated[
    tuple[UUID, ...],
    Field(min_length=1, max_length=MOST_PERSONS, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_distinct),
]


def refuse_future(happened_at: datetime, context: Context) -> None:
    """What is said to have happened must not lie after the present: ``in_the_future``."""
    if happened_at > context.now:
        raise RuleViolation("in_the_future", "The time given has not come yet. Record what happened once it has.")
