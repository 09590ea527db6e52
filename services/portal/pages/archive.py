"""One archived event, as an auditor sees it: where it stands, the proof that it does, what caused it, and what it caused."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.client import Answer
from services.portal.pages.archive_entries import lost_in, tails_in
from services.portal.pages.frame import Page, Reading
from services.portal.pages.key import key_needed, to_the_key
from services.portal.pages.log import told_in
from services.portal.pages.naming import short
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.proofs import EntryProof
from shared.tlog.refusals import LogRefused

router = APIRouter()

Log = Annotated[str | None, Query(pattern=r"^[a-z]{1,32}(?:\.t?[1-9][0-9]{0,3})?$")]
Position = Annotated[int | None, Query(ge=0, le=2**53)]


@router.get("/archive/events/{event_id}")
async def archived(event_id: UUID, page: Reading, log: Log = None, position: Position = None) -> Response:
    """Its place and hash, the proof step by step, and its links, each with whether it holds.

    Of several events with one id, which there are where something is wrong, ``log`` and ``position`` say which.
    """
    base = f"/v1/archive/events/{event_id}"
    found = await page.answer("audit", base, log=log, position=position)
    if not found.ok:
        return await _instead(page, found, page.path)
    proof = await page.answer("audit", f"{base}/proof", log=log, position=position)
    if key_needed(proof):
        return await to_the_key(page, proof, page.path)
    links = (await page.ask("audit", f"{base}/links", log=log, position=position)).body
    leaf: str = found.body["leaf"]
    # Only the integrity of the logs tells whether that is proven for which an event was set apart.
    logs = (await page.ask("audit", "/v1/archive/integrity")).body if found.body["lost"] else []
    return await page.show(
        "archived_event.html", found=found.body, told=told_in(leaf), links=links, short=short, event_id=event_id,
        proven=_proven(proof, leaf), apart_proven=found.body["log"] in {**lost_in(logs), **tails_in(logs)},
    )  # fmt: skip


@router.get("/archive/events/{event_id}/tlog-proof")
async def proof(event_id: UUID, page: Reading, log: Log = None, position: Position = None) -> Response:
    """The proof as a file that is checked offline."""
    answer = await page.answer("audit", f"/v1/archive/events/{event_id}/proof", log=log, position=position)
    if not answer.ok:
        return await _instead(page, answer, f"/archive/events/{event_id}")
    return _file(answer.body, f"{event_id}.tlog-proof")


@router.get("/archive/events/{event_id}/leaf")
async def leaf(event_id: UUID, page: Reading, log: Log = None, position: Position = None) -> Response:
    """The bytes that the proof is about."""
    answer = await page.answer("audit", f"/v1/archive/events/{event_id}", log=log, position=position)
    if not answer.ok:
        return await _instead(page, answer, f"/archive/events/{event_id}")
    return _file(answer.body["leaf"], f"{event_id}.json")


def _proven(answer: Answer, leaf: str) -> dict[str, object] | None:
    """The proof as a page shows it, None as long as no checkpoint covers the event."""
    if not answer.ok:
        return None
    try:
        proof = EntryProof.of(str(answer.body).encode())
        said, entry = Checkpoint.of(proof.note), leaf.encode()
        return {
            "holds": proof.holds_for(entry), "size": said.size, "origin": said.origin, "root": said.root.hex(),
            "steps": [(step.sibling.hex(), step.left, step.hash.hex()) for step in proof.steps_for(entry)],
        }  # fmt: skip
    except LogRefused:
        return {"holds": False, "steps": []}


def _file(body: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body.encode(), media_type="text/plain; charset=utf-8", headers=headers)


async def _instead(page: Page, answer: Answer, back: str) -> Response:
    if key_needed(answer):
        return await to_the_key(page, answer, back)
    return page.fault(answer.status, answer.code, answer.sentence)
