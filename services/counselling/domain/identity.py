"""Who a person is: what a counsellor states of it, which of that corrects what was believed, and what a reader is shown.

A version states some fields; what it leaves out stays as it was believed before. No value leaves the command but sealed.
"""

import json
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import Field

from services.counselling.domain.days import home_day
from services.counselling.domain.identity_parts import (
    BirthDate,
    Contact,
    Document,
    Education,
    LatinName,
    Name,
    Nationality,
    OtherName,
    Skill,
    Text,
)
from shared.contracts.counselling import CorrectionReason, IdentityField, IdentityRecorded, Language
from shared.errors import RuleViolation
from shared.messages import Command, Context
from shared.unprinted import Unprinted

FIELDS: Final[tuple[IdentityField, ...]] = get_args(IdentityField)
NAMES: Final[frozenset[IdentityField]] = frozenset(
    {"family_name", "given_names", "family_name_own_script", "given_names_own_script", "other_names"}
)
Precision = Literal["year", "month", "day"]
# How much of an identity a reader is shown: its initials, its names, or everything.
Shown = Literal["masked", "names", "all"]

class RecordIdentity(Unprinted, Command):
    """Record who the person is. State what is known; what you leave out stays as it is.

    What was recorded by mistake can be emptied. What was believed before is kept, with who recorded it. Correcting or
    emptying something needs a reason.
    """

    family_name: LatinName | None = None
    given_names: LatinName | None = None
    family_name_own_script: Name | None = None
    given_names_own_script: Name | None = None
    other_names: Annotated[tuple[OtherName, ...], Field(max_length=10)] = ()
    birth_date: BirthDate | None = None
    nationalities: Annotated[tuple[Nationality, ...], Field(max_length=5)] = ()
    stateless: bool = False
    languages: Annotated[tuple[Language, ...], Field(max_length=10)] = ()
    contacts: Annotated[tuple[Contact, ...], Field(max_length=5)] = ()
    documents: Annotated[tuple[Document, ...], Field(max_length=5)] = ()
    education: Education | None = None
    occupation: Text | None = None
    skills: Annotated[tuple[Skill, ...], Field(max_length=10)] = ()
    emptied: Annotated[tuple[IdentityField, ...], Field(json_schema_extra={"uniqueItems": True})] = ()
    reason: CorrectionReason | None = None


class Identity(Unprinted):
    """Who a person is, as far as it is known and shown; None and nothing where it is not."""

    family_name: str | None = None
    given_names: str | None = None
    family_name_own_script: str | None = None
    given_names_own_script: str | None = None
    other_names: tuple[str, ...] = ()
    birth_date: str | None = None
    birth_date_precision: Precision | None = None
    nationalities: tuple[str, ...] = ()
    stateless: bool | None = None
    languages: tuple[str, ...] = ()
    contacts: tuple[Contact, ...] = ()
    documents: tuple[Document, ...] = ()
    education: Education | None = None
    occupation: str | None = None
    skills: tuple[str, ...] = ()


def recorded(
    command: RecordIdentity, *, birth_year: int, known: tuple[IdentityField, ...], number: int, context: Context
) -> IdentityRecorded:
    """The fact that a further version was recorded; ``known`` is what earlier versions stated, ``number`` this one's."""
    stated, emptied = stated_by(command), emptied_by(command)
    if not stated and not emptied:
        raise RuleViolation("nothing_stated", "Nothing was stated. Record at least one name or another field.")
    if command.stateless and command.nationalities:
        raise RuleViolation(
            "stateless_with_nationality", "A stateless person has no nationality. State one or the other."
        )
    if command.birth_date is not None:
        _refuse_impossible(command.birth_date, birth_year, context)
    _refuse_unclear_preference(command)
    _refuse_emptying(emptied, stated, known)
    corrected = tuple(field for field in stated if field in known)
    if (corrected or emptied) and command.reason is None:
        raise RuleViolation(
            "correction_reason_missing", "Something that was recorded before is corrected. Say for which reason."
        )
    if command.reason is not None and not corrected and not emptied:
        raise RuleViolation(
            "correction_reason_unexpected", "Nothing that was recorded before is corrected. Leave the reason out."
        )
    return IdentityRecorded(number=number, stated=stated, corrected=corrected, reason=command.reason, emptied=emptied)


def known_after(known: tuple[IdentityField, ...], event: IdentityRecorded) -> tuple[IdentityField, ...]:
    """The fields of which something is known after a further version, in their order."""
    after = {*known, *event.stated} - {*event.emptied}
    return tuple(field for field in FIELDS if field in after)


def emptied_by(command: RecordIdentity) -> tuple[IdentityField, ...]:
    """The fields that a command empties, in their order."""
    return tuple(field for field in FIELDS if field in command.emptied)


def stated_by(command: RecordIdentity) -> tuple[IdentityField, ...]:
    """The fields that a command states, in their order."""
    return tuple(field for field in FIELDS if getattr(command, field) or (field == "nationalities" and command.stateless))


def texts_of(command: RecordIdentity) -> Mapping[IdentityField, str]:
    """Each stated field as one text, ready to be sealed."""
    values = command.model_dump(mode="json")
    values["other_names"] = [one["other_name"] for one in values["other_names"]]
    values["nationalities"] = [one["nationality"] for one in values["nationalities"]]
    values["skills"] = [one["skill"] for one in values["skills"]]
    return {field: json.dumps(values[field], ensure_ascii=False) for field in stated_by(command)}


def identity_of(texts: Mapping[IdentityField, str]) -> Identity:
    """The identity that these texts say, which `texts_of` made."""
    values: dict[str, Any] = {field: json.loads(text) for field, text in texts.items()}
    if "nationalities" in values:
        values["stateless"] = not values["nationalities"]
    if "birth_date" in values:
        values["birth_date_precision"] = precision_of(values["birth_date"])
    return Identity.model_validate(values)


def precision_of(birth_date: str) -> Precision:
    """How exact a date of birth is, which its form says."""
    found: Mapping[int, Precision] = {4: "year", 7: "month", 10: "day"}
    return found[len(birth_date)]


def shown(identity: Identity, how_far: Shown) -> Identity:
    """What of an identity is shown: of a masked name its initial, of a masked date its year, of everything else nothing."""
    if how_far == "all":
        return identity
    year = identity.birth_date[:4] if identity.birth_date else None
    names: dict[str, Any] = {name: getattr(identity, name) for name in sorted(NAMES)}
    if how_far == "masked":
        names = {
            name: tuple(map(masked, value)) if isinstance(value, tuple) else masked(value) if value else None
            for name, value in names.items()
        }
    return Identity(**names, birth_date=year, birth_date_precision="year" if year else None)


def masked(name: str) -> str:
    """The first letter of a name, with the marks that belong to it, and dots that do not say how many follow."""
    start = next((place for place, letter in enumerate(name) if unicodedata.category(letter)[0] == "L"), None)
    if start is None:
        return "…"
    end = start + 1
    while end < len(name) and unicodedata.category(name[end])[0] == "M":
        end += 1
    return f"{name[start:end]}…"


def _refuse_unclear_preference(command: RecordIdentity) -> None:
    preferred = [contact for contact in command.contacts if contact.preferred]
    if len(preferred) > 1:
        raise RuleViolation("several_preferred_contacts", "Only one way to reach the person can be the preferred one.")
    if preferred and not preferred[0].safe:
        raise RuleViolation(
            "preferred_contact_unsafe",
            "What cannot be used without danger cannot be the preferred way. Ask the person which one is safe.",
        )


def _refuse_emptying(
    emptied: tuple[IdentityField, ...], stated: tuple[IdentityField, ...], known: tuple[IdentityField, ...]
) -> None:
    if set(emptied) & set(stated):
        raise RuleViolation("stated_and_emptied", "The same field is stated and emptied. Do one or the other.")
    if not set(emptied) <= set(known):
        raise RuleViolation("nothing_to_empty", "Nothing is recorded in a field that you want to empty.")


def _refuse_impossible(birth_date: str, birth_year: int, context: Context) -> None:
    year, month, day = (int(part) for part in [*birth_date.split("-"), "1", "1"][:3])
    if year != birth_year:
        raise RuleViolation(
            "birth_year_differs",
            "The date of birth lies in another year than the one that was registered. Ask the person again; if that year is "
            "wrong, correct it first.",
        )
    if not _is_a_day(year, month, day):
        raise RuleViolation("birth_date_impossible", "There is no such day. Ask the person again.")
    if date(year, month, day) > home_day(context.now):
        raise RuleViolation("in_the_future", "The time given has not come yet. Record what happened once it has.")


def _is_a_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
