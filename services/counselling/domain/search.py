"""By what somebody who may be registered already is looked for, what is kept to find them by, and how alike two names are.

What is kept are hashes of how names sound together with the year of birth, cut so short that many people share one, and of
documents' numbers, which are nobody else's. They are made of what is believed now: a name that was corrected finds nobody
any more, for it may be somebody else's; one that a person goes by as well belongs among the other names, and is found.
"""

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final

from pydantic import Field
from rapidfuzz import fuzz

from services.counselling.domain.identity import Identity
from services.counselling.domain.identity_parts import DocumentNumber, Name
from services.counselling.domain.sound import heard, latin, sounds
from shared.blind_index import Term
from shared.contracts.counselling import IdentityField
from shared.countries import AssignedCountry
from shared.errors import RuleViolation
from shared.messages import Part
from shared.unprinted import Unprinted

# How many candidates are opened and shown at most; beyond that whoever searches has to say more.
MOST_CANDIDATES: Final = 50
# A hash of a name is shared by about R / 4096 of R names. From eight thousand names to sixteen million that is more than
# two people and fewer than the square root of all, between which a hash neither names anybody nor finds everybody.
NAME_BITS: Final = 12
DOCUMENT_BITS: Final = 128

SEARCHED: Final[tuple[IdentityField, ...]] = (
    "family_name", "given_names", "family_name_own_script", "given_names_own_script", "other_names", "documents",
)  # fmt: skip
# Scores are told in tens: by finer ones somebody could try out letter for letter what is masked.
_STEP: Final = 10
# A family name that stands where given names do counts for less.
_GIVEN: Final = 0.8


class DocumentSought(Unprinted, Part):
    """A document by what is printed on it."""

    document_number: DocumentNumber
    issuing_country: AssignedCountry


class NameSought(Unprinted, Part):
    """A family name as it was heard, in any script, with the year of birth, give or take up to three years."""

    family_name: Name
    given_names: Name | None = None
    birth_year: Annotated[int, Field(strict=True, ge=1000, le=9999)]
    birth_year_within: Annotated[int, Field(strict=True, ge=0, le=3)] = 0


class PersonSearch(Unprinted, Part):
    """Whom somebody looks for: by a document, by a name, or by both."""

    document: DocumentSought | None = None
    name: NameSought | None = None


def terms_kept(birth_year: int, texts: Mapping[IdentityField, str]) -> Mapping[IdentityField, Sequence[Term]]:
    """What somebody is to be found by, for each of the searched fields among these texts, which `texts_of` made."""
    found: dict[IdentityField, Sequence[Term]] = {}
    for field in SEARCHED:
        if field not in texts:
            continue
        value = json.loads(texts[field])
        if field == "documents":
            found[field] = [_document(one["document_number"], one["issuing_country"]) for one in value]
        else:
            names: Iterable[str] = value if isinstance(value, list) else (value,)
            found[field] = [_name(sound, birth_year) for sound in sorted({one for name in names for one in sounds(name)})]
    return found


def terms_sought(search: PersonSearch) -> tuple[list[Term], list[Term]]:
    """By which documents and by which names it is looked for; `RuleViolation` if by neither."""
    if search.document is None and search.name is None:
        raise RuleViolation("nothing_looked_for", "Look for a document, or for a family name and a year of birth.")
    documents = [_document(search.document.document_number, search.document.issuing_country)] if search.document else []
    names: list[Term] = []
    if search.name is not None:
        first, last = years_sought(search.name)
        names = [_name(sound, year) for sound in sorted(sounds(search.name.family_name)) for year in range(first, last + 1)]
    return documents, names


def years_sought(name: NameSought) -> tuple[int, int]:
    """The first and the last year of birth that are looked for."""
    return name.birth_year - name.birth_year_within, name.birth_year + name.birth_year_within


def has_document(identity: Identity, sought: DocumentSought) -> bool:
    """Whether this is really the document that was looked for, whatever a hash says."""
    wanted = (_plain(sought.document_number), sought.issuing_country)
    return any((_plain(one.document_number), one.issuing_country) == wanted for one in identity.documents)


def sounds_alike(identity: Identity, sought: NameSought) -> bool:
    """Whether a word of the family name that was looked for really sounds like one of somebody's, whatever a hash says."""
    names = (
        identity.family_name, identity.given_names, identity.family_name_own_script, identity.given_names_own_script,
        *identity.other_names,
    )  # fmt: skip
    wanted = sounds(sought.family_name)
    return any(wanted & sounds(name) for name in names if name)


def score(identity: Identity, sought: NameSought) -> float:
    """How alike the name that was looked for and the best of somebody's are, from 0 to 100."""
    pairs = (
        (identity.family_name, identity.given_names), (identity.family_name_own_script, identity.given_names_own_script)
    )  # fmt: skip
    whole = [" ".join(filter(None, pair)) for pair in pairs]
    if sought.given_names is not None:
        asked = f"{sought.family_name} {sought.given_names}"
        return max((_alike(asked, name) for name in (*whole, *identity.other_names) if name), default=0.0)
    families = [name for name, _ in pairs if name] + list(identity.other_names)
    given = [name for _, name in pairs if name]
    return max(
        max((_alike(sought.family_name, name) for name in families), default=0.0),
        _GIVEN * max((_alike(sought.family_name, name) for name in given), default=0.0),
    )


def told(exact: float) -> int:
    """A score as it is told."""
    return round(exact / _STEP) * _STEP


def _alike(one: str, other: str) -> float:
    spelt = fuzz.token_sort_ratio(latin(one), latin(other))
    # Two scripts, or two ways to transliterate, are alike in sound more than in letters.
    return max(spelt, (spelt + fuzz.token_sort_ratio(heard(one), heard(other))) / 2)


def _document(number: str, country: str) -> Term:
    return Term("document", f"{country} {_plain(number)}", DOCUMENT_BITS)


def _name(sound: str, birth_year: int) -> Term:
    return Term("name", f"{birth_year} {sound}", NAME_BITS)


def _plain(number: str) -> str:
    # Blanks and strokes are put in or left out as it pleases whoever copies a number.
    return "".join(one for one in unicodedata.normalize("NFKC", number).upper() if one.isalnum())
