"""What an auditor asks of the archive over all logs: a case's chain, who looked at whom, refusals, and exceptions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.pages.frame import Page, Reading
from services.portal.pages.key import key_needed, to_the_key
from services.portal.pages.log_selection import Selection
from services.portal.pages.naming import here, short
from services.portal.translation import _

router = APIRouter()

FEW: Final = 30
_UNREADABLE: Final = 422
_Text = Annotated[str, Query(max_length=130)]
_Day = Annotated[str, Query(max_length=10, alias="from")]
_LastDay = Annotated[str, Query(max_length=10, alias="to")]
_Place = Annotated[str | None, Query(max_length=100)]

# What is wrong with a link to a cause, and what that may mean.
FINDINGS: Final[Mapping[str, str]] = {
    "cause_missing": _("No archived log has the event that it names as its cause. If it is not there in a minute either, somebody kept it out of its log, or this event was made up."),
    "cause_other": _("The hash that it names is another one than that of the archived event: one of the two was changed."),
    "cause_unsigned": _("What it names as its cause was set apart as never signed: look there whether that is proven. Find out what was done because of it, and whether it has to be undone."),
    "cause_later": _("What it names as its cause was recorded after it."),
    "correlation_other": _("It belongs to another request than its cause."),
}  # fmt: skip
# Each kind of exception in a sentence.
EXCEPTIONS: Final[Mapping[str, str]] = {
    "same_day": _("Approved and ordered to be paid on one day"),
    "out_of_hours": _("Done when no office is open"),
    "edited_after_approval": _("Changed after an approval"),
    "many_reads": _("Shown many records on one day"),
    "by_deputy": _("Approved on the authority of somebody else"),
}  # fmt: skip


@router.get("/archive/cases/{case_id}")
async def case_chain(case_id: UUID, page: Reading, after: _Place = None) -> Response:
    """Everything that happened about one case, or about anything else that has an id, in the order of causes."""
    found = (await page.ask("audit", f"/v1/archive/cases/{case_id}/chain", after=after, limit=FEW)).body
    shown = {one["entry"]["id"] for one in found["items"]}
    return await page.show(
        "archive_chain.html", found=found, case_id=case_id, shown=shown, means=FINDINGS, short=short,
        wrong=sum(bool(one["findings"]) for one in found["items"]),
    )  # fmt: skip


@router.get("/archive/readings")
async def readings(
    page: Reading, id: _Text = "", actor: _Text = "", first: _Day = "", last: _LastDay = "", after: _Place = None
) -> Response:
    """Who was shown what: by whoever looked, by whom or what it was about, and by day."""
    chosen = Selection(id=id.strip(), actor=actor.strip(), first=first.strip(), last=last.strip())
    return await _searched(page, "archive_readings.html", "readings", chosen, after)


@router.get("/archive/refusals")
async def refusals(
    page: Reading, id: _Text = "", actor: _Text = "", code: _Text = "", first: _Day = "", last: _LastDay = "", after: _Place = None
) -> Response:
    """Who was refused what, by which code, and how often they tried again in that minute."""
    chosen = Selection(id=id.strip(), actor=actor.strip(), first=first.strip(), last=last.strip())
    return await _searched(page, "archive_refusals.html", "refusals", chosen, after, code=code.strip())


@router.get("/archive/exceptions")
async def exceptions(
    page: Reading, kind: _Text = "", id: _Text = "", actor: _Text = "", first: _Day = "", last: _LastDay = "", after: _Place = None
) -> Response:
    """What somebody should look at though each of it was allowed, each with the events that belong to it."""
    chosen = Selection(id=id.strip(), actor=actor.strip(), first=first.strip(), last=last.strip())
    return await _searched(page, "archive_exceptions.html", "exceptions", chosen, after, kind=kind if kind in EXCEPTIONS else "")


async def _searched(page: Page, template: str, what: str, chosen: Selection, after: str | None, **more: str) -> Response:
    """One page of what the archive finds; without any where a filter cannot be read, which the page then says."""
    fault, found = chosen.fault(), None
    stated = {name: value for name, value in more.items() if value}
    if fault is None:
        query = {**chosen.query(page), **stated}
        # An exception belongs to a case or person; an access names whatever was looked at.
        if what == "exceptions" and "about" in query:
            query["case"] = query.pop("about")
        answer = await page.answer("audit", f"/v1/archive/{what}", **query, after=after, limit=FEW)
        if key_needed(answer):
            return await to_the_key(page, answer, page.path)
        if not answer.ok and answer.status != _UNREADABLE:
            return page.fault(answer.status, answer.code, answer.sentence)
        found, fault = (answer.body, None) if answer.ok else (None, "actor" if chosen.actor else next(iter(stated), "id"))
    asked: dict[str, Any] = {**chosen.address_of(), **stated}
    return await page.show(
        template, _UNREADABLE if found is None else 200, found=found, chosen=chosen, fault=fault, short=short, more=more,
        asked=f"{urlencode(asked)}&" if asked else "", means=EXCEPTIONS,
        mission_day=lambda moment: f"{here(page, datetime.fromisoformat(moment)):%Y-%m-%d}",
    )  # fmt: skip
