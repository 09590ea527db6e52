"""Grants: the queue, all of them, and one to be reviewed and decided on."""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.pages.frame import Page, Reading
from services.portal.pages.given_grants import after_approval, all_funds, costs_of, short_hash, why_not
from services.portal.pages.naming import days_since, here, short
from shared.clock import real_time

router = APIRouter()

# Where a grant can stand, as its service has it.
STATUSES: Final = (
    "draft", "submitted", "returned", "endorsed", "approved", "in_disbursement", "suspended", "disbursed", "completed",
    "rejected", "cancelled",
)
# What is decided on grants, and in which roles.
DECISIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "endorsed": ("coordinator",), "returned": ("coordinator",), "rejected": ("coordinator", "finance_approver"),
    "approved": ("finance_approver", "chief_of_mission"), "cancelled": ("coordinator",), "released": ("finance_payer",),
    "paid": ("finance_payer",), "failed": ("finance_payer", "finance_reconciler"), "reversed": ("finance_reconciler",),
    "reconciled": ("finance_reconciler",),
    "suspended": ("coordinator", "finance_approver"), "resumed": ("coordinator", "finance_approver"),
    "recovery_opened": ("finance_approver", "finance_reconciler"), "commitment_added": ("finance_approver", "chief_of_mission"),
    "recovered": ("finance_reconciler",), "recovery_proposed": ("finance_reconciler",), "recovery_dropped": ("finance_reconciler",),
    "write_off_asked": ("finance_approver", "finance_reconciler"),
    "written_off": ("finance_approver", "chief_of_mission"),
    "write_off_dropped": ("finance_approver", "finance_reconciler", "chief_of_mission"),
}  # fmt: skip


@router.get("/queue")
async def queue(page: Reading, after: Annotated[str | None, Query(max_length=120)] = None) -> Response:
    """The grants whose next step is the reader's, the longest waiting first."""
    found = (await page.ask("reintegration", "/v1/turns", after=after)).body
    return await page.show("queue.html", found=found, days=days_since, short=short)


@router.get("/my-decisions")
async def my_decisions(
    page: Reading,
    what: Annotated[str | None, Query(max_length=20)] = None,
    after: Annotated[str | None, Query(max_length=120)] = None,
) -> Response:
    """What the reader decided on grants, all of it or one kind, the newest first."""
    found = (await page.ask("reintegration", "/v1/my-decisions", what=what, after=after)).body
    kinds = [kind for kind, roles in DECISIONS.items() if page.has(*roles)]
    return await page.show("my_decisions.html", found=found, what=what or "", kinds=kinds, short=short)


@router.get("/grants")
async def grants(
    page: Reading,
    status: Annotated[str | None, Query(max_length=40)] = None,
    after: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """Grants, oldest first, with the days since they were asked for."""
    found = (await page.ask("reintegration", "/v1/grants", status=status, after=after)).body
    days = {row["id"]: days_since(row["requested_at"]) for row in found["items"]}
    return await page.show("grants.html", found=found, status=status or "", statuses=STATUSES, days=days, short=short)


@router.get("/grants/{grant_id}")
async def grant(grant_id: UUID, page: Reading) -> Response:
    """One grant to review: money, fund, plan and papers, who did what when, and what the reader can do or why not."""
    found = (await page.ask("reintegration", f"/v1/grants/{grant_id}")).body
    state = found["state"]
    return await page.show(
        "grant.html", found=found, state=state, line=found.get("line"), funds=await _funds_of(page, found), short=short,
        days=days_since, short_hash=short_hash,
    )  # fmt: skip


@router.get("/recoveries")
async def recoveries(page: Reading, after: Annotated[UUID | None, Query()] = None) -> Response:
    """The grants of which money is asked back and still waited for."""
    found = (await page.ask("reintegration", "/v1/recoveries", after=None if after is None else str(after))).body
    return await page.show("recoveries.html", found=found, short=short, days=days_since)


@router.get("/differences")
async def differences(page: Reading, after: Annotated[str | None, Query()] = None) -> Response:
    """The tranches of which less was received than was paid, and why."""
    found = (await page.ask("reintegration", "/v1/differences", after=after)).body
    return await page.show("differences.html", found=found, short=short)


@router.get("/booked-otherwise")
async def booked_otherwise(page: Reading, after: Annotated[str | None, Query()] = None) -> Response:
    """The payments that the bank booked otherwise than ordered: its charges, and what is missing."""
    found = (await page.ask("reintegration", "/v1/booked-otherwise", after=after)).body
    return await page.show("booked_otherwise.html", found=found, short=short)


@router.get("/paid-although")
async def paid_although(page: Reading, after: Annotated[str | None, Query()] = None) -> Response:
    """What was handed over or paid although something stood against it, and what."""
    found = (await page.ask("reintegration", "/v1/paid-although", after=after)).body
    return await page.show("paid_although.html", found=found, short=short)


async def _funds_of(page: Page, found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The fund that a grant is paid from; before its approval each fund with what it would hold after it, or why not."""
    if not page.has("manager", "chief_of_mission", "finance_approver", "finance_reconciler", "auditor"):
        return []
    state, costs = found["state"], costs_of(found)
    if state["fund_id"] is not None:
        fund = await page.try_asking("reintegration", f"/v1/funds/{state['fund_id']}")
        return [{**fund["state"], **fund["balance"], "why_not": "", "after": None}] if fund else []
    if state["status"] != "endorsed":
        return []
    today = here(page, real_time()).date().isoformat()
    return [
        {
            **fund, "why_not": (reason := why_not(fund, found, today)),
            "after": None if reason else after_approval(fund, costs),
        }
        for fund in await all_funds(page)
    ]
