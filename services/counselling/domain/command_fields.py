"""Field types that several commands of counselling share: moments, persons named and topics spoken about."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from shared.contracts.counselling import Topic
from shared.errors import RuleViolation
from shared.messages import Context

MOST_PERSONS = 20


def _in_utc(at: datetime) -> datetime:
    # The bounds keep a far-off year from overflowing in the conversion.
    if not 2000 <= at.year < 2100:
        raise ValueError("the year must lie between 2000 and 2099")
    return at.astimezone(UTC)


def _distinct(topics: tuple[Topic, ...]) -> tuple[Topic, ...]:
    if len(set(topics)) != len(topics):
        raise ValueError("each topic may be named once")
    return topics


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Topics = Annotated[
    tuple[Topic, ...],
    Field(max_length=10, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_distinct),
]
PersonIds = Annotated[tuple[UUID, ...], Field(max_length=MOST_PERSONS)]


def refuse_future(happened_at: datetime, context: Context) -> None:
    """What is said to have happened must not lie after the present: ``in_the_future``."""
    if happened_at > context.now:
        raise RuleViolation(
            "in_the_future", "The time given has not come yet. Record what happened once it has."
        )


def refuse_twice(person_ids: tuple[UUID, ...]) -> None:
    """Nobody is named twice in one record: ``person_twice``."""
    if len(set(person_ids)) != len(person_ids):
        raise RuleViolation("person_twice", "The same person is named more than once. Name each person once.")
