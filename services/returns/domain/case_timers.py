"""What the clock alone brings about: a readiness that is over, an arrival that nobody confirmed."""

from typing import Final

from services.returns.domain.case_consequences import clearance_lost
from services.returns.domain.case_state import CLEARANCE_HOLDS, GATED, Case, CaseFacts
from services.returns.domain.case_times import arrivals_due
from services.returns.domain.gate import gate
from shared.contracts.returns import ArrivalOverdue
from shared.decider import Events, Rule, recording
from shared.messages import Command, Context

# That the booked departure has passed is said last: whatever else is over says more about what is to be done.
_SAYS_LEAST = "booking_in_the_past"
# What other services tell, which is known here only once all of it was heard.
_RESTS_ON_FACTS: Final = frozenset({"data_consent_missing", "individual_session_missing", "session_alone_missing"})


class CheckClearance(Command):
    """Look whether everything still holds that this case's readiness or clearance rests on, and take it away if not."""


class CheckArrival(Command):
    """Look whether an arrival should have been confirmed by now, and say so once if it was not."""


def _check_clearance(state: Case | None, _: CheckClearance, facts: CaseFacts, context: Context) -> Events:
    if state is None or state.status not in GATED:
        return ()
    cleared = state.status == "cleared_to_board"
    unmet = [line.code for line in gate(state, facts, context.now, boarding=cleared) if not line.met]
    # Right after a start a consent that was renewed may not have been heard of; it is looked again in a minute.
    fresh = facts.are_fresh(context.now)
    lost = next((code for code in unmet if code != _SAYS_LEAST and (fresh or code not in _RESTS_ON_FACTS)), None)
    if lost is None and _SAYS_LEAST in unmet and not _may_still_have_left(state, context):
        lost = _SAYS_LEAST
    if lost is None:
        return ()
    # Only what time took away stood until then: who left before left with clearance, whenever somebody looked. Since
    # when a consent was gone nobody here knows.
    by_time = cleared and state.holds_until is not None and state.holds_until <= context.now
    return (clearance_lost(lost, state.holds_until if by_time and _RESTS_ON_FACTS.isdisjoint(unmet) else None),)


def _may_still_have_left(case: Case, context: Context) -> bool:
    # Whoever was cleared boards as the flight leaves, late perhaps, and that is recorded afterwards.
    return case.status == "cleared_to_board" and case.cleared_at is not None and context.now < case.cleared_at + CLEARANCE_HOLDS


def _check_arrival(state: Case | None, _: CheckArrival, __: CaseFacts, context: Context) -> Events:
    if state is None or state.arrival_due_at is None or context.now < state.arrival_due_at:
        return ()
    overdue = [person for person, due_at in arrivals_due(state) if due_at <= context.now]
    expected_at = max(person.expected_at for person in overdue if person.expected_at is not None)
    return (ArrivalOverdue(person_ids=tuple(person.person_id for person in overdue), expected_at=expected_at),)


RULES: tuple[Rule[Case, CaseFacts], ...] = (
    recording(CheckClearance, "Look whether the readiness still holds", _check_clearance),
    recording(CheckArrival, "Look whether the arrival is overdue", _check_arrival),
)
