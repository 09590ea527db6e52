"""The evidence of a grant: papers are filed, listed and handed out."""

from hashlib import sha256
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from services.reintegration import files, grant_told, grant_wiring, window
from services.reintegration.domain.evidence import FileEvidence
from services.reintegration.domain.grant_facts import MOST_TRANCHES
from services.reintegration.domain.grant_state import Grant
from shared.callers import AuthenticatedRoute
from shared.contracts.reintegration import EvidenceKind
from shared.errors import NotFound
from shared.files.cleaning import cleaned
from shared.files.media import MOST_BYTES
from shared.handling import Repeat, locked, states
from shared.http import Call, Calling, Receipt
from shared.new_ids import NewId
from shared.policy import EVERYWHERE
from shared.uploads import FILE_HANDED_OUT, FILE_SENT, handed_out, takes_file

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.put("/grants/{grant_id}/evidence/{evidence_id}", openapi_extra=FILE_SENT)
@takes_file(FileEvidence, MOST_BYTES)
async def file_evidence(
    grant_id: UUID,
    evidence_id: NewId,
    kind: EvidenceKind,
    call: Calling,
    tranche: Annotated[int | None, Query(ge=1, le=MOST_TRANCHES)] = None,
) -> Receipt:
    """Files a PDF, JPEG or PNG, the body as it is, under an id that the caller chose; the same again is recorded once.

    It is kept without what it tells besides its content: where and when a photo was taken, with what, by whom.
    """
    await window.may_go_on(call, grant_id)
    async with call.file() as sent:
        grant = await _still_takes(call, grant_id, evidence_id)
        clean = await cleaned(sent, call.request.headers.get("content-type", ""))
        order = FileEvidence(
            evidence_id=evidence_id, kind=kind, media_type=clean.media_type, size=len(clean.content),
            sha256=clean.sha256, tranche=tranche,
        )  # fmt: skip
        # What is sent again is known by what it says and holds, also once the grant takes nothing more.
        said = order.model_dump_json().encode()
        again = Repeat.of(f"evidence:{sha256(grant_id.bytes + said).hexdigest()}", call.operation, grant_id, said)
        # Under a key of the grant's papers, for money that was paid is accounted for longer than a person is known.
        return await call.order_privately(
            grant_wiring.GRANT, grant_id, order, repeat=again, key_of=(grant.person_id, grant_id),
            # The key takes the turn of its person, and whoever erases them holds their grants before they take it.
            first=lambda unit: locked(unit, grant_wiring.GRANT, grant_id),
            sealed=lambda key, _: files.EVIDENCE.kept(grant_id, evidence_id, clean.content, key.files()),
        )


async def _still_takes(call: Call, grant_id: UUID, evidence_id: UUID) -> Grant:
    """The grant; refuses what would be refused whatever the file holds, so that nobody has one looked at for nothing."""
    found = await call.ask(
        lambda unit: states(unit, grant_wiring.GRANT, [grant_id], call.context.actor, reach=call.reach)
    )
    grant = found.get(grant_id)
    if grant is None:
        if call.reach != EVERYWHERE:
            await call.refused("not_found", grant_id)
        raise NotFound
    refusal = grant_wiring.GRANT.decider.refusal(grant, FileEvidence, None, call.context)
    # What is sent again is answered as it was also when the grant has ended meanwhile.
    if refusal is not None and not any(filed.evidence_id == evidence_id for filed in grant.evidence):
        raise refusal
    return grant


@router.get("/grants/{grant_id}/evidence")
async def list_evidence(grant_id: UUID, call: Calling) -> list[grant_told.EvidenceRow]:
    """All evidence of a grant, in the order in which it was filed."""
    view = await window.grant(call, grant_id)
    return list(grant_told.evidence_of(view.state.evidence))


@router.get(
    "/grants/{grant_id}/evidence/{evidence_id}", response_class=StreamingResponse, responses=FILE_HANDED_OUT
)
async def read_evidence(grant_id: UUID, evidence_id: UUID, call: Calling) -> StreamingResponse:
    """The file of one evidence, to be saved, never to be shown in place; that it was read is on record."""
    grant = (await window.grant(call, grant_id, recorded=True)).state
    filed = next((one for one in grant.evidence if one.evidence_id == evidence_id), None)
    if filed is None:
        if call.reach != EVERYWHERE:
            await call.refused("not_found", evidence_id)
        raise NotFound
    file = await call.ask(lambda unit: files.found(unit, grant_id, evidence_id, call.person_keys, call.runtime.seal))
    if file is None:
        raise NotFound
    await call.on_record(evidence_id)
    pieces = files.EVIDENCE.read_out(file, filed.sha256, call.ask)
    return handed_out(pieces, filed.media_type, filed.size, f"{filed.kind}-{str(evidence_id)[-6:]}")
