"""What the bank says: its files with the form that brings one, and the queue of lines that wait for somebody to look."""

from dataclasses import dataclass
from typing import Annotated, Any, Final, get_args
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from services.portal import sign_in
from services.portal.client import ServiceAway
from services.portal.fields import Posted
from services.portal.pages.filing import AWAY, UNKNOWN_OUTCOME, still_signed_in, taken
from services.portal.pages.frame import Page, Reading
from services.portal.pages.key import key_needed, to_the_key
from services.portal.pages.naming import short
from services.portal.translation import _, translated
from services.portal.upload import SentForm
from services.portal.wording import REFUSALS
from shared.contracts.bank import BankFileKind
from shared.ids import uuid7

router = APIRouter()

STATES: Final = ("unconfirmed", "unmatched", "matched", "returned", "rejected", "explained", "recovered", "duplicate", "accepted", "dropped")
_FILES: Final = "/bank-files"
_SETTLED_UNKNOWN: Final = _(
    "No answer came, so it is not known whether payments were settled by it. Look at the file, and settle what still fits: "
    "no payment is settled twice."
)


@router.get("/bank-files")
async def bank_files(page: Reading, after: Annotated[UUID | None, Query()] = None) -> Response:
    """Every file of the bank's that was imported, and for a reconciler the form that brings another one."""
    # The id that was sent comes back too: under it a file that did arrive is imported once.
    kept = await sign_in.kept_form(page.request, page.session, page.path) if page.has("finance_reconciler") else None
    return await _View(page, after).show(kept or {}, again=kept is not None)


@router.post("/bank-files")
async def import_file(request: Request) -> Response:
    """Takes a file of the bank's and passes it on; sent again under the same id it is imported once."""

    async def filed(sent: SentForm) -> Response:
        return await _imported(_View(await still_signed_in(request, _FILES, sent.fields)), sent)

    async def refused(fields: Posted, refusal: str, status: int) -> Response:
        return await _View(await still_signed_in(request, _FILES, fields)).show(fields, refusal=refusal, status=status)

    return await taken(request, filed, refused)


@router.get("/bank-files/{file_id}")
async def bank_file(file_id: UUID, page: Reading) -> Response:
    """One file: who brought it, whether it counts, what stands out before anybody confirms it, and what can be done now."""
    found = (await page.ask("reintegration", f"/v1/bank-files/{file_id}")).body
    return await page.show("bank_file.html", found=found, short=short)


@router.get("/bank-files/{file_id}/settle")
async def asked_to_settle(file_id: UUID, page: Reading) -> Response:
    """To the file, for whoever had to sign in before it was settled: there they see what fits, and settle it."""
    await sign_in.kept_form(page.request, page.session, page.path)
    return RedirectResponse(f"/bank-files/{file_id}", status_code=303)


@router.post("/bank-files/{file_id}/settle")
async def settle_file(file_id: UUID, page: Reading) -> Response:
    """Settles at once what the lines of a file say, which by itself takes up to a minute."""
    back = f"/bank-files/{file_id}"
    try:
        answer = await page.services.order(page.session, "reintegration", f"/v1{back}/settle", {}, str(uuid7()), None)
    except ServiceAway as away:
        return page.fault(503, "away", _SETTLED_UNKNOWN if away.sent else AWAY)
    if key_needed(answer):
        return await to_the_key(page, answer, back)
    if not answer.ok:
        return page.fault(answer.status, answer.code, answer.sentence)
    return await page.done(translated(_("Payments settled by it: %(count)s."), count=str(answer.body["settled"])), back)


@router.get("/bank-lines")
async def bank_lines(
    page: Reading, state: Annotated[str, Query(max_length=20)] = "unmatched", file: Annotated[UUID | None, Query()] = None,
    after: Annotated[UUID | None, Query()] = None,
) -> Response:  # fmt: skip
    """Lines at one state, those that wait unless said otherwise, or all of one file; with how many there are of each."""
    state = state if state in STATES else "unmatched"
    found = (
        await page.ask(
            "reintegration", "/v1/bank-lines", state=state, file_id=None if file is None else str(file),
            after=None if after is None else str(after),
        )
    ).body  # fmt: skip
    counts = (await page.ask("reintegration", "/v1/bank-line-counts")).body
    return await page.show("bank_lines.html", found=found, counts=counts, states=STATES, state=state, file=file, short=short)


@router.get("/bank-lines/{line_id}")
async def bank_line(line_id: UUID, page: Reading) -> Response:
    """One line, what became of it, and what can be said of it now."""
    found = (await page.ask("reintegration", f"/v1/bank-lines/{line_id}")).body
    return await page.show("bank_line.html", found=found, short=short)


async def _imported(view: "_View", sent: SentForm) -> Response:
    page, kind = view.page, sent.fields.get("file_kind", [""])[0]
    file_id = _id_of(sent.fields.get("file_id", [""])[0])
    if file_id is None or kind not in get_args(BankFileKind):
        return await view.show(sent.fields, refusal="form_unreadable", status=400)
    if sent.file is None:
        return await view.show(sent.fields, refusal="no_file", status=422)
    if sent.file.too_long:
        return await view.show(sent.fields, refusal="bank_file_too_large", status=413)
    try:
        answer = await page.services.send_file(
            page.session, "reintegration", f"/v1/bank-files/{file_id}", sent.file, file_kind=kind
        )
        if key_needed(answer):
            return await to_the_key(page, answer, _FILES, goes_on=True)
        if not answer.ok:
            return await view.show(sent.fields, refusal=answer.sentence, status=answer.status)
    except ServiceAway as away:
        return await view.show(sent.fields, refusal=UNKNOWN_OUTCOME if away.sent else AWAY, status=503)
    return await page.done(_("Imported. It counts once another person found the same at the bank."), f"/bank-files/{file_id}")


def _id_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class _View:
    """The page of the bank's files, with the form as it was answered."""

    page: Page
    after: UUID | None = None

    async def show(self, posted: Posted, *, refusal: str | None = None, status: int = 200, again: bool = False) -> Response:
        """The files that there are, and the form, with why nothing was imported where that is so."""
        found: Any = (
            await self.page.ask("reintegration", "/v1/bank-files", after=None if self.after is None else str(self.after))
        ).body
        kind = posted.get("file_kind", ["statement"])[0]
        return await self.page.show(
            "bank_files.html", status, found=found, kinds=get_args(BankFileKind), kind=kind, again=again,
            refusal=REFUSALS.get(refusal, refusal) if refusal else None,
            file_id=_id_of(posted.get("file_id", [""])[0]) or uuid7(), short=short,
        )  # fmt: skip
