"""Return cases: the list, one case with what it needs next, and an office's question about one reference."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.client import ServiceAway
from services.portal.pages.frame import Reading
from services.portal.pages.given import short
from shared.ids import uuid7

router = APIRouter()


@router.get("/cases")
async def cases(
    page: Reading,
    case_ref: Annotated[str | None, Query(max_length=40)] = None,
    status: Annotated[str | None, Query(max_length=40)] = None,
    after: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """Cases as the reader may know of them."""
    found = (await page.ask("returns", "/v1/cases", case_ref=case_ref, status=status, after=after)).body
    return await page.show("cases.html", found=found, case_ref=case_ref or "", status=status or "")


@router.get("/cases/{case_id}")
async def case(case_id: UUID, page: Reading) -> Response:
    """One case: where it stands, its persons, what can be done now, and for staff the departure checklist."""
    found = (await page.ask("returns", f"/v1/cases/{case_id}")).body
    gate = None
    if page.has("counsellor", "coordinator", "operations", "protection"):
        gate = (await page.ask("returns", f"/v1/cases/{case_id}/departure-gate")).body
    grants = None
    if page.has("counsellor", "coordinator", "receiving_office"):
        grants = (await page.ask("reintegration", "/v1/grants", case_id=str(case_id))).body["items"]
    plans = None
    if page.has("counsellor", "coordinator", "receiving_office"):
        plans = (await page.ask("reintegration", "/v1/plans", case_id=str(case_id))).body["items"]
    return await page.show(
        "case.html", found=found, state=found["state"], gate=gate, grants=grants, plans=plans, short=short,
        plan_id=uuid7(),
    )  # fmt: skip


@router.get("/status")
async def status(
    page: Reading,
    case_ref: Annotated[str | None, Query(max_length=40)] = None,
    purpose: Annotated[str, Query(max_length=20)] = "reception",
) -> Response:
    """Where one case stands, by its exact reference and for a purpose."""
    answer = None
    if case_ref:
        try:
            answer = await page.services.ask(
                page.session, "returns", f"/v1/status/{case_ref.replace('/', '')}", purpose=purpose
            )
        except ServiceAway:
            return page.fault(503, "away", "A part of the system does not answer just now. Try again in a moment.")
    return await page.show("status.html", answer=answer, case_ref=case_ref or "", purpose=purpose)
