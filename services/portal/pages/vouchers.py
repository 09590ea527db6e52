"""Sealed vouchers: every sample, one with who opened it until when, and for its auditor each paper, to be saved."""

from datetime import timedelta
from secrets import token_hex
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.client import Answer, Form, ServiceAway
from services.portal.fields import Given, Posted
from services.portal.pages.filing import Handed
from services.portal.pages.frame import Page, Reading
from services.portal.pages.key import key_needed, to_the_key
from services.portal.pages.naming import here, short
from services.portal.translation import _
from shared.clock import real_time

router = APIRouter()

_SERVICE: Final = "reintegration"


async def of_voucher_sample(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For a sample that is asked for: the days of the last month, and a seed that the auditor may replace."""
    del posted
    yesterday = here(page, real_time()).date() - timedelta(days=1)
    start = {"from_day": f"{yesterday - timedelta(days=29)}", "to_day": f"{yesterday}", "size": 5, "seed": token_hex(32)}
    return Given(start=start), "/voucher-samples" if form.name == "ask_for_vouchers" else f"/voucher-samples/{id}"


@router.get("/voucher-samples")
async def voucher_samples(page: Reading, after: Annotated[UUID | None, Query()] = None) -> Response:
    """Every sample that an auditor asked for."""
    found = (await page.ask(_SERVICE, "/v1/voucher-samples", after=None if after is None else str(after))).body
    return await page.show("voucher_samples.html", found=found)


@router.get("/voucher-samples/{sample_id}")
async def voucher_sample(sample_id: UUID, page: Reading) -> Response:
    """One sample: by which seeds, out of what, which grants, and who opened it until when."""
    found = (await page.ask(_SERVICE, f"/v1/voucher-samples/{sample_id}")).body
    return await page.show("voucher_sample.html", found=found, state=found["state"], short=short)


@router.get("/voucher-samples/{sample_id}/vouchers")
async def vouchers(sample_id: UUID, page: Reading) -> Response:
    """The papers of a sample that is open to its reader, each to be saved; what was erased is told as erased."""
    found = await page.answer(_SERVICE, f"/v1/voucher-samples/{sample_id}/vouchers")
    if not found.ok:
        return await _instead(page, found, page.path)
    return await page.show("vouchers.html", found=found.body, sample_id=sample_id, short=short)


@router.get("/voucher-samples/{sample_id}/grants/{grant_id}/vouchers/{evidence_id}")
async def voucher(sample_id: UUID, grant_id: UUID, evidence_id: UUID, page: Reading) -> Response:
    """The file of one paper, piece by piece as it comes; broken off where it is not whole."""
    path = f"/v1/voucher-samples/{sample_id}/grants/{grant_id}/vouchers/{evidence_id}"
    try:
        found = await page.services.fetch(page.session, _SERVICE, path)
    except ServiceAway:
        return page.fault(503, "away", _("A part of the system does not answer now. Try again in a minute."))
    if isinstance(found, Answer):
        return await _instead(page, found, f"/voucher-samples/{sample_id}/vouchers")
    return Handed(found, "voucher", evidence_id)


async def _instead(page: Page, answer: Answer, back: str) -> Response:
    if key_needed(answer):
        return await to_the_key(page, answer, back)
    return page.fault(answer.status, answer.code, answer.sentence)
