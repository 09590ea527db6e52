"""Cash: the voucher that is signed when it is handed over, and what nobody came for."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.pages.frame import Reading
from services.portal.pages.naming import days_since, short

router = APIRouter()

# An id begins with its moment and ends with chance, so that its end tells one payment from any other.
_DIGITS: Final = 12


def voucher_code(attempt_id: str) -> str:
    """The end of an attempt's id, in groups of four: what the voucher, the books and the page have in common."""
    digits = UUID(attempt_id).hex[-_DIGITS:].upper()
    return " ".join(digits[start : start + 4] for start in range(0, _DIGITS, 4))


@router.get("/grants/{grant_id}/vouchers/{number}")
async def voucher(grant_id: UUID, number: int, page: Reading) -> Response:
    """A paper to be printed and signed twice: an amount, a code and two lines, and no word of what it is for."""
    found = (await page.ask("reintegration", f"/v1/grants/{grant_id}/vouchers/{number}")).body
    return await page.show(
        "voucher.html", amount=found["amount"], currency=found["currency"], code=voucher_code(found["attempt_id"]),
        grant_id=grant_id,
    )  # fmt: skip


@router.get("/unclaimed-cash")
async def unclaimed_cash(page: Reading, after: Annotated[UUID | None, Query()] = None) -> Response:
    """Cash that was released long ago and that nobody saw handed over."""
    found = (
        await page.ask("reintegration", "/v1/unclaimed-cash", after=None if after is None else str(after))
    ).body
    return await page.show("unclaimed_cash.html", found=found, days=days_since, short=short)
