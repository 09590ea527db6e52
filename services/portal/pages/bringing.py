"""A list or a survey that is brought as a file: the form, and what its service said of it. Nothing of it is kept here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.portal.client import ServiceAway
from services.portal.fields import Posted
from services.portal.file_forms import FILE_FORMS
from services.portal.pages.filing import AWAY, UNKNOWN_OUTCOME, still_signed_in, taken
from services.portal.pages.frame import Page, Reading, Turned
from services.portal.pages.key import goes_on, key_needed, to_the_key
from services.portal.translation import _
from services.portal.upload import SentForm
from services.portal.wording import REFUSALS
from shared.ids import uuid7

router = APIRouter()

What = Literal["accounts-of-staff", "sanctions", "survey"]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is brought: by which roles, to where, what is asked besides the file, and the page on which it then stands."""

    roles: tuple[str, ...]
    path: str
    title: str
    note: str
    accept: str
    list: str
    asked: tuple[str, ...] = ()


_KINDS: Final[Mapping[What, _Kind]] = {
    "accounts-of-staff": _Kind(
        ("administrator",), "/v1/staff-accounts", _("Bring the accounts of staff"),
        _("A table as CSV with the columns iban, or account_number and bank_country, up to 1 MB. It counts once somebody else confirmed it."),
        ".csv,text/csv", "/staff-accounts", ("list_version",),
    ),
    "sanctions": _Kind(
        ("finance_reconciler", "chief_of_mission"), "/v1/sanctions-lists", _("Bring a list of sanctions"),
        _("A table as CSV with the columns id, name, aliases, birth_date and country, up to 20 MB. What is new in it holds payments at once; it takes the place of the version before once somebody else confirmed it."),
        ".csv,text/csv", "/sanctions-lists", ("list_name", "list_version"),
    ),
    "survey": _Kind(
        ("manager",), "/v1/instruments", _("Bring a survey"),
        _("A survey as TOML, up to 500 KB, whole or not at all. A version never changes once it is there."), ".toml", "/survey-rounds",
    ),
}  # fmt: skip


@router.get("/bring/{what}")
async def bring(what: What, page: Reading) -> Response:
    """The form that brings a file of this kind."""
    return await _View(what, page).show({}, again=await goes_on(page))


@router.post("/bring/{what}")
async def brought(what: What, request: Request) -> Response:
    """Takes the file and passes it on; sent again under the same id it is brought once."""

    async def filed(sent: SentForm) -> Response:
        return await _passed_on(_View(what, await still_signed_in(request, f"/bring/{what}", sent.fields)), sent)

    async def refused(fields: Posted, refusal: str, status: int) -> Response:
        page = await still_signed_in(request, f"/bring/{what}", fields)
        return await _View(what, page).show(fields, refusal=refusal, status=status)

    return await taken(request, filed, refused)


async def _passed_on(view: "_View", sent: SentForm) -> Response:
    page, kind = view.page, _KINDS[view.what]
    id, asked = _id_of(sent.fields), {name: _typed(sent.fields, name) for name in kind.asked}
    if id is None:
        return await view.show(sent.fields, refusal="form_unreadable", status=400)
    if sent.file is None or not all(asked.values()):
        return await view.show(sent.fields, refusal="no_file" if sent.file is None else "something_missing", status=422)
    if sent.file.too_long:
        return await view.show(sent.fields, refusal=FILE_FORMS[f"/bring/{view.what}"].too_large, status=413)
    try:
        answer = await page.services.send_file(page.session, "reintegration", f"{kind.path}/{id}", sent.file, **asked)
    except ServiceAway as away:
        return await view.show(sent.fields, refusal=UNKNOWN_OUTCOME if away.sent else AWAY, status=503)
    if key_needed(answer):
        return await to_the_key(page, answer, f"/bring/{view.what}", goes_on=True)
    if not answer.ok:
        return await view.show(sent.fields, refusal=REFUSALS.get(answer.code, answer.sentence), status=answer.status)
    return await page.done(_("Brought."), kind.list)


def _typed(fields: Posted, name: str) -> str:
    return (fields.get(name) or [""])[0].strip()


def _id_of(fields: Posted) -> UUID | None:
    try:
        return UUID(_typed(fields, "id"))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class _View:
    """The form, as it was answered."""

    what: What
    page: Page

    async def show(self, posted: Posted, *, refusal: str | None = None, status: int = 200, again: bool = False) -> Response:
        """The form for whoever may bring such a file, with why nothing was brought where that is so."""
        kind = _KINDS[self.what]
        if not self.page.has(*kind.roles):
            raise Turned(self.page.fault(403, "not_permitted", _("Your role does not include this.")))
        values: dict[str, Any] = {name: _typed(posted, name) for name in kind.asked}
        return await self.page.show(
            "bring.html", status, kind=kind, what=self.what, values=values, again=again, id=_id_of(posted) or uuid7(),
            refusal=REFUSALS.get(refusal, refusal) if refusal else None,
        )
