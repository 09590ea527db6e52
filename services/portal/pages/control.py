"""Pages for those who look over the money: the exceptions among requests, and what nobody may decide on."""

from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from services.portal.fields import day_of
from services.portal.pages.frame import Page, Reading, Turned
from services.portal.pages.naming import days_since, here, short
from services.portal.translation import _
from shared.clock import real_time

router = APIRouter()

# How far back the page looks where nobody says.
_DAYS: Final = 30


@router.get("/exceptions")
async def exceptions(
    page: Reading,
    first: Annotated[str, Query(max_length=20, alias="from")] = "",
    last: Annotated[str, Query(max_length=20, alias="to")] = "",
    after: Annotated[str | None, Query(max_length=60)] = None,
) -> Response:
    """Requests that somebody should look at though each was allowed, of the last 30 days or of those that are asked for."""
    today = here(page, real_time()).date()
    days = (
        day_of(first.strip()) if first.strip() else today - timedelta(days=_DAYS - 1),
        day_of(last.strip()) if last.strip() else today,
    )
    asked = {"from": days[0].isoformat() if days[0] else first, "to": days[1].isoformat() if days[1] else last}
    found, refusal = await _found(page, asked, after) if all(days) else (None, _("Write a day such as 2023-05-02."))
    return await page.show("exceptions.html", 422 if found is None else 200, found=found, refusal=refusal, asked=asked, short=short)


@router.get("/undecidable")
async def undecidable(page: Reading, after: Annotated[str | None, Query(max_length=60)] = None) -> Response:
    """Grants whose next approval nobody may give today, and why, the longest waiting first."""
    found = (await page.ask("reintegration", "/v1/undecidable-grants", after=after)).body
    return await page.show("undecidable.html", found=found, days=days_since, short=short)


async def _found(page: Page, asked: dict[str, str], after: str | None) -> tuple[dict[str, Any] | None, str]:
    answer = await page.answer("reintegration", "/v1/exceptions", **asked, after=after)
    if answer.ok:
        return answer.body, ""
    if answer.status == 409:
        return None, answer.sentence
    raise Turned(page.fault(answer.status, answer.code, answer.sentence))
