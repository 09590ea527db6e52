"""What who a person is consists of: names, contacts, documents and skills, each of which is printed without its values."""

import unicodedata
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from shared.countries import AssignedCountry
from shared.messages import Part
from shared.moments import Day
from shared.unprinted import Unprinted

ContactKind = Literal["phone", "messaging", "email", "other"]
DocumentType = Literal["passport", "national_id", "laissez_passer", "emergency_travel_certificate", "other_document"]
# The highest level that was completed, after the levels of ISCED 2011.
Education = Literal["no_schooling", "primary", "lower_secondary", "upper_secondary", "vocational", "tertiary"]

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
Text = Annotated[str, Field(max_length=100, pattern=_CONTACT), AfterValidator(_composed)]
# As it is printed, in Latin letters, digits and what stands between them.
DocumentNumber = Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ./<-]*$")]
BirthDate = Annotated[str, Field(pattern=_BIRTH_DATE, description="ISO 8601, as exact as it is known: 1961, 1961-05 or 1961-05-02")]


class OtherName(Unprinted, Part):
    """A name by which the person is known as well, in any script."""

    other_name: Name


class Nationality(Unprinted, Part):
    """A nationality that the person has."""

    nationality: AssignedCountry


class Contact(Unprinted, Part):
    """A way to reach the person, whether using it puts nobody in danger, and whether the person prefers it to the others."""

    kind: ContactKind
    contact: Annotated[str, Field(max_length=200, pattern=_CONTACT)]
    safe: bool
    preferred: bool = False


class Document(Unprinted, Part):
    """A document that says who the person is; no date of expiry is stated where it has none or it cannot be read."""

    document_type: DocumentType
    document_number: DocumentNumber
    issuing_country: AssignedCountry
    expires_on: Day | None = None


class Skill(Unprinted, Part):
    """Something that the person can do and could live on."""

    skill: Text
