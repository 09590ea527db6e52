"""The page on which a second person confirms a file of the bank's: by their own copy of it, of which the page makes the hash."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from services.portal import sign_in
from services.portal.client import ServiceAway
from services.portal.fields import Field, Given, Posted, body_of, fields_of
from services.portal.pages.filing import AWAY, FILE, UNKNOWN_OUTCOME, still_signed_in, taken
from services.portal.pages.frame import Page, Reading, Turned
from services.portal.pages.given_bank import to_confirm
from services.portal.pages.key import acr_values_of, key_needed
from services.portal.pages.naming import short
from services.portal.translation import _
from services.portal.upload import SentForm
from services.portal.wording import REFUSALS
from shared.ids import uuid7

router = APIRouter()

_OPERATION: Final = "confirm_bank_file"


@router.get("/bank-files/{file_id}/confirm")
async def ask_for_a_copy(file_id: UUID, page: Reading) -> Response:
    """The questions, and the field for the file as its reader took it from the bank; after a sign-in with what was typed."""
    kept = await sign_in.kept_form(page.request, page.session, page.path)
    return await _View(page, file_id).show(kept or {}, again=kept is not None)


@router.post("/bank-files/{file_id}/confirm")
async def confirm_by_a_copy(file_id: UUID, request: Request) -> Response:
    """Makes the hash of the copy, of which nothing is kept, and sends it with what was typed; once, however often it is sent."""

    async def filed(sent: SentForm) -> Response:
        return await _confirmed(await _view(request, file_id, sent.fields), sent)

    async def refused(fields: Posted, refusal: str, status: int) -> Response:
        return await (await _view(request, file_id, fields)).show(fields, refusal=refusal, status=status)

    return await taken(request, filed, refused)


async def _view(request: Request, file_id: UUID, fields: Posted) -> "_View":
    return _View(await still_signed_in(request, _path(file_id), fields), file_id)


def _path(file_id: UUID) -> str:
    return f"/bank-files/{file_id}/confirm"


async def _confirmed(view: "_View", sent: SentForm) -> Response:
    page, posted = view.page, sent.fields
    fields, given, _found = await view.asked()
    zone = ZoneInfo(sign_in.sessions_of(page.request).settings.mission_time_zone)
    body, found_wrong = body_of(fields, given, posted, zone)
    faults: dict[str, str] = {fault.name: fault.code for fault in found_wrong}
    if sent.file is not None and sent.file.too_long:
        return await view.show(posted, faults, refusal="bank_file_too_large", status=413)
    if sent.file is None:
        faults[FILE] = "no_file"
    if faults or sent.file is None:
        return await view.show(posted, faults, status=422)
    body["file_sha256"] = sha256(sent.file.content).hexdigest()
    key, version = (posted.get(name, [""])[0] for name in ("key", "version"))
    order = f"/v1/bank-files/{view.file_id}/confirm"
    try:
        answer = await page.services.order(page.session, "reintegration", order, body, key or str(uuid7()), version or None)
    except ServiceAway as away:
        return await view.show(posted, refusal=UNKNOWN_OUTCOME if away.sent else AWAY, status=503)
    if key_needed(answer):
        return await sign_in.step_up(page.request, page.session, _path(view.file_id), posted, acr_values_of(answer))
    if answer.ok:
        return await page.done(_("Confirmed: from here on the lines of this file count."), f"/bank-files/{view.file_id}")
    # What stands on this page was read anew, so that sending it once more is a decision on what is there now.
    return await view.show({**posted, "key": [], "version": []}, refusal=REFUSALS.get(answer.code, answer.sentence), status=answer.status)


@dataclass(frozen=True, slots=True)
class _View:
    """The page in each of its states."""

    page: Page
    file_id: UUID

    async def asked(self) -> tuple[tuple[Field, ...], Given, Mapping[str, Any]]:
        """What is asked beside the file, what is known before, and the file that waits, with what its reader may do."""
        form = await self.page.form("reintegration", _OPERATION)
        if form is None:
            raise Turned(self.page.fault(404, "not_found", _("There is no such page.")))
        given = await to_confirm(self.page, self.file_id)
        found = (await self.page.ask("reintegration", f"/v1/bank-files/{self.file_id}")).body
        return fields_of(form.schema, given), given, found

    async def show(
        self, posted: Posted, faults: Mapping[str, str] | None = None, *, refusal: str | None = None, status: int = 200, again: bool = False
    ) -> Response:
        """The questions with what was answered, and what is wrong with it, or why the file does not count."""
        fields, given, found = await self.asked()
        return await self.page.show(
            "bank_file_confirm.html", status, found=found, fields=fields, given=given, posted=posted, faults=dict(faults or {}),
            refusal=REFUSALS.get(refusal, refusal) if refusal else None, again=again, short=short,
            action=next((one for one in found["actions"] if one["name"] == _OPERATION), None),
            key=(posted.get("key") or [str(uuid7())])[0], version=(posted.get("version") or [given.version])[0],
        )  # fmt: skip
