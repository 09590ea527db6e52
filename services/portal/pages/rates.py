"""Rates of exchange: what counts today, what was recorded, and what an amount comes to in another currency."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.fields import day_of, typed
from services.portal.numbers import in_two_ways, with_point
from services.portal.pages.frame import Page, Reading
from services.portal.pages.given_rates import one_is
from services.portal.pages.naming import here
from services.portal.translation import _
from services.portal.wording import FAULTS
from shared.clock import real_time
from shared.currencies import is_currency

router = APIRouter()

Typed = Annotated[str, Query(max_length=40)]


@router.get("/rates")
async def rates(
    page: Reading,
    amount: Typed = "",
    currency: Typed = "",
    into: Typed = "",
    on: Typed = "",
    of: Typed = "",
    after: Annotated[str | None, Query(max_length=60)] = None,
) -> Response:
    """What counts today and what was recorded, of one currency if asked for; and an amount in another currency."""
    today = here(page, real_time()).date().isoformat()
    asked = {
        "amount": typed("amount", {"amount": [amount]}), "currency": currency.strip().upper() or "EUR",
        "into": into.strip().upper(), "on": on.strip() or today,
    }  # fmt: skip
    counting = (await page.ask("reintegration", "/v1/rates-in-force", on=today)).body
    of = of.strip().upper()
    recorded: dict[str, Any] = {"items": [], "next": None}
    unreadable = bool(of) and not is_currency(of)
    # What is no code of a currency is asked of nobody: nothing is recorded of it.
    if not unreadable:
        recorded = (await page.ask("reintegration", "/v1/rates", currency=of or None, after=after)).body
    converted, refusal = await _converted(page, asked) if asked["amount"] or asked["into"] else (None, "")
    return await page.show(
        "rates.html", counting=counting, found=recorded, of=of, unreadable=unreadable, asked=asked, converted=converted, refusal=refusal,
        one_is=one_is,
    )  # fmt: skip


@router.get("/rates/{rate_id}")
async def rate(rate_id: UUID, page: Reading) -> Response:
    """One rate: what counts of its day, and everything that was recorded for it."""
    found = (await page.ask("reintegration", f"/v1/rates/{rate_id}")).body
    return await page.show("rate.html", found=found, state=found["state"], one_is=one_is)


async def _converted(page: Page, asked: dict[str, str]) -> tuple[dict[str, Any] | None, str]:
    """What an amount comes to, or why that cannot be said."""
    on = day_of(asked["on"])
    if on is None:
        return None, _("This cannot be read. Look at the example.")
    if in_two_ways(asked["amount"], asked["currency"]):
        return None, FAULTS["in_two_ways"]
    known = {**asked, "amount": with_point(asked["amount"]), "on": on.isoformat()}
    answer = await page.answer("reintegration", "/v1/conversion", **known)
    if answer.ok:
        return answer.body, ""
    return None, _("This cannot be read. Look at the example.") if answer.status == 422 else answer.sentence
