"""Who is paid: the list, one payee with what waits for a second person, and an account in full for whoever needs it."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.pages.frame import Reading
from services.portal.pages.given_payees import who
from services.portal.pages.naming import short

router = APIRouter()

STATUSES: Final = ("registered", "active", "on_hold", "blocked", "closed")


@router.get("/payees")
async def payees(
    page: Reading,
    status: Annotated[str, Query(max_length=20)] = "",
    code: Annotated[str, Query(max_length=40)] = "",
    after: Annotated[UUID | None, Query()] = None,
) -> Response:
    """Payees, of one status or of the vendor that a quotation names by its code."""
    asked = code.strip()
    # What is no code of a vendor is asked of nobody.
    unreadable = bool(asked) and not asked.replace("-", "").replace("_", "").isalnum()
    unreadable = unreadable or not asked.isascii()
    found = {"items": [], "next": None} if unreadable else (await page.ask(
        "reintegration", "/v1/payees", status=status if status in STATUSES else None, vendor_code=asked or None,
        after=None if after is None else str(after),
    )).body  # fmt: skip
    return await page.show(
        "payees.html", found=found, statuses=STATUSES, status=status, code=asked, unreadable=unreadable, who=who, short=short
    )


@router.get("/payee-findings")
async def payee_findings(page: Reading, after: Annotated[UUID | None, Query()] = None) -> Response:
    """Payees that wait for somebody to look: their account is another's as well, or of staff."""
    found = (
        await page.ask("reintegration", "/v1/payee-findings", after=None if after is None else str(after))
    ).body
    return await page.show("payee_findings.html", found=found, who=who, short=short)


@router.get("/payees/{payee_id}")
async def payee(payee_id: UUID, page: Reading) -> Response:
    """One payee: its accounts by their last characters, who stated and who confirmed them, and what can be done now."""
    found = (await page.ask("reintegration", f"/v1/payees/{payee_id}")).body
    return await page.show("payee.html", found=found, state=found["state"], who=who, short=short)


@router.get("/payees/{payee_id}/hits")
async def payee_hits(payee_id: UUID, page: Reading) -> Response:
    """What lists of sanctions say of each entry that may mean a payee; that it was read is on record."""
    found = (await page.ask("reintegration", f"/v1/payees/{payee_id}/hits")).body
    return await page.show("payee_hits.html", found=found, payee_id=payee_id, short=short)


@router.get("/payees/{payee_id}/accounts/{account_no}")
async def payee_account(payee_id: UUID, account_no: int, page: Reading) -> Response:
    """One account in full, with the contact for calling back; that it was read is on record."""
    found = (await page.ask("reintegration", f"/v1/payees/{payee_id}/accounts/{account_no}")).body
    return await page.show("payee_account.html", found=found, details=found["details"], short=short)
