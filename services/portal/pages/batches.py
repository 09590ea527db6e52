"""What goes to the bank together: batches with their totals and how far the bank is, one of them, and its file."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.pages.frame import Reading
from services.portal.pages.key import goes_on
from services.portal.pages.log_files import begun, sent
from services.portal.pages.naming import short

router = APIRouter()

STATUSES: Final = ("made", "approved", "sent", "dropped")


@router.get("/payment-batches")
async def batches(
    page: Reading, status: Annotated[str, Query(max_length=20)] = "", after: Annotated[UUID | None, Query()] = None
) -> Response:
    """Every batch or those of one status; whoever pays makes one from here, for one of the accounts that can be paid from."""
    found = (
        await page.ask(
            "reintegration", "/v1/payment-batches", status=status if status in STATUSES else None,
            after=None if after is None else str(after),
        )
    ).body  # fmt: skip
    accounts = await page.if_for(page.has("finance_payer"), "reintegration", "/v1/own-accounts", limit=100)
    from_these = [one for one in accounts["items"] if one["kind"] == "bank" and one["status"] == "active"] if accounts else []
    return await page.show(
        "payment_batches.html", found=found, statuses=STATUSES, status=status, accounts=from_these, short=short
    )


@router.get("/payment-batches/{batch_id}")
async def batch(batch_id: UUID, page: Reading, after: Annotated[UUID | None, Query()] = None) -> Response:
    """One batch: its totals, who signed, each payment and what the bank did with it, and what can be done now."""
    found = (await page.ask("reintegration", f"/v1/payment-batches/{batch_id}")).body
    payments = (
        await page.ask(
            "reintegration", "/v1/payment-attempts", batch_id=str(batch_id), after=None if after is None else str(after)
        )
    ).body
    file = f"/payment-batches/{batch_id}/file"
    # What the bank answered for goes to it no more.
    lost = found["state"]["status"] == "sent" and found["progress"]["waiting"] == found["progress"]["count"]
    begins = found["taken_by_reader"] and lost and await goes_on(page)
    shown = await page.show(
        "payment_batch.html", found=found, state=found["state"], progress=found["progress"], payments=payments, file=file,
        begins=begins, lost=lost, short=short,
    )  # fmt: skip
    return begun(shown, file if begins else None)


@router.get("/payment-batches/{batch_id}/file")
async def file_of_batch(batch_id: UUID, page: Reading) -> Response:
    """The file for the bank, from its service as it is, for who took it; that it was opened is on record."""
    path = f"/v1/payment-batches/{batch_id}/file"
    return await sent(page, [("reintegration", path, {})], f"batch-{batch_id}", "xml", f"/payment-batches/{batch_id}")
