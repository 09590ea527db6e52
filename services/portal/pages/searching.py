"""What is typed to find somebody by a document or by the sound of a name, and who counselling says may be meant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from services.portal.fields import Posted, typed
from services.portal.pages.frame import Page, Turned
from services.portal.wording import countries

WITHIN: Final = ("0", "1", "2", "3")
_FIELDS: Final = ("document_number", "issuing_country", "family_name", "given_names", "born", "born_within")


@dataclass(frozen=True, slots=True)
class Search:
    """What was typed, whether it is not enough to look for somebody, and who may be meant once somebody was looked for."""

    asked: Mapping[str, str]
    incomplete: bool
    found: Mapping[str, Any] | None


async def search_of(page: Page, posted: Posted) -> Search:
    """Looks for whoever is meant by what was typed; nobody, if nothing was."""
    asked = {name: typed(name, posted) for name in _FIELDS}
    if asked["born_within"] not in WITHIN:
        asked["born_within"] = WITHIN[0]
    document, name = _document(asked), _name(asked)
    begun = any(asked[one] for one in ("document_number", "family_name", "given_names", "born"))
    if document is None and name is None:
        return Search(asked, begun, None)
    answer = await page.search("counselling", "/v1/person-searches", {"document": document, "name": name})
    if answer.status == httpx.codes.UNPROCESSABLE_ENTITY:
        return Search(asked, incomplete=True, found=None)
    if not answer.ok:
        raise Turned(page.fault(answer.status, answer.code, answer.sentence))
    return Search(asked, incomplete=False, found=answer.body)


def _document(asked: Mapping[str, str]) -> Mapping[str, Any] | None:
    number, country = asked["document_number"], asked["issuing_country"]
    return {"document_number": number, "issuing_country": country} if number and country in countries() else None


def _name(asked: Mapping[str, str]) -> Mapping[str, Any] | None:
    year = asked["born"]
    if not asked["family_name"] or not (len(year) == 4 and year.isascii() and year.isdecimal()):
        return None
    return {
        "family_name": asked["family_name"], "given_names": asked["given_names"] or None, "birth_year": int(year),
        "birth_year_within": int(asked["born_within"]),
    }  # fmt: skip
