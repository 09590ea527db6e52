"""A closed case taken up again within a year of the arrival: counselling is asked, which knows of every attempt."""

from datetime import datetime
from uuid import UUID

from services.returns.domain.case_guards import STATUS_IN_WORDS, still_open
from services.returns.domain.case_state import Case, CaseFacts
from shared.contracts.reopening import ReopeningReason, ReopeningRefused, ReopeningRequested
from shared.contracts.returns import CaseReopened
from shared.decider import Events, Rule, changing, recording
from shared.errors import RuleViolation
from shared.messages import Command, Context


class ReopenCase(Command):
    """Ask to take a closed case up again, within twelve months of the arrival. It can be closed again later.

    It goes on once it is sure that nobody of it has begun to return anew meanwhile.
    """

    reason: ReopeningReason


class RecordAttemptGoesOn(Command):
    """Take note that counselling counts these persons as going on with this attempt."""

    person_ids: tuple[UUID, ...]


class RecordAttemptStaysEnded(Command):
    """Take note that the attempt does not go on, because somebody of the case is not free for it."""


def _was_closed(case: Case, facts: CaseFacts, context: Context) -> None:
    if case.status != "closed":
        still_open(case, facts, context)
        raise RuleViolation(
            "not_closed", f"The case is at “{STATUS_IN_WORDS[case.status]}”, so there is nothing to take up again."
        )


def _arrived_within_a_year(case: Case, _: CaseFacts, context: Context) -> None:
    if case.arrived_at is None or context.now >= a_year_after(case.arrived_at):
        raise RuleViolation(
            "too_late_to_reopen",
            "More than twelve months have passed since the arrival, so this case stays closed. Whoever wishes to return "
            "again may begin anew with a counsellor.",
        )


def a_year_after(at: datetime) -> datetime:
    """The same moment of the next year; after a 29 February, on 1 March."""
    try:
        return at.replace(year=at.year + 1)
    except ValueError:
        return at.replace(year=at.year + 1, month=3, day=1)


def _going_on(case: Case) -> tuple[UUID, ...]:
    return tuple(person.person_id for person in case.persons if person.travel != "withdrawn")


def _reopen_case(case: Case, order: ReopenCase, facts: CaseFacts, _: Context) -> Events:
    # What is known here already is said at once; what holds is what counselling answers.
    if facts.anybody_erased:
        raise RuleViolation("person_erased", "Somebody of this case was erased, so it cannot be taken up again.")
    if facts.in_another_case:
        raise RuleViolation(
            "attempt_already_active",
            "Somebody of this case has another open return case. It must end before this one can be taken up again.",
        )
    if case.reopening_reason is not None:
        return ()
    return (ReopeningRequested(reason=order.reason, person_ids=_going_on(case)),)


def _record_attempt_goes_on(state: Case | None, order: RecordAttemptGoesOn, _: CaseFacts, __: Context) -> Events:
    if state is None or state.status != "closed" or state.reopening_reason is None:
        return ()
    going_on = _going_on(state)
    if not set(going_on) <= set(order.person_ids):
        return ()
    return (CaseReopened(reason=state.reopening_reason, person_ids=going_on),)


def _record_attempt_stays_ended(
    state: Case | None, _: RecordAttemptStaysEnded, __: CaseFacts, ___: Context
) -> Events:
    return () if state is None or state.reopening_reason is None else (ReopeningRefused(),)


RULES: tuple[Rule[Case, CaseFacts], ...] = (
    changing(ReopenCase, "Take the case up again", _reopen_case, _was_closed, _arrived_within_a_year),
    recording(RecordAttemptGoesOn, "Take note that the attempt goes on", _record_attempt_goes_on),
    recording(RecordAttemptStaysEnded, "Take note that the attempt stays ended", _record_attempt_stays_ended),
)
