"""Reintegration's figures out of its log: grants and plans, but not what a grant is for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, get_args

from ops.log_figures.folding import Bounds, Folding, counted, folded
from services.reintegration.domain.grant import GRANT
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.plan import PLAN
from services.reintegration.domain.plan_state import Plan
from shared.contracts.reintegration import GrantCategory
from shared.messages import Envelope
from shared.statistics import Figure, Period

_WHY: Final = "What a grant is for stands in no leaf, for it may tell of health."


@dataclass(slots=True)
class ReintegrationFigures:
    """What reintegration's own statistics count (`services/reintegration/figures.py`), counted by its log."""

    _grants: Folding[Grant] = field(default_factory=lambda: Folding(GRANT))
    _plans: Folding[Plan] = field(default_factory=lambda: Folding(PLAN))

    def take(self, envelope: Envelope) -> None:
        """One more entry of reintegration's log."""
        folded({"grant": self._grants, "plan": self._plans}, envelope)

    def figures(self, period: Period) -> list[Figure]:
        """All of reintegration's figures but for the categories of grants."""
        within = Bounds.of(period)
        grants, plans = self._grants.states.values(), self._plans.states.values()
        approved = [one for one in grants if one.status != "cancelled" and within.has(one.approved_at)]
        asked = [one for one in grants if one.submitted_version is not None and within.has(one.requested_at)]
        first_agreed = [one.first_agreed_on for one in plans if one.first_agreed_on is not None]
        return [
            *counted("grants", {"grants": len(approved), "grants_requested": len(asked)}),
            *counted("persons", {"persons_with_grant": len({one.person_id for one in approved})}),
            *counted("grants", {"grants_rejected": sum(one.status == "rejected" for one in asked)}, of=len(asked)),
            *counted("cases", {
                "own_plans_recorded": sum(within.has(one.recorded_at) for one in plans),
                "plans_agreed": sum(period.first <= day <= period.last for day in first_agreed),
            }),
        ]  # fmt: skip

    def concealed(self) -> Mapping[str, str]:
        """The categories of grants."""
        return {f"grants_{category}": _WHY for category in get_args(GrantCategory)}
