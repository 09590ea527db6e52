"""Where data protection collects for a person everything that is held about them, looks at it and takes it home."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Response

from services.portal import sign_in
from services.portal.fields import Posted, typed
from services.portal.pages.frame import Page, Reading
from services.portal.pages.key import acr_values_of, key_needed
from services.portal.told.catalogue import Words, language_for
from services.portal.told.collecting import Collected, NotTold, collect
from services.portal.told.document import as_pdf
from services.portal.translation import _
from shared.ids import uuid7

router = APIRouter()

PATH: Final = "/access-requests"
LANGUAGES: Final[Mapping[str, str]] = {
    "eng": _("English"), "bos": _("Bosnian"), "fra": _("French"), "ara": _("Arabic"), "fas": _("Persian"),
    "pus": _("Pashto"), "urd": _("Urdu"),
}  # fmt: skip


# After a sign-in one comes back to where a form was sent, and from there no file is begun either.
@router.get(PATH)
@router.get(f"{PATH}/file")
async def access_requests(page: Reading) -> Response:
    """The question who asks; after a sign-in or a touch of the key that came between, what would be told."""
    kept = await sign_in.kept_form(page.request, page.session, page.path)
    return await _looked_at(page, kept) if kept is not None else await _asked(page, {})


@router.post(PATH)
async def look(page: Reading) -> Response:
    """How much would be told and in which language, before anything is taken home."""
    return await _looked_at(page, await _sent(page))


@router.post(f"{PATH}/file")
async def take(page: Reading) -> Response:
    """All of it as a file. It is collected anew, so that nothing of it is kept here, and begun by a form, so by no link."""
    posted = await _sent(page)
    found = await _collected(page, posted)
    if isinstance(found, Response):
        return found
    language = _language(posted, found)
    name = f"held-{found.person_id}"
    if typed("format", posted) == "pdf":
        content = await asyncio.to_thread(as_pdf, found, language, _zone(page))
        return _attached(content, f"{name}-{language}.pdf", "application/pdf")
    return _attached(found.as_json().encode(), f"{name}.json", "application/json")


async def _looked_at(page: Page, posted: Posted) -> Response:
    found = await _collected(page, posted)
    if isinstance(found, Response):
        return found
    words = Words("eng", _zone(page), str(found.person_id))
    counts = [
        (words.call("sections", f"{service}.{table}"), len(rows))
        for service, held in found.held.items()
        for table, rows in held["records"].items()
    ]
    return await page.show(
        "access_request.html", person_id=str(found.person_id), languages=LANGUAGES, language=_language(posted, found),
        wrong=None, counts=counts, signed=found.signed,
        events=sum(len(held["history"]) for held in found.held.values()),
        readers=sum(len(held["readers"]) for held in found.held.values()),
    )  # fmt: skip


async def _asked(page: Page, posted: Posted, wrong: str | None = None) -> Response:
    return await page.show(
        "access_request.html", 422 if wrong else 200, person_id=typed("person_id", posted), languages=LANGUAGES,
        language=typed("language", posted), wrong=wrong, counts=None,
    )  # fmt: skip


async def _collected(page: Page, posted: Posted) -> Collected | Response:
    """What all services hold about the person who is named, or the page that comes instead."""
    try:
        person_id = UUID(typed("person_id", posted))
    except ValueError:
        return await _asked(page, posted, _("Write the whole id of the person: 36 characters in five groups."))

    try:
        found = await collect(page.answer_under, person_id, datetime.now(UTC), str(uuid7()))
    except NotTold as refused:
        if key_needed(refused.answer):
            fields = {name: list(posted.get(name, ())) for name in ("person_id", "language")}
            return await sign_in.step_up(page.request, page.session, PATH, fields, acr_values_of(refused.answer))
        return page.fault(refused.answer.status, refused.answer.code, refused.answer.sentence)
    if found.nothing:
        return await _asked(page, posted, _("Nothing is held about anybody under this id."))
    return found


async def _sent(page: Page) -> dict[str, list[str]]:
    sent = await page.request.form()
    return {name: [str(value) for value in sent.getlist(name)] for name in sent}


def _language(posted: Posted, found: Collected) -> str:
    chosen = typed("language", posted)
    return chosen if chosen in LANGUAGES else language_for(found.spoken)


def _zone(page: Page) -> ZoneInfo:
    return ZoneInfo(sign_in.sessions_of(page.request).settings.mission_time_zone)


def _attached(content: bytes, name: str, media_type: str) -> Response:
    headers: dict[str, Any] = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)
