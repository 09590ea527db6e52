"""Where everybody begins: what one can do here, and what waits for whom."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from fastapi import APIRouter, Response

from services.portal.client import Service
from services.portal.pages.cases import DAYS_AHEAD
from services.portal.pages.frame import Page, Reading
from services.portal.pages.naming import days_since, names_of, short
from services.portal.pages.screening import BOARD
from services.portal.translation import _
from shared.ids import uuid7

router = APIRouter()

Shape = Literal["cases", "arrivals", "turns", "sessions", "erasures", "board"]
FEW: Final = 10


@dataclass(frozen=True, slots=True)
class Waiting:
    """One list on the start page: what a service is asked, how its rows are shown, and where all of them are."""

    heading: str
    shape: Shape
    service: Service
    path: str
    all: str
    query: dict[str, str | int] = field(default_factory=dict)


def _cases(heading: str, status: str) -> Waiting:
    return Waiting(heading, "cases", "returns", "/v1/cases", f"/cases?whose=all&status={status}", {"status": status})


_TURNS: Final = Waiting(_("Grants that wait for you"), "turns", "reintegration", "/v1/turns", "/queue")
_ERASURES: Final = Waiting(_("Erasures that wait for a decision"), "erasures", "counselling", "/v1/erasures", "/erasures")
_OVERDUE: Final = Waiting(
    _("Arrivals that nobody confirmed in time"), "cases", "returns", "/v1/cases", "/cases?whose=overdue", {"overdue": "true"}
)
_ASKED: Final = Waiting(
    _("Departures that an office asks about"), "cases", "returns", "/v1/cases", "/cases?whose=asked", {"departure_asked": "true"}
)
_BOARD: Final = Waiting(_("Who waits for protection"), "board", "returns", "/v1/protection-board", BOARD)
_ARRIVALS: Final = Waiting(_("Next arrivals"), "arrivals", "returns", "/v1/arrivals", "/arrivals", {"days": DAYS_AHEAD})

# What waits for somebody with this role, the most pressing first.
WAITING: Final[dict[str, tuple[Waiting, ...]]] = {
    "counsellor": (
        Waiting(_("My open cases"), "cases", "returns", "/v1/cases", "/cases", {"mine": "true", "open": "true"}),
        Waiting(_("My latest sessions"), "sessions", "counselling", "/v1/sessions", "/sessions", {"newest": "true"}),
    ),
    "coordinator": (
        _ASKED,
        _cases(_("Applications to decide on"), "applied"),
        _TURNS,
        _ARRIVALS,
    ),
    "operations": (
        _OVERDUE,
        _cases(_("Approved, to prepare"), "approved"),
        _cases(_("In preparation"), "preparing"),
        _cases(_("Ready to travel"), "ready_to_travel"),
        _cases(_("Cleared to board"), "cleared_to_board"),
        _ARRIVALS,
    ),
    "protection": (_BOARD, _OVERDUE, _cases(_("In screening"), "screening")),
    "receiving_office": (
        _ARRIVALS,
        _cases(_("Departed, arrival not confirmed yet"), "departed"),
        Waiting(_("Plans to agree"), "cases", "returns", "/v1/cases", "/cases?status=arrived", {"status": "arrived"}),
        _TURNS,
    ),
    "data_protection": (_ERASURES,),
    "chief_of_mission": (_ERASURES, _TURNS),
    "medical": (_TURNS,),
    "finance_approver": (_TURNS,),
    "finance_payer": (_TURNS,),
    "office_payer": (_TURNS,),
    "finance_reconciler": (_TURNS,),
}  # fmt: skip


@router.get("/")
async def home(page: Reading) -> Response:
    """The reader's own start page."""
    wanted = [
        waiting for role, lists in WAITING.items() if role in page.session.roles for waiting in lists
    ]
    wanted = list({(waiting.path, str(waiting.query)): waiting for waiting in wanted}.values())
    lists = await _asked(page, wanted)
    own = (row["principal_id"] for waiting, found in lists if waiting.query.get("mine") and found for row in found["items"])
    names = await names_of(page, own)
    return await page.show("home.html", lists=lists, names=names, new_id=uuid7, days=days_since, short=short)


async def _asked(page: Page, wanted: Sequence[Waiting]) -> list[tuple[Waiting, Any]]:
    # A part of the system that does not answer leaves its own list out and no more.
    answers = await asyncio.gather(
        *(page.try_asking(waiting.service, waiting.path, **waiting.query, limit=FEW) for waiting in wanted)
    )
    return list(zip(wanted, answers, strict=True))
