"""Field types that several commands of returns share, and the checks that go with them."""

from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field

from shared.contracts.returns import ArrivalNeed

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


# An airline's two or three characters, up to four digits and at most a letter (IATA resolution 762), without spaces. It
# may be typed as it stands on a ticket, with one between and in small letters.
_FLIGHT: Final = r"^([A-Z][A-Z0-9]|[0-9][A-Z])[A-Z]?[0-9]{1,4}[A-Z]?$"


def _without_spaces(value: object) -> object:
    return value.replace(" ", "").upper() if isinstance(value, str) and len(value) <= 20 else value


def _in_order(needs: tuple[ArrivalNeed, ...]) -> tuple[ArrivalNeed, ...]:
    if len(set(needs)) != len(needs):
        raise ValueError("each need may be named once")
    return tuple(sorted(needs))


Flight = Annotated[
    str,
    Field(
        pattern=_FLIGHT,
        json_schema_extra={"pattern": "^([A-Za-z][A-Za-z0-9]|[0-9][A-Za-z])[A-Za-z]? ?[0-9]{1,4}[A-Za-z]?$"},
    ),
    BeforeValidator(_without_spaces),
]
ArrivalNeeds = Annotated[
    tuple[ArrivalNeed, ...], Field(max_length=10, json_schema_extra={"uniqueItems": True}), AfterValidator(_in_order)
]
