"""Who a person is, and how they stay in this country: everything and how it came about, once its reader has said what for."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Response

from services.portal import sign_in
from services.portal.fields import Posted, typed
from services.portal.pages.frame import Page, Reading
from services.portal.pages.naming import short
from services.portal.translation import _

router = APIRouter()

PURPOSES: Final[Mapping[str, str]] = {
    "casework": _("work on the person's case"),
    "travel_document": _("a travel document"),
    "medical": _("medical care"),
    "correction": _("to see whether it is right"),
}


# Each page that asks what for: which part of counselling's API it shows, and its template.
_IDENTITY: Final = ("identity", "identity.html")
_HOST_STATUS: Final = ("host-status", "host_status.html")


@router.get("/persons/{person_id}/identity")
async def identity(person_id: UUID, page: Reading) -> Response:
    """The question what it is for; after a sign-in that came between, what was asked for."""
    return await _asked(page, person_id, _IDENTITY)


@router.post("/persons/{person_id}/identity")
async def unmask(person_id: UUID, page: Reading) -> Response:
    """Everything that is known, with every version of it. The purpose is sent by a form, so nothing of it is kept on the way."""
    return await _answered(page, person_id, _IDENTITY)


@router.get("/persons/{person_id}/host-status")
async def host_status(person_id: UUID, page: Reading) -> Response:
    """The same question before it is shown how somebody stays in this country."""
    return await _asked(page, person_id, _HOST_STATUS)


@router.post("/persons/{person_id}/host-status")
async def show_host_status(person_id: UUID, page: Reading) -> Response:
    """How somebody stays in this country, with every status that was recorded."""
    return await _answered(page, person_id, _HOST_STATUS)


async def _asked(page: Page, person_id: UUID, what: tuple[str, str]) -> Response:
    kept = await sign_in.kept_form(page.request, page.session, page.path)
    return await _shown(page, person_id, what, kept or {}, sent=kept is not None)


async def _answered(page: Page, person_id: UUID, what: tuple[str, str]) -> Response:
    posted = await page.request.form()
    answers = {name: [str(value) for value in posted.getlist(name)] for name in posted}
    return await _shown(page, person_id, what, answers, sent=True)


async def _shown(page: Page, person_id: UUID, what: tuple[str, str], posted: Posted, *, sent: bool) -> Response:
    part, template = what
    purpose = typed("purpose", posted)
    chosen = purpose in PURPOSES
    # Of a status there are no versions to leave out.
    every = "true" if what == _IDENTITY else None
    path = f"/v1/persons/{person_id}/{part}"
    found = await page.if_for(chosen, "counselling", path, purpose=purpose, all=every)
    return await page.show(
        template, 422 if sent and not chosen else 200, person_id=person_id, found=found, purposes=PURPOSES,
        purpose=purpose, missing=sent and not chosen, short=short,
    )  # fmt: skip
