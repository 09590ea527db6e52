"""What the archive found, as people look into it: the list of all that is open, explained by one and accepted by another."""

from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query

from services.audit import explaining
from services.audit.domain.explained import AcceptFinding, ExplainFinding, RejectExplanation
from services.audit.explaining import FINDING, FindingRow
from services.audit.findings import LASTING
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.errors import NotFound
from shared.http import Action, Call, Calling, Limit, Page, Receipt
from shared.ids import FIRST

router = APIRouter(route_class=AuthenticatedRoute)


@router.get("/v1/archive/findings")
async def list_findings(
    call: Calling, accepted: bool | None = None, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50
) -> Page[FindingRow]:
    """Every open finding of all logs, in the order of their ids, accepted ones among them; by ``accepted`` those alone, or all others.

    Which entries and how, and nothing of what they say.
    """

    async def work(unit: UnitOfWork) -> list[asyncpg.Record]:
        return await unit.rows(explaining.LISTED, accepted=accepted, after=after or FIRST, limit=limit + 1)

    rows = await call.ask(work)
    items = [_told(call, row) for row in rows[:limit]]
    return Page[FindingRow](items=items, next=call.goes_on_after(str(items[-1].id), limit) if len(rows) > limit else None)


@router.get("/v1/archive/findings/{finding_id}")
async def read_finding(finding_id: UUID, call: Calling) -> FindingRow:
    """One open finding."""
    row = await call.ask(lambda unit: unit.row(explaining.OF_ID, id=finding_id))
    if row is None:
        raise NotFound
    return _told(call, row)


@router.post("/v1/archive/findings/{finding_id}/explain")
async def explain_finding(finding_id: UUID, body: ExplainFinding, call: Calling) -> Receipt:
    """Says by what a finding came about that nothing clears, as often as it had been found when that was looked into."""
    return await call.order(FINDING, finding_id, body)


@router.post("/v1/archive/findings/{finding_id}/accept")
async def accept_finding(finding_id: UUID, body: AcceptFinding, call: Calling) -> Receipt:
    """Accepts what was said of a finding, as the second of two; from then on it rings no more until it is found again."""
    return await call.order(FINDING, finding_id, body)


@router.post("/v1/archive/findings/{finding_id}/reject")
async def reject_explanation(finding_id: UUID, body: RejectExplanation, call: Calling) -> Receipt:
    """Does not accept what was said of a finding, as the second of two: it rings on and waits for another explanation."""
    return await call.order(FINDING, finding_id, body)


def _told(call: Call, row: asyncpg.Record) -> FindingRow:
    said = explaining.said_of(row)
    stands = explaining.stands_of(row["found_times"], said)
    actions = call.actions(FINDING, said) if said is not None else []
    if stands == "found_again":
        # What was said is of less than was found, and is accepted by nobody.
        actions = [action for action in actions if action.name != "accept_finding"]
    if row["kind"] in LASTING and stands in ("not_explained", "rejected", "found_again") and call.may("explain_finding"):
        label = FINDING.decider.rule(ExplainFinding).label
        actions = [Action(name="explain_finding", label=label, allowed=True, reason=None, sentence=None, step_up=False), *actions]
    return FindingRow.of(row, actions)
