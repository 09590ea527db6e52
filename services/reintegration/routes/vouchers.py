"""Reintegration's API for sealed vouchers: asked for and drawn by an auditor, opened by two persons, read one by one on record."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from services.reintegration import files, grant_wiring, voucher_queries
from services.reintegration.domain.papers import vouchers_of
from services.reintegration.domain.vouchers import (
    OPEN_FOR,
    AskForVouchers,
    DrawVouchers,
    OfferVouchers,
    ReleaseVouchers,
    VoucherSample,
    WithdrawVouchers,
    refuse_unless_open,
)
from services.reintegration.wiring import VOUCHER_SAMPLE
from shared.access import RecordVoucherOpened
from shared.callers import AuthenticatedRoute
from shared.contracts.reintegration import EvidenceKind
from shared.db import UnitOfWork, Write
from shared.errors import NotFound, RuleViolation
from shared.files.media import MediaType
from shared.handling import states
from shared.http import Call, Calling, Limit, Page, Receipt, View
from shared.new_ids import NewId
from shared.private import PersonKey
from shared.uploads import FILE_HANDED_OUT, handed_out

Result = TypeVar("Result")

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


class VoucherRow(BaseModel):
    """One paper of a grant of the sample; ``gone`` says that its file was erased with the person whom it was about."""

    grant_id: UUID
    evidence_id: UUID
    kind: EvidenceKind | None
    media_type: MediaType
    size: int
    sha256: str
    tranche: int | None
    filed_at: datetime
    gone: bool


@router.post("/voucher-samples/{sample_id}")
async def ask_for_vouchers(sample_id: NewId, body: AskForVouchers, call: Calling) -> Receipt:
    """Asks for the vouchers of a sample under an id that the caller chose; both seeds are on record from then on."""
    return await call.order(VOUCHER_SAMPLE, sample_id, body)


@router.post("/voucher-samples/{sample_id}/draw")
async def draw_vouchers(sample_id: UUID, body: DrawVouchers, call: Calling) -> Receipt:
    """Draws the grants of the sample."""
    return await call.order(VOUCHER_SAMPLE, sample_id, body)


@router.post("/voucher-samples/{sample_id}/offer")
async def offer_vouchers(sample_id: UUID, body: OfferVouchers, call: Calling) -> Receipt:
    """Agrees to open the vouchers, as the first of two."""
    return await call.order(VOUCHER_SAMPLE, sample_id, body)


@router.post("/voucher-samples/{sample_id}/release")
async def release_vouchers(sample_id: UUID, body: ReleaseVouchers, call: Calling) -> Receipt:
    """Opens the vouchers that are filed now to the auditor who asked, for 14 days, as the second of two."""
    found = await call.ask(lambda unit: states(unit, VOUCHER_SAMPLE, [sample_id], call.context.actor, reach=call.reach))
    sample = found.get(sample_id)
    beside = await _papers_released(call, sample_id, sample) if sample is not None else ()
    return await call.order(VOUCHER_SAMPLE, sample_id, body, beside=beside)


@router.post("/voucher-samples/{sample_id}/withdraw")
async def withdraw_vouchers(sample_id: UUID, body: WithdrawVouchers, call: Calling) -> Receipt:
    """Ends an opening, or takes an agreement back, at once."""
    return await call.order(VOUCHER_SAMPLE, sample_id, body)


@router.get("/voucher-samples")
async def list_voucher_samples(
    call: Calling, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50
) -> Page[voucher_queries.SampleRow]:
    """Every sample that was asked for, oldest first."""
    return await call.page(voucher_queries.LISTED, voucher_queries.SampleRow, after, limit)


@router.get("/voucher-samples/{sample_id}")
async def read_voucher_sample(sample_id: UUID, call: Calling) -> View[VoucherSample]:
    """One sample: by which seeds, out of what, which grants, and who opened it until when."""
    return await call.view(VOUCHER_SAMPLE, sample_id)


@router.get("/voucher-samples/{sample_id}/vouchers")
async def list_vouchers(sample_id: UUID, call: Calling) -> list[VoucherRow]:
    """The receipts, invoices and handover certificates of a sample that is open to the caller, those that were erased among them.

    The reading is on record; refused as ``vouchers_not_yours`` or ``vouchers_closed``. Of a grant of health, and of one whose
    person was erased while its papers are kept, nothing is listed and nothing opened: its category is told to no auditor.
    """
    sample = await _open_to(call, sample_id)
    ids = [one.grant_id for one in sample.drawn]
    found = await call.ask(lambda unit: states(unit, grant_wiring.GRANT, ids, call.context.actor, reach=call.reach))
    kept = await _as_released(call, lambda unit: files.present(unit, ids))
    await call.on_record(sample_id, shown=tuple(ids))
    return [
        VoucherRow(
            grant_id=id, evidence_id=paper.evidence_id, kind=paper.kind, media_type=paper.media_type, size=paper.size,
            sha256=paper.sha256, tranche=paper.tranche, filed_at=paper.filed_at, gone=paper.evidence_id not in kept,
        )
        for id in ids
        if id in found
        for paper in vouchers_of(found[id])
        # One that was filed after the sample was opened is not of it.
        if paper.kind is None or paper.evidence_id in kept
    ]  # fmt: skip


@router.get(
    "/voucher-samples/{sample_id}/grants/{grant_id}/vouchers/{evidence_id}", response_class=StreamingResponse, responses=FILE_HANDED_OUT
)
async def open_voucher(sample_id: UUID, grant_id: UUID, evidence_id: UUID, call: Calling) -> StreamingResponse:
    """The file of one paper of an open sample, to be saved, never to be shown in place; who opened which file is on record first.

    Refused as `list_vouchers` is, as ``not_found`` where it was filed after the opening, and as ``paper_erased`` where the file went with the person.
    """
    sample = await _open_to(call, sample_id)
    found = await call.ask(lambda unit: states(unit, grant_wiring.GRANT, [grant_id], call.context.actor, reach=call.reach))
    grant = found.get(grant_id) if sample.holds(grant_id) else None
    papers = vouchers_of(grant) if grant is not None else ()
    paper = next((one for one in papers if one.evidence_id == evidence_id), None)
    if grant is None or paper is None:
        await call.refused("not_found", evidence_id)
        raise NotFound
    person_id = grant.person_id

    async def key(unit: UnitOfWork) -> PersonKey | None:
        return await call.person_keys.key_of(unit, person_id, grant_id)

    opener = await call.ask(key)
    file = await _as_released(call, lambda unit: files.released(unit, grant_id, evidence_id, opener, call.runtime.seal))
    if file is None:
        if await call.ask(lambda unit: files.is_erased(unit, grant_id)):
            raise RuleViolation("paper_erased", "This paper was erased with the person whom it was about. Its hash stays on record.")
        # Filed after the sample was opened, so that it is none of it.
        await call.refused("not_found", evidence_id)
        raise NotFound
    actor_id = call.context.actor.person_id
    order = RecordVoucherOpened(
        actor_id=actor_id, operation=call.operation, sample_id=sample_id, grant_id=grant_id, about=evidence_id, sha256=paper.sha256
    )
    await call.runtime.recorder.opened(call.context, call.origin, order)
    pieces = files.EVIDENCE.read_out(file, paper.sha256, lambda question: _as_released(call, question))
    return handed_out(pieces, paper.media_type, paper.size, f"{paper.kind}-{str(evidence_id)[-6:]}")


async def _papers_released(call: Call, sample_id: UUID, sample: VoucherSample) -> Sequence[Write]:
    """What row security opens of the sample, once it is opened: the vouchers of its grants, as they are filed by now."""
    ids = [one.grant_id for one in sample.drawn]

    async def filed(unit: UnitOfWork) -> dict[UUID, UUID]:
        grants = await states(unit, grant_wiring.GRANT, ids, call.context.actor, reach=call.reach)
        kept = await files.present(unit, ids)
        return {paper.evidence_id: id for id in grants for paper in vouchers_of(grants[id]) if paper.evidence_id in kept}

    ends_at = call.context.now + OPEN_FOR
    return voucher_queries.released_papers(sample_id, sample.asked_by, call.context.actor.person_id, ends_at, await call.ask(filed))


async def _open_to(call: Call, sample_id: UUID) -> VoucherSample:
    """The sample, if it is open to the caller at this moment; a refusal is on record for its true reason."""
    found = await call.ask(lambda unit: states(unit, VOUCHER_SAMPLE, [sample_id], call.context.actor, reach=call.reach))
    if sample_id not in found:
        raise NotFound
    try:
        refuse_unless_open(found[sample_id], call.context.actor.person_id, call.context.now)
    except RuleViolation as refusal:
        await call.refused(refusal.code, sample_id)
        raise
    return found[sample_id]


async def _as_released(call: Call, question: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
    return await voucher_queries.as_released(call.runtime.database, call.context.actor.person_id, call.context.now, question)
