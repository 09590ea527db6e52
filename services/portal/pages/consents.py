"""One consent of a person: what was agreed to, its signed paper to be filed and read for a purpose, and how it is taken back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from services.portal import sign_in
from services.portal.client import Answer, ServiceAway
from services.portal.fields import Posted, typed
from services.portal.pages.filing import AWAY, FILE, UNKNOWN_OUTCOME, Handed, still_signed_in, taken
from services.portal.pages.frame import Page, Reading
from services.portal.pages.identity import PURPOSES
from services.portal.pages.naming import short
from services.portal.translation import _
from services.portal.upload import SentForm
from services.portal.wording import REFUSALS

router = APIRouter()

_NAMES: Final[Mapping[str, str]] = {FILE: "file"}


@router.get("/persons/{person_id}/consents/{consent_id}")
async def consent(
    person_id: UUID, consent_id: UUID, page: Reading, again: Annotated[str | None, Query(max_length=10)] = None
) -> Response:
    """One consent, with the form for its paper or the question for what somebody needs it."""
    if again:
        # Nothing but the file is chosen on this page, and a browser does not keep that.
        await sign_in.kept_form(page.request, page.session, page.path)
    return await _View(page, person_id, consent_id).show(again=again is not None)


@router.post("/persons/{person_id}/consents/{consent_id}")
async def file_paper(person_id: UUID, consent_id: UUID, request: Request) -> Response:
    """Takes the signed paper and passes it on; the same file sent again is filed once."""
    path = f"/persons/{person_id}/consents/{consent_id}"

    async def filed(sent: SentForm) -> Response:
        return await _filed(_View(await still_signed_in(request, path, sent.fields), person_id, consent_id), sent)

    async def refused(fields: Posted, refusal: str, status: int) -> Response:
        view = _View(await still_signed_in(request, path, fields), person_id, consent_id)
        return await view.show(refusal=refusal, status=status)

    return await taken(request, filed, refused)


@router.get("/persons/{person_id}/consents/{consent_id}/paper")
async def ask_for_paper(person_id: UUID, consent_id: UUID, page: Reading) -> Response:
    """To the consent, where it is asked what for: a sign-in that came between does not end in a file.

    Data protection, which is shown no page of a person, is asked here.
    """
    await sign_in.kept_form(page.request, page.session, page.path)
    if _by_ids_alone(page):
        return await _asked_by_ids(page, person_id, consent_id)
    return RedirectResponse(f"/persons/{person_id}/consents/{consent_id}", status_code=303)


@router.post("/persons/{person_id}/consents/{consent_id}/paper")
async def read_paper(person_id: UUID, consent_id: UUID, page: Reading) -> Response:
    """The signed paper, to be saved. The purpose is sent by a form, so nothing of it is kept on the way."""
    posted = await page.request.form()
    purpose = typed("purpose", {name: [str(value) for value in posted.getlist(name)] for name in posted})
    if purpose not in PURPOSES and _by_ids_alone(page):
        return await _asked_by_ids(page, person_id, consent_id, missing=True)
    if purpose not in PURPOSES:
        return await _View(page, person_id, consent_id).show(missing=True, status=422)
    path = f"/v1/persons/{person_id}/consents/{consent_id}/paper"
    try:
        found = await page.services.fetch(page.session, "counselling", path, purpose=purpose)
    except ServiceAway:
        return page.fault(503, "away", _("A part of the system does not answer now. Try again in a minute."))
    if isinstance(found, Answer):
        return page.fault(found.status, found.code, found.sentence)
    return Handed(found, "consent", consent_id)


def _by_ids_alone(page: Page) -> bool:
    """Whether the reader knows persons by their ids alone, and reads papers all the same."""
    return page.has("data_protection") and not page.has("counsellor", "coordinator")


async def _asked_by_ids(page: Page, person_id: UUID, consent_id: UUID, *, missing: bool = False) -> Response:
    return await page.show(
        "consent_paper.html", 422 if missing else 200, person_id=person_id, consent_id=consent_id, missing=missing,
        purposes=PURPOSES, short=short,
    )  # fmt: skip


async def _filed(view: "_View", sent: SentForm) -> Response:
    if sent.file is None:
        return await view.show({FILE: "no_file"}, status=422)
    if sent.file.too_long:
        return await view.show(refusal="file_too_large", status=413)
    path = f"/v1{view.path}/paper"
    try:
        answer = await view.page.services.send_file(view.page.session, "counselling", path, sent.file)
    except ServiceAway as away:
        return await view.show(refusal=UNKNOWN_OUTCOME if away.sent else AWAY, status=503, unknown=away.sent)
    if answer.ok:
        return await view.page.done(_("The signed paper was filed."), view.path)
    return await view.show(refusal=REFUSALS.get(answer.code, answer.sentence), status=answer.status)


@dataclass(frozen=True, slots=True)
class _View:
    """The page of a consent in each of its states."""

    page: Page
    person_id: UUID
    consent_id: UUID

    @property
    def path(self) -> str:
        """Where this consent is, here and, after the version, at the service."""
        return f"/persons/{self.person_id}/consents/{self.consent_id}"

    async def show(
        self, faults: Mapping[str, str] | None = None, *, refusal: str | None = None, status: int = 200,
        again: bool = False, unknown: bool = False, missing: bool = False,
    ) -> Response:  # fmt: skip
        """The consent as it is now, and what is wrong with what was sent, or why not."""
        found = (await self.page.ask("counselling", f"/v1/persons/{self.person_id}")).body
        consents: list[Mapping[str, Any]] = found["state"]["consents"]
        one = next((one for one in consents if one["consent_id"] == str(self.consent_id)), None)
        if one is None:
            return self.page.fault(404, "not_found", _("There is no such page."))
        actions = {action["name"]: action for action in found["actions"]}
        filing = actions.get("file_consent_paper")
        return await self.page.show(
            "consent.html", status, one=one, path=self.path, person_id=self.person_id, filing=filing,
            taking_back=actions.get("withdraw_consent"),
            # Whoever may file the paper is of the site where it may be read.
            readable=self.page.has("coordinator") or bool(filing and filing["allowed"]),
            faults=dict(faults or {}), names=_NAMES, refusal=REFUSALS.get(refusal, refusal) if refusal else None,
            again=again, unknown=unknown, missing=missing, purposes=PURPOSES, short=short,
        )  # fmt: skip
