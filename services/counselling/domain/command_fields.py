"""Field types that several commands of counselling share: persons named and topics spoken about."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from shared.contracts.counselling import Topic
from shared.errors import RuleViolation

MOST_PERSONS = 20


def _distinct(topics: tuple[Topic, ...]) -> tuple[Topic, ...]:
    if len(set(topics)) != len(topics):
        raise ValueError("each topic may be named once")
    return topics


Topics = Annotated[
    tuple[Topic, ...],
    Field(max_length=10, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_distinct),
]
PersonIds = Annotated[tuple[UUID, ...], Field(max_length=MOST_PERSONS)]


def refuse_twice(person_ids: tuple[UUID, ...]) -> None:
    """Nobody is named twice in one record: ``person_twice``."""
    if len(set(person_ids)) != len(person_ids):
        raise RuleViolation("person_twice", "The same person is named more than once. Name each person once.")
