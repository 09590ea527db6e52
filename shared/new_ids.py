"""Ids that callers choose for what is new: of version 7, so that each has its place wherever lists go by ids."""

from typing import Annotated, Final
from uuid import RFC_4122, UUID

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticKnownError

from shared.errors import RuleViolation
from shared.ids import uuid7

VERSION: Final = 7
# How such an id is written; the variant of RFC 9562 stands in the first digit of its fourth group.
PATTERN: Final = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$"


def is_new(id: UUID) -> bool:
    """Whether something new may begin under this id: a UUID of version 7 and of the variant of RFC 9562.

    Lists go on behind the id that they showed last, and begin before the first of version 7: under the nil UUID a thing
    would stand in none of them, and no timer would come to it.
    """
    return id.variant == RFC_4122 and id.version == VERSION


def id_unfit() -> RuleViolation:
    """Refuses to begin something under an id that is none of version 7."""
    return RuleViolation("id_unfit", "Something new needs an id of version 7 (RFC 9562).")


def refuse_unfit(id: UUID, *, begun: bool) -> None:
    """Refuses what an order has ``begun`` that may also change what exists: what does may have any id, so that no path says it."""
    if begun and not is_new(id):
        raise id_unfit()


def _of_something_new(id: UUID) -> UUID:
    if not is_new(id):
        raise PydanticKnownError("uuid_version", {"expected_version": VERSION})
    return id


NewId = Annotated[
    UUID, AfterValidator(_of_something_new), WithJsonSchema({"type": "string", "format": "uuid", "pattern": PATTERN})
]


def made_where_left_out(description: str) -> UUID:
    """The default of a `NewId` that no page asks for: whoever orders makes it, so that deciding stays without chance."""
    made: UUID = Field(default_factory=uuid7, description=description, json_schema_extra={"x-asked": False})
    return made
