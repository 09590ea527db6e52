"""Field types that several commands of returns share, and the checks that go with them."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

MOST_PERSONS = 20


def _distinct(person_ids: tuple[UUID, ...]) -> tuple[UUID, ...]:
    if len(set(person_ids)) != len(person_ids):
        raise ValueError("each person may be named once")
    return person_ids


PersonIds = Annotated[
    tuple[UUID, ...],
    Field(min_length=1, max_length=MOST_PERSONS, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_distinct),
]
