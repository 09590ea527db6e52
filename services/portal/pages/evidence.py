"""The evidence of a grant: its papers, the form that files one, and each paper's file to be saved."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_args
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.portal import sign_in
from services.portal.client import Answer, ServiceAway
from services.portal.fields import Field, Option, Posted
from services.portal.pages.filing import AWAY, FILE, UNKNOWN_OUTCOME, Handed, still_signed_in, taken
from services.portal.pages.frame import Page, Reading
from services.portal.pages.naming import short
from services.portal.translation import _, translated
from services.portal.upload import SentForm
from services.portal.wording import REFUSALS, word
from services.portal.words import money
from shared.contracts.reintegration import CATEGORIES_OF_HEALTH, PAPERS_OF_HEALTH, EvidenceKind
from shared.ids import uuid7

router = APIRouter()

# How the fields of the form are called where what is wrong with them is told.
_NAMES: Final[Mapping[str, str]] = {"kind": "evidence_kind", "tranche": "tranche", FILE: "file"}


@router.get("/grants/{grant_id}/evidence")
async def evidence(grant_id: UUID, page: Reading, again: Annotated[str | None, Query(max_length=10)] = None) -> Response:
    """The papers of a grant, and the form for another one; after a sign-in that came between with what was answered."""
    kept = await sign_in.kept_form(page.request, page.session, page.path) if again else None
    return await _View(page, grant_id).show(kept or {}, again=again is not None)


@router.post("/grants/{grant_id}/evidence")
async def file_evidence(grant_id: UUID, request: Request) -> Response:
    """Takes a paper with its file and passes it on; sent again under the same id it is filed once."""

    async def filed(sent: SentForm) -> Response:
        return await _filed(await _view(request, grant_id, sent.fields), sent)

    async def refused(fields: Posted, refusal: str, status: int) -> Response:
        return await (await _view(request, grant_id, fields)).show(fields, refusal=refusal, status=status)

    return await taken(request, filed, refused)


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
    return Handed(found, "evidence", evidence_id)


async def _filed(view: "_View", sent: SentForm) -> Response:
    id, kind, tranche = (sent.fields.get(name, [""])[0] for name in ("evidence_id", "kind", "tranche"))
    faults = {} if kind in get_args(EvidenceKind) else {"kind": "missing"}
    if tranche and not re.fullmatch(r"[1-9]\d?", tranche, re.ASCII):
        faults["tranche"] = "not_offered"
    if sent.file is None:
        faults[FILE] = "no_file"
    if sent.file is not None and sent.file.too_long:
        return await view.show(sent.fields, faults, refusal="file_too_large", status=413)
    if faults or sent.file is None:
        return await view.show(sent.fields, faults, status=422)
    if _id_of(id) is None:
        return await view.show(sent.fields, refusal="form_unreadable", status=400)
    path = f"/v1/grants/{view.grant_id}/evidence/{_id_of(id)}"
    try:
        answer = await view.page.services.send_file(
            view.page.session, "reintegration", path, sent.file, kind=kind, tranche=tranche
        )
    except ServiceAway as away:
        return await view.show(sent.fields, refusal=UNKNOWN_OUTCOME if away.sent else AWAY, status=503, unknown=away.sent)
    if answer.ok:
        return await view.page.done(translated(_("Evidence recorded: %(kind)s."), kind=word(kind)), f"/grants/{view.grant_id}/evidence")
    return await view.show(sent.fields, refusal=REFUSALS.get(answer.code, answer.sentence), status=answer.status)


async def _view(request: Request, grant_id: UUID, fields: Posted) -> "_View":
    return _View(await still_signed_in(request, f"/grants/{grant_id}/evidence", fields), grant_id)


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
            refusal=REFUSALS.get(refusal, refusal) if refusal else None, evidence_id=id or uuid7(), short=short, of_health=CATEGORIES_OF_HEALTH,
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
    # A paper that tells what somebody suffers from is taken only where that is what the grant is for.
    left_out = PAPERS_OF_HEALTH if state.get("category") not in CATEGORIES_OF_HEALTH else frozenset[str]()
    kinds = tuple(Option(kind, word(kind)) for kind in get_args(EvidenceKind) if kind not in left_out)
    return (
        Field("kind", _NAMES["kind"], "choice", True, kinds),
        Field("tranche", _NAMES["tranche"], "choice", True, (whole, *tranches)),
    )
