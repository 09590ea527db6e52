"""What follows at once from the facts of one command: a case departs or arrives, or loses its clearance."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.returns.domain.case_evolve import evolve
from services.returns.domain.case_state import (
    BEFORE_DEPARTURE,
    CLEARANCE_HOLDS,
    GATED,
    Case,
    CaseFacts,
    standing,
)
from services.returns.domain.days import over_at_home
from services.returns.domain.gate import Condition, gate
from shared.contracts.returns import CaseArrived, CaseDeparted, ClearanceLost, ReintegrationStarted
from shared.decider import Events, Rule
from shared.messages import Command, Concealed, Context, Event

# Time alone unmakes this condition, without any command; a departure is recorded after it, and that is no loss.
_PASSES_BY_ITSELF: Final = "booking_in_the_past"
# What other services tell, which is known here only once all of it was heard.
_RESTS_ON_FACTS: Final = frozenset({"data_consent_missing", "individual_session_missing", "session_alone_missing"})


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
        unmet = _unmet(case, facts, now)
        lost = next((line.code for line in unmet if line.code != _PASSES_BY_ITSELF), None)
        return None if lost is None else _clearance_lost(case, lost, unmet, facts, now)
    return None


def lost_by_now(case: Case, facts: CaseFacts, now: datetime) -> ClearanceLost | None:
    """The loss of readiness or clearance that a look at this moment finds, by time or by what others told; None if all holds."""
    if case.status not in GATED:
        return None
    unmet = _unmet(case, facts, now)
    # Right after a start a consent that was renewed may not have been heard of; it is looked again in a minute.
    fresh = facts.are_fresh(now)
    # That the booked departure has passed is said last: whatever else is over says more about what is to be done.
    codes = [line.code for line in unmet]
    lost = next((code for code in codes if code != _PASSES_BY_ITSELF and (fresh or code not in _RESTS_ON_FACTS)), None)
    if lost is None and _PASSES_BY_ITSELF in codes and not _may_still_have_left(case, now):
        lost = _PASSES_BY_ITSELF
    return None if lost is None else _clearance_lost(case, lost, unmet, facts, now)


def _may_still_have_left(case: Case, now: datetime) -> bool:
    # Whoever was cleared boards as the flight leaves, late perhaps, and that is recorded afterwards.
    return case.status == "cleared_to_board" and case.cleared_at is not None and now < case.cleared_at + CLEARANCE_HOLDS


def _clearance_lost(
    case: Case, condition: str, unmet: Collection[Condition], facts: CaseFacts, now: datetime
) -> ClearanceLost:
    """The fact that a condition of the gate holds no longer, named beside the log alone, and since when if it was time."""
    cleared = case.status == "cleared_to_board" and case.cleared_at is not None
    lapsed_at = _lapsed_at(case, unmet, facts, now) if cleared else None
    lapsed = lapsed_at.isoformat() if lapsed_at is not None else ""
    return ClearanceLost(condition="", reason=Concealed.of(condition), lapsed=Concealed.of(lapsed))


def _lapsed_at(case: Case, unmet: Collection[Condition], facts: CaseFacts, now: datetime) -> datetime | None:
    """Until when a clearance stood that time alone took away: who left before left with it, whenever somebody looked."""
    ends = [case.holds_until] if case.holds_until is not None and case.holds_until <= now else []
    for line in unmet:
        if line.code in _RESTS_ON_FACTS:
            # A consent can end with its last day. Since when one was gone that was taken back nobody here knows.
            known = facts.of(line.person_id) if line.code == "data_consent_missing" and line.person_id is not None else None
            last_day = None if known is None else known.data_expires_on
            if last_day is None or over_at_home(last_day) > now:
                return None
            ends.append(over_at_home(last_day))
    return min(ends, default=None)


def _unmet(case: Case, facts: CaseFacts, now: datetime) -> tuple[Condition, ...]:
    conditions = gate(case, facts, now, boarding=case.status == "cleared_to_board")
    return tuple(condition for condition in conditions if not condition.met)
