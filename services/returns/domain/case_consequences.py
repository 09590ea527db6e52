"""What follows at once from the facts of one command: a case departs or arrives, or loses its clearance."""

from dataclasses import dataclass, replace
from datetime import datetime

from services.returns.domain.case_evolve import evolve
from services.returns.domain.case_state import BEFORE_DEPARTURE, GATED, Case, CaseFacts, standing
from services.returns.domain.gate import gate
from shared.contracts.returns import CaseArrived, CaseDeparted, ClearanceLost, ReintegrationStarted
from shared.decider import Events, Rule
from shared.messages import Command, Concealed, Context, Event

# Time alone unmakes this condition, without any command; a departure is recorded after it, and that is no loss.
_PASSES_BY_ITSELF = "booking_in_the_past"


@dataclass(frozen=True, slots=True)
class _LookedAt:
    rule: Rule[Case, CaseFacts]

    def __call__(self, state: Case | None, order: Command, facts: CaseFacts, context: Context) -> Events:
        told = list(self.rule.then(state, order, facts, context))
        if not told:
            return ()
        case = evolve(state, told[0])
        for event in told[1:]:
            case = evolve(case, event)
        while (following := _following(case, facts, context.now)) is not None:
            told.append(following)
            case = evolve(case, following)
        return tuple(told)


def looked_at(rule: Rule[Case, CaseFacts]) -> Rule[Case, CaseFacts]:
    """The same rule, after whose facts those stand that follow from them, so that no status outlives what it rests on."""
    return replace(rule, then=_LookedAt(rule))


def _following(case: Case, facts: CaseFacts, now: datetime) -> Event | None:
    if case.stretch in BEFORE_DEPARTURE and case.gone and not case.travelling:
        return CaseDeparted(departed_at=max(person.departed_at for person in case.gone if person.departed_at))
    if case.stretch == "departed" and case.gone and all(person.travel == "arrived" for person in case.gone):
        return CaseArrived(arrived_at=max(person.arrived_at for person in case.gone if person.arrived_at))
    if case.stretch == "arrived" and case.agreed_plan_id is not None:
        return ReintegrationStarted(plan_id=case.agreed_plan_id, status=standing(case.grants))
    if case.status in GATED:
        lost = next((code for code in _unmet(case, facts, now) if code != _PASSES_BY_ITSELF), None)
        return None if lost is None else clearance_lost(lost)
    return None


def clearance_lost(condition: str, lapsed_at: datetime | None = None) -> ClearanceLost:
    """The fact that a condition of the gate holds no longer, named beside the log alone, and since when if it was time."""
    lapsed = lapsed_at.isoformat() if lapsed_at is not None else ""
    return ClearanceLost(condition="", reason=Concealed.of(condition), lapsed=Concealed.of(lapsed))


def _unmet(case: Case, facts: CaseFacts, now: datetime) -> tuple[str, ...]:
    conditions = gate(case, facts, now, boarding=case.status == "cleared_to_board")
    return tuple(condition.code for condition in conditions if not condition.met)
