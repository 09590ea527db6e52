"""Screening of one person of a case, part by part, and the board on which protection finds who waits for it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.pages.frame import Reading
from services.portal.pages.naming import days_since, names_of, short
from services.portal.translation import _

router = APIRouter()

BOARD: Final = "/protection"
# What is recorded of one person, in the order in which it is asked.
_ORDERS: Final = (
    "assess_voluntariness", "record_fear_of_return", "record_vulnerability", "assess_trafficking_risk",
    "record_best_interests", "ask_for_family_assessment",
)  # fmt: skip
# The parts, and of each the answers that are read; of other fields it is enough that they are kept.
_PARTS: Final = (
    (_("What the wish rests on"), "voluntariness", (
        "free", "informed", "capable", "company", "interpreter", "child_heard", "legal_consequences_explained",
        "alternatives_explained",
    )),
    (_("Fear of return"), "fear", ("fears_return",)),
    (_("Vulnerability"), "vulnerability", ("indicators",)),
    (_("Risk of trafficking"), "trafficking", ("risk",)),
    (_("Best interests of the child"), "best_interests", ("procedure", "outcome", "agreed")),
    (_("Family assessment, asked of the office abroad"), "family_assessment", ()),
    (_("Answer of the office abroad"), "family_answer", (
        "family_found", "ready_to_receive", "family_agrees", "housing", "livelihood", "school", "medical_care",
    )),
)  # fmt: skip


@router.get("/cases/{case_id}/screening/{person_id}")
async def screening(case_id: UUID, person_id: UUID, page: Reading) -> Response:
    """One person's screening as far as the reader may see it, what is missing, and what the reader can record."""
    found = (await page.ask("returns", f"/v1/cases/{case_id}")).body
    state = found["state"]
    person = next((one for one in state.get("persons", ()) if one["person_id"] == str(person_id)), None)
    if person is None or "screening" not in state:
        return page.fault(404, "not_found", _("There is no such page."))
    prepares = page.has("counsellor", "coordinator", "operations", "protection")
    gate = await page.if_for(prepares, "returns", f"/v1/cases/{case_id}/departure-gate")
    known: Mapping[str, Any] = next((one for one in state["screening"] if one["person_id"] == str(person_id)), {})
    if (asked := known.get("family_assessment")) and asked["answer"]:
        known = {**known, "family_answer": {**asked["answer"], "at": asked["at"]}}
    by_name = {action["name"]: action for action in found["actions"]}
    return await page.show(
        "screening.html", found=found, state=state, person=person, names=await names_of(page, (person_id,)), short=short,
        parts=[(heading, known.get(part), fields) for heading, part, fields in _PARTS], alerts=known.get("alerts", ()),
        lines=_lines(gate, person_id), actions=[by_name[name] for name in _ORDERS if name in by_name],
        closes=by_name.get("close_alert", {}).get("allowed", False), offered=page.has("counsellor", "protection"),
    )  # fmt: skip


@router.get(BOARD)
async def board(page: Reading, after: Annotated[str | None, Query(max_length=100)] = None) -> Response:
    """Who waits for protection, the longest first, with every open alert and each hold of protection's."""
    found = (await page.ask("returns", "/v1/protection-board", after=after)).body
    return await page.show("protection.html", found=found, days=days_since, short=short)


def _lines(gate: Mapping[str, Any] | None, person_id: UUID) -> Sequence[Mapping[str, Any]]:
    """The lines of the checklist about this person, or about nobody by name, that screening is about."""
    return [
        line for line in (gate["conditions"] if gate else ())
        if line["person_id"] in (str(person_id), None) and line["code"] in LINES
    ]  # fmt: skip


LINES: Final = frozenset(
    {
        "session_alone_missing", "voluntariness_not_assessed", "not_heard_alone", "consequences_not_explained", "fear_of_return_open",
        "vulnerability_not_screened", "protection_alert_open", "trafficking_risk_open", "best_interests_open",
        "screening_not_settled",
    }
)  # fmt: skip

