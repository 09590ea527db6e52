"""Return cases: the list, one case with its tasks and its timeline, and who is expected to arrive."""

import asyncio
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.pages.case_family import ORDERS as FAMILY
from services.portal.pages.frame import Reading
from services.portal.pages.naming import names_of, short
from services.portal.pages.steps import APART, apart, steps_of
from services.portal.pages.support import supporting
from shared.ids import uuid7

router = APIRouter()

STATUSES: Final = (
    "intention", "screening", "applied", "approved", "preparing", "ready_to_travel", "cleared_to_board", "departed",
    "arrived", "reintegrating", "grant_approved", "grant_disbursed", "monitoring", "closing", "closed", "withdrawn",
    "ineligible", "not_departed", "lapsed", "joined", "on_hold",
)  # fmt: skip
STATUSES_ABROAD: Final = (
    "in_preparation", "travel_scheduled", "departed", "arrived", "reintegration_ongoing", "closed", "not_coming",
)  # fmt: skip
DAYS_AHEAD: Final = 14


@router.get("/cases")
async def cases(
    page: Reading,
    case_ref: Annotated[str | None, Query(max_length=40)] = None,
    status: Annotated[str | None, Query(max_length=40)] = None,
    whose: Annotated[str | None, Query(max_length=10)] = None,
    after: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """Cases as the reader may know of them; a counsellor's own are those still open unless all are asked for."""
    asked: dict[str, str | None] = {"case_ref": case_ref, "status": status}
    office = page.has("receiving_office")
    mine = page.has("counsellor") and (whose or ("all" if case_ref or status else "mine")) == "mine"
    if mine:
        asked |= {"mine": "true", "open": None if status else "true"}
    elif not office and whose == "overdue":
        asked = {"overdue": "true"}
    elif not office and whose == "asked":
        asked = {"departure_asked": "true"}
    elif not office and whose == "open":
        asked |= {"open": "true"}
    found = (await page.ask("returns", "/v1/cases", **asked, after=after)).body
    names = await names_of(page, (row["principal_id"] for row in found["items"])) if not office else {}
    return await page.show(
        "cases.html", found=found, names=names, case_ref=case_ref or "", status=status or "", whose="mine" if mine else whose or "all",
        statuses=STATUSES_ABROAD if office else STATUSES, office=office,
    )  # fmt: skip


@router.get("/cases/{case_id}")
async def case(case_id: UUID, page: Reading) -> Response:
    """One case: for staff its tasks, departure checklist and timeline; for its office who comes and what to do."""
    path = f"/v1/cases/{case_id}"
    # A doctor decides on one thing alone, and needs neither the checklist nor what happened before.
    prepares = page.has("counsellor", "coordinator", "operations", "protection")
    staff = prepares or page.has("medical")
    money = page.has("counsellor", "coordinator", "receiving_office")
    found = (await page.ask("returns", path)).body
    gate, timeline, plans, grants, names = await asyncio.gather(
        page.if_for(prepares, "returns", f"{path}/departure-gate"),
        page.if_for(prepares, "returns", f"{path}/timeline"),
        page.if_for(money, "reintegration", "/v1/plans", case_id=str(case_id)),
        page.if_for(money, "reintegration", "/v1/grants", case_id=str(case_id)),
        names_of(page, (person["person_id"] for person in found["state"]["persons"])),
    )
    state, actions = found["state"], found["actions"]
    steps = steps_of(state, actions) if staff else ()
    # An arrival is confirmed beside the person who is awaited.
    in_steps = {action["name"] for step in steps for action in step.actions} | {*APART, "confirm_arrival", "lift_hold", "close_alert", *FAMILY}
    lifts = any(action["name"] == "lift_hold" and action["allowed"] for action in actions)
    return await page.show(
        "case.html", found=found, state=state, gate=gate, timeline=timeline["items"] if timeline else (),
        steps=steps, apart=apart(actions), others=[one for one in actions if one["name"] not in in_steps],
        plans=plans["items"] if plans else None, grants=grants["items"] if grants else None, short=short,
        plan_id=uuid7(), staff=staff, names=names, lifts=lifts,
        holds=[hold for hold in state.get("holds", ()) if hold["lifted_at"] is None], supporting=supporting(actions),
    )  # fmt: skip


@router.get("/arrivals")
async def arrivals(page: Reading, after: Annotated[str | None, Query(max_length=100)] = None) -> Response:
    """Who is expected in the days ahead, and who should have come already.

    While nobody can say who agrees that an office is told of them, it finds here whom it was told of before and may confirm.
    """
    if page.has("receiving_office"):
        found = await page.try_asking("returns", "/v1/arrivals", days=DAYS_AHEAD, after=after)
        if found is None:
            awaited = (await page.ask("returns", "/v1/arrivals/to-confirm", after=after)).body
            return await page.show("to_confirm.html", found=awaited, short=short)
    else:
        found = (await page.ask("returns", "/v1/arrivals", days=DAYS_AHEAD, after=after)).body
    return await page.show("arrivals.html", found=found, days=DAYS_AHEAD)


@router.get("/status")
async def status(
    page: Reading,
    case_ref: Annotated[str | None, Query(max_length=40)] = None,
    purpose: Annotated[str, Query(max_length=20)] = "reception",
) -> Response:
    """Where one case stands, by its exact reference and for a purpose."""
    answer = None
    if case_ref:
        answer = await page.answer("returns", f"/v1/status/{case_ref.replace('/', '')}", purpose=purpose)
    return await page.show("status.html", answer=answer, case_ref=case_ref or "", purpose=purpose)
