"""The evidence of a grant: its papers, the form that files one, and each paper's file to be saved."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_args
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from services.portal import sign_in
from services.portal.client import Answer, Fetched, ServiceAway
from services.portal.fields import Field, Option, Posted
from services.portal.guard import may_come_slowly
from services.portal.pages.frame import NotSignedIn, Page, Reading, Turned
from services.portal.pages.frame import page as page_of
from services.portal.pages.naming import short
from services.portal.translation import _, translated
from services.portal.upload import NoPlace, NoSuchForm, Places, SentForm, read_form
from services.portal.wording import REFUSALS, word
from services.portal.words import money
from shared.contracts.reintegration import EvidenceKind
from shared.files.media import EXTENSIONS, MEDIA_TYPES
from shared.ids import uuid7

router = APIRouter()

_FILE: Final = "file"
# How the fields of the form are called where what is wrong with them is told.
_NAMES: Final[Mapping[str, str]] = {"kind": "evidence_kind", "tranche": "tranche", _FILE: "file"}
_KINDS: Final = tuple(Option(kind, word(kind)) for kind in get_args(EvidenceKind))
# As the service names a file: by its kind and its id, never as its sender did.
_NAMED: Final = re.compile(rf'attachment; filename="[a-z_]{{1,40}}-[0-9a-f]{{6}}\.({"|".join(EXTENSIONS.values())})"')
_UNKNOWN_OUTCOME: Final = _(
    "No answer came, so it is not known whether this was filed. Choose the same file and send it again: it is kept "
    "once, however often it is sent."
)
_AWAY: Final = _("A part of the system does not answer now. Nothing was sent. Try again in a minute.")


@router.get("/grants/{grant_id}/evidence")
async def evidence(grant_id: UUID, page: Reading, again: Annotated[str | None, Query(max_length=10)] = None) -> Response:
    """The papers of a grant, and the form for another one; after a sign-in that came between with what was answered."""
    kept = await sign_in.kept_form(page.request, page.session, page.path) if again else None
    return await _View(page, grant_id).show(kept or {}, again=again is not None)


@router.post("/grants/{grant_id}/evidence")
async def file_evidence(grant_id: UUID, request: Request) -> Response:
    """Takes a paper with its file and passes it on; sent again under the same id it is filed once."""
    places: Places = request.app.state.places
    session = await sign_in.sessions_of(request).of(request)
    try:
        if session is None:
            return await _not_taken(request, grant_id, "too_many_uploads")
        with places.taken_by(session.person_id) as refusal:
            if refusal != "upload_under_way":
                may_come_slowly(request)
            if refusal is not None:
                return await _not_taken(request, grant_id, refusal)
            return await _filed(request, grant_id, await read_form(request, _FILE))
    except NoSuchForm:
        return await (await _view(request, grant_id, {})).show({}, refusal="form_unreadable", status=400)
    except ClientDisconnect:
        # Nobody is there any more to read it.
        return Response(status_code=400)


@router.get("/grants/{grant_id}/evidence/{evidence_id}")
async def read_evidence(grant_id: UUID, evidence_id: UUID, page: Reading) -> Response:
    """The file of one paper, to be saved, piece by piece as it comes; broken off where it is not whole."""
    path = f"/v1/grants/{grant_id}/evidence/{evidence_id}"
    try:
        found = await page.services.fetch(page.session, "reintegration", path)
    except ServiceAway:
        return page.fault(503, "away", _("A part of the system does not answer now. Try again in a minute."))
    if isinstance(found, Answer):
        return page.fault(found.status, found.code, found.sentence)
    return Handed(found, evidence_id)


async def _not_taken(request: Request, grant_id: UUID, refusal: NoPlace) -> Response:
    # Read to its end all the same: only then does a browser show an answer, and what was typed is not lost.
    sent = await read_form(request, _FILE, 0)
    view = await _view(request, grant_id, sent.fields)
    return await view.show(sent.fields, refusal=refusal, status=503)


async def _filed(request: Request, grant_id: UUID, sent: SentForm) -> Response:
    view = await _view(request, grant_id, sent.fields)
    id, kind, tranche = (sent.fields.get(name, [""])[0] for name in ("evidence_id", "kind", "tranche"))
    faults = {} if kind in get_args(EvidenceKind) else {"kind": "missing"}
    if tranche and not re.fullmatch(r"[1-9]\d?", tranche, re.ASCII):
        faults["tranche"] = "not_offered"
    if sent.file is None:
        faults[_FILE] = "no_file"
    if sent.file is not None and sent.file.too_long:
        return await view.show(sent.fields, faults, refusal="file_too_large", status=413)
    if faults or sent.file is None:
        return await view.show(sent.fields, faults, status=422)
    if _id_of(id) is None:
        return await view.show(sent.fields, refusal="form_unreadable", status=400)
    path = f"/v1/grants/{grant_id}/evidence/{_id_of(id)}"
    try:
        answer = await view.page.services.send_file(
            view.page.session, "reintegration", path, sent.file, kind=kind, tranche=tranche
        )
    except ServiceAway as away:
        return await view.show(sent.fields, refusal=_UNKNOWN_OUTCOME if away.sent else _AWAY, status=503, unknown=away.sent)
    if answer.ok:
        return await view.page.done(translated(_("Evidence recorded: %(kind)s."), kind=word(kind)), f"/grants/{grant_id}/evidence")
    return await view.show(sent.fields, refusal=REFUSALS.get(answer.code, answer.sentence), status=answer.status)


async def _view(request: Request, grant_id: UUID, fields: Posted) -> "_View":
    """The page for who is signed in once the form is there: a file may take minutes to come, in which a session ends.

    Then to the sign-in, and from there back to the form, which says that the file has to be chosen again.
    """
    try:
        return _View(await page_of(request), grant_id)
    except NotSignedIn:
        raise Turned(await sign_in.keep_form(request, f"/grants/{grant_id}/evidence?again=file", fields)) from None


def _id_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class _View:
    """The page of a grant's evidence in each of its states."""

    page: Page
    grant_id: UUID

    async def show(
        self, posted: Posted, faults: Mapping[str, str] | None = None, *, refusal: str | None = None, status: int = 200,
        again: bool = False, unknown: bool = False,
    ) -> Response:  # fmt: skip
        """The papers that there are now, and the form with what was answered, what is wrong with it, or why not."""
        found = (await self.page.ask("reintegration", f"/v1/grants/{self.grant_id}")).body
        state = found["state"]
        action = next((one for one in found["actions"] if one["name"] == "file_evidence"), None)
        id = _id_of(posted.get("evidence_id", [""])[0])
        return await self.page.show(
            "evidence.html", status, found=found, state=state, action=action, fields=_fields(state),
            posted={"tranche": [""], **posted}, faults=dict(faults or {}), again=again, unknown=unknown, names=_NAMES,
            refusal=REFUSALS.get(refusal, refusal) if refusal else None, evidence_id=id or uuid7(), short=short,
        )  # fmt: skip


def _fields(state: Mapping[str, Any]) -> tuple[Field, ...]:
    whole = Option("", translated(_("the grant as a whole")))
    tranches = (
        Option(
            str(one["number"]),
            translated(
                _("tranche %(number)s: %(amount)s, %(status)s"), number=one["number"],
                amount=money(one["amount"], state["currency"]), status=word(one["status"]),
            ),
        )
        for one in state["tranches"]
    )
    return (
        Field("kind", _NAMES["kind"], "choice", True, _KINDS),
        Field("tranche", _NAMES["tranche"], "choice", True, (whole, *tranches)),
    )


class Handed(StreamingResponse):
    """A file on its way from its service to a browser, closed whatever became of it."""

    def __init__(self, found: Fetched, evidence_id: UUID) -> None:
        stated = found.headers.get("content-type", "")
        media_type = stated if stated in MEDIA_TYPES else "application/octet-stream"
        named = found.headers.get("content-disposition", "")
        headers = {
            "Content-Disposition": named if _NAMED.fullmatch(named) else f'attachment; filename="evidence-{str(evidence_id)[-6:]}"',
            # Whoever opens it in a browser all the same opens no page of ours.
            "Content-Security-Policy": "sandbox",
        }
        # With its length a file that ends too early is known for what it is.
        if "content-length" in found.headers:
            headers["Content-Length"] = found.headers["content-length"]
        super().__init__(found.pieces(), headers=headers, media_type=media_type)
        self._found = found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._found.close()
