"""Where data protection asks that somebody is erased, a second person decides, and both see how far it is and what is kept."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from services.portal.fields import typed
from services.portal.pages.frame import Page, Reading
from services.portal.pages.naming import short
from services.portal.translation import _

router = APIRouter()

PATH: Final = "/erasures"
_STATUSES: Final = ("requested", "approved", "completed")


@router.get(PATH)
async def erasures(page: Reading) -> Response:
    """Persons whose erasure was asked for, by their ids alone, and the question for another one."""
    return await _listed(page)


@router.post(PATH)
async def look(page: Reading) -> Response:
    """Leads to the person who is named by their id."""
    sent = await page.request.form()
    typed_id = typed("person_id", {name: [str(value) for value in sent.getlist(name)] for name in sent})
    try:
        person_id = UUID(typed_id)
    except ValueError:
        return await _listed(page, typed_id, _("Write the whole id of the person: 36 characters in five groups."))
    return RedirectResponse(f"{PATH}/{person_id}", status_code=303)


@router.get(f"{PATH}/{{person_id}}")
async def erasure(person_id: UUID, page: Reading) -> Response:
    """How the erasure of one person stands, what can be done about it, and the sentence that the person is told."""
    found = (await page.ask("counselling", f"/v1/persons/{person_id}/erasure")).body
    state = found["state"]
    confirmed = state["erasure"]["confirmed"] if state["erasure"] else []
    waiting = [
        service
        for service in (state["erasure"]["services"] if state["erasure"] else ())
        if service not in {one["service"] for one in confirmed}
    ]
    kept, kept_until = still_kept(confirmed)
    return await page.show(
        "erasure.html", found=found, state=state, confirmed=confirmed, waiting=waiting, kept=kept, kept_until=kept_until,
        short=short,
    )  # fmt: skip


def still_kept(confirmed: Sequence[Mapping[str, Any]]) -> tuple[int, str | None]:
    """How many receipts services still keep of somebody erased, and until which day (ISO 8601) at the latest."""
    still = [one for one in confirmed if one["kept_until"] and not one["ended_on"]]
    # Days are written as they sort.
    return sum(one["kept"] for one in still), max((one["kept_until"] for one in still), default=None)


async def _listed(page: Page, person_id: str = "", wrong: str | None = None) -> Response:
    answers = await asyncio.gather(
        *(page.ask("counselling", "/v1/erasures", status=status, limit=50) for status in _STATUSES)
    )
    lists = [(status, answer.body) for status, answer in zip(_STATUSES, answers, strict=True)]
    return await page.show(
        "erasures.html", 422 if wrong else 200, lists=lists, person_id=person_id, wrong=wrong, short=short
    )
