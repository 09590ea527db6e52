"""Plans in which every text is a canary: drafted or recorded at once, agreed, and revised."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from ops.demo_year.script import Journey
from services.reintegration.domain.plan import (
    AgreePlan,
    ChangeDraft,
    ConfirmDraft,
    DraftPlan,
    RecordOwnPlan,
    RevisePlan,
)
from services.reintegration.domain.plan_lines import PlannedLine
from tests.e2e.canaries import Flock

# What a line of a plan says in words or in codes of its own.
TEXTS: Final = ("provider", "referral", "feasibility", "objectives")
# Which version the own plan is after it was agreed and revised.
REVISED: Final = 3
# The orders that say it.
PLANNING: Final = frozenset({"draft_plan", "change_draft", "record_own_plan", "agree_plan", "agree_first_plan", "revise_plan"})


def planted(journey: Journey, plan_id: UUID, flock: Flock, *, drafted: bool) -> None:
    """Puts canaries into the plan of a journey, makes it a draft before that if asked for, and revises it in the end."""
    for step in list(journey.steps):
        if step.id != plan_id:
            continue
        place = journey.steps.index(step)
        match step.order:
            case RecordOwnPlan() as own if drafted:
                draft = DraftPlan(case_id=own.case_id, person_ids=own.person_ids, lines=_told(own.lines, "draft_plan", flock))
                changed = ChangeDraft(lines=_told(own.lines, "change_draft", flock))
                orders = (draft, changed, ConfirmDraft(method=own.method))
                journey.steps[place : place + 1] = [
                    replace(step, at=step.at + timedelta(minutes=minute), order=order) for minute, order in enumerate(orders)
                ]
            case RecordOwnPlan() as own:
                recorded = own.model_copy(update={"lines": _told(own.lines, "record_own_plan", flock)})
                journey.steps[place] = replace(step, order=recorded)
            case AgreePlan() as agreed:
                told = agreed.model_copy(update={"lines": _told(agreed.lines, "agree_plan", flock)})
                journey.steps[place] = replace(step, order=told)
                said = {**dict(agreed), "lines": _told(agreed.lines, "revise_plan", flock)}
                revised = RevisePlan(**said, reason="needs_changed")
                journey.give(step.at + timedelta(hours=1), step.persona, plan_id, revised)
            case _:
                pass


def _told(lines: Sequence[PlannedLine], operation: str, flock: Flock) -> tuple[PlannedLine, ...]:
    return tuple(
        line.model_copy(update={name: flock.latin(f"reintegration {operation} lines.{name}") for name in TEXTS})
        for line in lines
    )
