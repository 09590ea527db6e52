"""The mission's own accounts and cash boxes: the list, and one in full for whoever pays from it, accounts for it or audits."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.pages.frame import Reading
from services.portal.pages.naming import short

router = APIRouter()

# Offered to whom it is shown; the service decides.
READS_IN_FULL: Final = ("finance_payer", "finance_reconciler", "auditor")


@router.get("/own-accounts")
async def own_accounts(page: Reading, after: Annotated[UUID | None, Query()] = None) -> Response:
    """Every account of our own, by the last characters of its number."""
    found = (await page.ask("reintegration", "/v1/own-accounts", after=None if after is None else str(after))).body
    return await page.show("own_accounts.html", found=found, in_full=page.has(*READS_IN_FULL))


@router.get("/own-accounts/{own_account_id}")
async def own_account(own_account_id: UUID, page: Reading) -> Response:
    """One account: its number and bank, who registered and who confirmed it, and what can be done now."""
    found = (await page.ask("reintegration", f"/v1/own-accounts/{own_account_id}")).body
    state = found["state"]
    return await page.show("own_account.html", found=found, state=state, details=state["details"], short=short)
