"""Where everybody begins: what one can do here, and what waits for whom."""

from fastapi import APIRouter, Response

from services.portal.pages.frame import Reading
from shared.ids import uuid7

router = APIRouter()


@router.get("/")
async def home(page: Reading) -> Response:
    """The reader's own start page."""
    cases = grants = None
    if page.has("coordinator", "operations", "protection", "counsellor"):
        status = {"coordinator": "applied", "operations": "approved"}
        wanted = next((status[role] for role in ("coordinator", "operations") if page.has(role)), None)
        cases = (await page.ask("returns", "/v1/cases", status=wanted, limit=20)).body["items"]
    elif page.has("receiving_office"):
        cases = (await page.ask("returns", "/v1/cases", status="travel_scheduled", limit=20)).body["items"]
    if page.has("coordinator", "finance_approver", "finance_payer", "finance_reconciler"):
        wanted = "submitted" if page.has("coordinator") else "endorsed" if page.has("finance_approver") else "approved"
        grants = (await page.ask("reintegration", "/v1/grants", status=wanted, limit=20)).body["items"]
    return await page.show("home.html", cases=cases, grants=grants, new_id=uuid7())
