"""Who a person is: what a counsellor states of it, which of that corrects what was believed, and what a reader is shown.

A version states some fields; what it leaves out stays as it was believed before. No value leaves the command but sealed.
"""

import json
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.contracts.counselling import CorrectionReason, IdentityField, IdentityRecorded, Language
from shared.countries import AssignedCountry
from shared.errors import RuleViolation
from shared.messages import Command, Context, Part

FIELDS: Final[tuple[IdentityField, ...]] = get_args(IdentityField)
NAMES: Final[frozenset[IdentityField]] = frozenset(
    {"family_name", "given_names", "family_name_own_script", "given_names_own_script", "other_names"}
)
Precision = Literal["year", "month", "day"]
ContactKind = Literal["phone", "messaging", "email", "other"]
# How much of an identity a reader is shown: its initials, its names, or everything.
Shown = Literal["masked", "names", "all"]

# Letters of the Latin script with what transliterations of Arabic, Persian and Pashto put beside them.
_LATIN: Final = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0259\u1e00-\u1eff"
_LATIN_NAME: Final = rf"^[{_LATIN}\u02bb-\u02bf'\u2018\u2019][{_LATIN}\u0300-\u036f\u02bb-\u02bf'\u2018\u2019 .\-]*$"
# Any script, but nothing that is no part of a name or that changes the direction of what stands around it.
_NO_PART_OF_A_NAME: Final = (
    r"\x00-\x1f\x21-\x26\x28-\x2c\x2f-\x40\x5b-\x60\x7b-\xa0\u1680\u2000-\u200b\u200e\u200f\u2028-\u202f"
    r"\u205f-\u206f\u3000\ue000-\uf8ff\ufeff\ufff0-\uffff"
)
_NAME: Final = rf"^[^{_NO_PART_OF_A_NAME}\x20][^{_NO_PART_OF_A_NAME}]*$"
_CONTACT: Final = r"^[^\x00-\x20\x7f-\xa0\u200e\u200f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]*$"
_BIRTH_DATE: Final = r"^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$"


def _composed(text: str) -> str:
    # The same name is the same letters, however somebody's keyboard puts them together.
    return unicodedata.normalize("NFC", " ".join(text.split()))


LatinName = Annotated[str, Field(max_length=100, pattern=_LATIN_NAME), AfterValidator(_composed)]
Name = Annotated[str, Field(max_length=100, pattern=_NAME), AfterValidator(_composed)]
BirthDate = Annotated[str, Field(pattern=_BIRTH_DATE, description="ISO 8601, as exact as it is known: 1961, 1961-05 or 1961-05-02")]


class _Unprinted(BaseModel):
    """What is printed without its values, wherever it may come to be printed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return ()


class OtherName(_Unprinted, Part):
    """A name by which the person is known as well, in any script."""

    other_name: Name


class Nationality(_Unprinted, Part):
    """A nationality that the person has."""

    nationality: AssignedCountry


class Contact(_Unprinted, Part):
    """A way to reach the person, and whether using it puts nobody in danger."""

    kind: ContactKind
    contact: Annotated[str, Field(max_length=200, pattern=_CONTACT)]
    safe: bool


class RecordIdentity(_Unprinted, Command):
    """Record who the person is. State what is known; what you leave out stays as it is.

    What was believed before is kept, with who recorded it. Correcting something needs a reason.
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
    reason: CorrectionReason | None = None


class Identity(_Unprinted):
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


def recorded(
    command: RecordIdentity, *, birth_year: int, known: tuple[IdentityField, ...], number: int, context: Context
) -> IdentityRecorded:
    """The fact that a further version was recorded; ``known`` is what earlier versions stated, ``number`` this one's."""
    stated = stated_by(command)
    if not stated:
        raise RuleViolation("nothing_stated", "Nothing was stated. Record at least one name or another field.")
    if command.stateless and command.nationalities:
        raise RuleViolation(
            "stateless_with_nationality", "A stateless person has no nationality. State one or the other."
        )
    if command.birth_date is not None:
        _refuse_impossible(command.birth_date, birth_year, context)
    corrected = tuple(field for field in stated if field in known)
    if corrected and command.reason is None:
        raise RuleViolation(
            "correction_reason_missing", "Something that was recorded before is corrected. Say for which reason."
        )
    if command.reason is not None and not corrected:
        raise RuleViolation(
            "correction_reason_unexpected", "Nothing that was recorded before is corrected. Leave the reason out."
        )
    return IdentityRecorded(number=number, stated=stated, corrected=corrected, reason=command.reason)


def stated_by(command: RecordIdentity) -> tuple[IdentityField, ...]:
    """The fields that a command states, in their order."""
    return tuple(field for field in FIELDS if getattr(command, field) or (field == "nationalities" and command.stateless))


def texts_of(command: RecordIdentity) -> Mapping[IdentityField, str]:
    """Each stated field as one text, ready to be sealed."""
    values = command.model_dump(mode="json")
    values["other_names"] = [one["other_name"] for one in values["other_names"]]
    values["nationalities"] = [one["nationality"] for one in values["nationalities"]]
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


def _refuse_impossible(birth_date: str, birth_year: int, context: Context) -> None:
    year, month, day = (int(part) for part in [*birth_date.split("-"), "1", "1"][:3])
    if year != birth_year:
        raise RuleViolation(
            "birth_year_differs",
            "The date of birth lies in another year than the one that was registered. Ask the person again.",
        )
    if not _is_a_day(year, month, day):
        raise RuleViolation("birth_date_impossible", "There is no such day. Ask the person again.")
    if date(year, month, day) > context.now.date():
        raise RuleViolation("in_the_future", "The time given has not come yet. Record what happened once it has.")


def _is_a_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
