"""What the clock alone brings about: a readiness that is over, an arrival that nobody confirmed."""

from services.returns.domain.case_consequences import lost_by_now
from services.returns.domain.case_state import Case, CaseFacts
from services.returns.domain.case_times import arrivals_due
from shared.contracts.returns import ArrivalOverdue
from shared.decider import Events, Rule, recording
from shared.messages import Command, Context


class CheckClearance(Command):
    """Look whether everything still holds that this case's readiness or clearance rests on, and take it away if not."""


class CheckArrival(Command):
    """Look whether an arrival should have been confirmed by now, and say so once if it was not."""


def _check_clearance(state: Case | None, _: CheckClearance, facts: CaseFacts, context: Context) -> Events:
    lost = None if state is None else lost_by_now(state, facts, context.now)
    return () if lost is None else (lost,)


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
