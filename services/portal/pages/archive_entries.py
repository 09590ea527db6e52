"""The archive searched over all logs, as an auditor does it: what is there, what a restore took out of a log, and what nobody signed."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from services.portal.pages.archive_selection import ArchiveSelection, refused
from services.portal.pages.frame import Reading
from services.portal.pages.log_selection import ARCHIVED_KINDS
from services.portal.pages.naming import apart, short
from services.portal.translation import _

router = APIRouter()

FEW: Final = 30
_UNREADABLE: Final = 422
# Longer than anything that can be read, so that what cannot be is shown again with what is wrong with it.
_MOST: Final = 500
_Text = Annotated[str, Query(max_length=_MOST)]
_Day = Annotated[str, Query(max_length=_MOST, alias="from")]
_LastDay = Annotated[str, Query(max_length=_MOST, alias="to")]
_Place = Annotated[str | None, Query(max_length=100)]

# What each filter is called, in the order in which the page has them.
LABELS: Final[Mapping[str, str]] = {
    "from": _("From day, such as 2023-05-02"),
    "to": _("To day"),
    "log": _("Log"),
    "kind": _("Kind of event"),
    "subject": _("Id of what the event is of"),
    "case": _("Id of its case or person"),
    "about": _("Any id that stands in it"),
    "actor": _("By whom, such as staff:anna"),
    "reason": _("Code of the reason, such as no_show"),
}


@router.get("/archive")
async def entries(
    page: Reading, log: _Text = "", kind: _Text = "", subject: _Text = "", case: _Text = "", about: _Text = "", actor: _Text = "",
    reason: _Text = "", first: _Day = "", last: _LastDay = "", after: _Place = None,
) -> Response:  # fmt: skip
    """Events of all logs, the newest first, narrowed by whatever is stated, each with a way to its proof; without what they say.

    What a restore took out of a log, which two persons accepted, is a log of its own to choose, and marked wherever it is found; so is
    what nobody signed.
    """
    chosen = ArchiveSelection(*(text.strip() for text in (log, kind, subject, case, about, actor, reason, first, last)))
    # Asked first, so that whoever may not look is told so whatever they typed.
    logs = (await page.ask("audit", "/v1/archive/integrity")).body
    lost, tails = lost_in(logs), tails_in(logs)
    found, faults = None, chosen.faults()
    if not faults:
        answer = await page.answer("audit", "/v1/archive", **chosen.query(page), after=after, limit=FEW)
        if answer.ok:
            found = answer.body
        elif answer.status == _UNREADABLE:
            faults = refused(one["field"] for one in answer.body.get("fields", ()))
        if found is None and not faults:
            return page.fault(answer.status, answer.code, answer.sentence)
    return await page.show(
        "archive.html", 200 if found is not None else _UNREADABLE, found=found, chosen=chosen, faults=faults, lost=lost, tails=tails,
        kinds=ARCHIVED_KINDS, labels=LABELS, longest=_MOST, short=short, chosen_by=lambda moment: apart(page.moment(moment)),
    )  # fmt: skip


def lost_in(logs: Any) -> dict[str, Mapping[str, Any]]:
    """What restores took out of logs and the archive kept, by the name under which it does: each break that is proven, with its log."""
    return {one["lost_log"]: {**one, "log": log["log"]} for log in logs for one in log["breaks"] if one["held"]}


def tails_in(logs: Any) -> dict[str, Mapping[str, Any]]:
    """What nobody signed of logs, by the name under which the archive has it: each time that a checkpoint proves, with its log."""
    return {one["tail_log"]: {**one, "log": log["log"]} for log in logs for one in log["tails"]}
