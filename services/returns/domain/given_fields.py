"""Field types that several commands of returns share, and the checks that go with them."""

from datetime import date
from typing import Annotated, Final, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from shared.contracts.returns import Agreement, ArrivalNeed, Assistance, FitnessCondition, Indicator
from shared.moments import Day
from shared.new_ids import NewId

MOST_PERSONS = 20

Named = TypeVar("Named", bound=str)


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


def _in_order(named: tuple[Named, ...]) -> tuple[Named, ...]:
    if len(set(named)) != len(named):
        raise ValueError("each may be named once")
    return tuple(sorted(named))


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
FitnessConditions = Annotated[
    tuple[FitnessCondition, ...], Field(max_length=10, json_schema_extra={"uniqueItems": True}), AfterValidator(_in_order)
]

Indicators = Annotated[
    tuple[Indicator, ...], Field(max_length=20, json_schema_extra={"uniqueItems": True}), AfterValidator(_in_order)
]
Agreements = Annotated[
    tuple[Agreement, ...], Field(max_length=3, json_schema_extra={"uniqueItems": True}), AfterValidator(_in_order)
]


class PersonAssistance(BaseModel):
    """One thing that helps one person on the way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    person_id: UUID
    kind: Assistance


def _once_each(named: tuple[PersonAssistance, ...]) -> tuple[PersonAssistance, ...]:
    if len(set(named)) != len(named):
        raise ValueError("each may be named once")
    return tuple(sorted(named, key=lambda one: (one.person_id, one.kind)))


AssistanceOfPersons = Annotated[tuple[PersonAssistance, ...], Field(max_length=30), AfterValidator(_once_each)]
AlertsId = Annotated[
    NewId | None,
    Field(description="A new id, from which those of the alerts are made that a departure without clearance calls for."),
]
# The first or the last day on which a paper is valid.
ValidDay = Annotated[
    Day, Field(ge=date(2000, 1, 1), lt=date(2100, 1, 1), json_schema_extra={"pattern": "^20[0-9]{2}-"})
]
