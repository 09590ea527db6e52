"""The versions that a plan had, out of its log, as far as their reader may be told of them."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel

from services.reintegration import plan_window, window, wiring
from services.reintegration.domain.plan_lines import Line
from services.reintegration.domain.plan_state import Plan, evolve
from shared.contracts.plans import (
    ConfirmationMethod,
    OwnPlanRecorded,
    PlanAgreed,
    PlanRevised,
    RevisionReason,
)
from shared.db import UnitOfWork
from shared.histories import NEWEST, Entry, history, made_by
from shared.http import Call
from shared.messages import Event

VersionKind = Literal["own_plan", "agreed", "revised"]
_KINDS: Final[Mapping[type[Event], VersionKind]] = {
    OwnPlanRecorded: "own_plan", PlanAgreed: "agreed", PlanRevised: "revised",
}  # fmt: skip


class PlanVersion(BaseModel):
    """One version of a plan, which is never changed: what it was, how it came to be, and its lines.

    ``recorded_at`` is when it was recorded; of an agreed one ``agreed_on`` is the day, ``method`` how the returnee agreed,
    ``agreed_by`` who did for the office, and ``reason`` why it replaced another.
    """

    plan_version: int
    kind: VersionKind
    recorded_at: datetime
    agreed_on: date | None
    method: ConfirmationMethod | None
    agreed_by: str | None
    reason: RevisionReason | None
    person_ids: tuple[UUID, ...]
    lines: tuple[Line, ...]

    @classmethod
    def of(cls, entry: Entry, plan: Plan) -> Self:
        """The version that this fact made, as the plan tells it."""
        return cls(
            plan_version=plan.plan_version, kind=_KINDS[type(entry.event)], recorded_at=entry.recorded_at,
            agreed_on=plan.agreed_on, method=plan.method, agreed_by=plan.agreed_by, reason=plan.reason,
            person_ids=plan.person_ids, lines=plan.lines,
        )  # fmt: skip


async def versions(call: Call, plan_id: UUID, after: int | None, limit: int) -> tuple[list[PlanVersion], int | None]:
    """The versions of a plan for its reader, newest first, and after which they go on; `NotFound` as for the plan itself.

    They go on by their own number, and an office has no ETag of the plan: both would else count what it is not told of,
    such as changes of a draft. Where its persons do not agree an office is told the versions that it agreed itself, as of the
    plan, and never of one of which nothing may be told.
    """
    _, judged = await plan_window.plan_judged(call, plan_id)
    if window.is_abroad(call):
        del call.response.headers["ETag"]

    async def before(unit: UnitOfWork) -> list[Entry]:
        # Each of these facts made one version, so that the one of a number is the fact of that place.
        place = NEWEST if after is None else await made_by(unit, wiring.PLAN, plan_id, list(_KINDS), after)
        return await history(unit, wiring.PLAN, plan_id, list(_KINDS), place, limit + 1)

    entries = await call.ask(before, log=True)
    told = []
    for entry in entries:
        plan = evolve(None, entry.event)
        shown = plan_window.told_of(plan, judged)
        if shown.status != "draft" and (judged.withheld is None or plan_window.own_plan(plan)):
            told.append(PlanVersion.of(entry, shown))
    # What is left out is an own plan, which comes last, so that nothing follows what is left.
    return told[:limit], told[limit - 1].plan_version if len(told) > limit else None
