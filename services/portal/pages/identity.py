"""Who a person is: everything of it and how it came about, once its reader has said what for."""

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


@router.get("/persons/{person_id}/identity")
async def identity(person_id: UUID, page: Reading) -> Response:
    """The question what it is for; after a sign-in that came between, what was asked for."""
    kept = await sign_in.kept_form(page.request, page.session, page.path)
    return await _shown(page, person_id, kept or {}, sent=kept is not None)


@router.post("/persons/{person_id}/identity")
async def unmask(person_id: UUID, page: Reading) -> Response:
    """Everything that is known, with every version of it. The purpose is sent by a form, so nothing of it is kept on the way."""
    posted = await page.request.form()
    return await _shown(page, person_id, {name: [str(value) for value in posted.getlist(name)] for name in posted}, sent=True)


async def _shown(page: Page, person_id: UUID, posted: Posted, *, sent: bool) -> Response:
    purpose = typed("purpose", posted)
    chosen = purpose in PURPOSES
    path = f"/v1/persons/{person_id}/identity"
    found = await page.if_for(chosen, "counselling", path, purpose=purpose, all="true")
    return await page.show(
        "identity.html", 422 if sent and not chosen else 200, person_id=person_id, found=found, purposes=PURPOSES,
        purpose=purpose, missing=sent and not chosen, short=short,
    )  # fmt: skip
