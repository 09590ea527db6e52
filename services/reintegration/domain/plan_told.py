"""What of a plan an office abroad is told: of whom, whether of their health, and when there is none for it."""

from collections.abc import Collection
from dataclasses import replace
from typing import Final
from uuid import UUID

from services.reintegration.domain.plan_state import AGREED, Plan, PlanStatus

# What the returnee confirmed has lines, so that one without any would tell that there are some.
_CONFIRMED: Final[frozenset[PlanStatus]] = frozenset({"own_plan", "shared"})


def told_abroad(plan: Plan, persons: Collection[UUID], owed_lines: Collection[UUID], *, health: bool) -> Plan:
    """A plan, in any of its versions, as far as it may be told: of these persons, and whether of their health.

    An office that agreed it without what tells of health never saw that, whatever money is owed for other lines. Nobody
    abroad reads what stands in a draft: the returnee has not confirmed it. A confirmed plan of which nothing may be told
    is told as such a draft, which an office finds after an arrival.
    """
    # Whoever went on in another case did not agree with those who stayed.
    plan = plan.about(persons)
    if not health:
        plan = plan.without_health(but=owed_lines if plan.status in AGREED else frozenset())
    if looks_like_a_draft(plan.status, len(plan.lines)):
        return replace(plan, lines=(), status="draft", plan_version=0, recorded_at=None, method=None, shared_at=None)
    return replace(plan, lines=()) if plan.status == "draft" else plan


def looks_like_a_draft(status: PlanStatus, lines: int) -> bool:
    """Whether a confirmed plan, of which so many lines may be told, is told as a draft."""
    return status in _CONFIRMED and lines == 0
