"""Guards and checks that several commands on a case share."""

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from services.returns.domain.case_state import TERMINAL, Case, CaseFacts, CasePerson, Status
from shared.errors import FourEyes, RuleViolation
from shared.messages import Context

CaseGuard = Callable[[Case, CaseFacts, Context], None]

STATUS_IN_WORDS: Final[Mapping[Status, str]] = {
    "intention": "wish to return expressed",
    "screening": "screening",
    "applied": "application submitted",
    "approved": "approved",
    "preparing": "in preparation",
    "ready_to_travel": "ready to travel",
    "cleared_to_board": "cleared to board",
    "departed": "departed",
    "arrived": "arrived",
    "reintegrating": "in reintegration",
    "grant_approved": "grant approved",
    "grant_disbursed": "grant paid",
    "monitoring": "in monitoring",
    "closing": "being closed",
    "closed": "closed",
    "withdrawn": "withdrawn",
    "ineligible": "not eligible",
    "not_departed": "not departed",
    "lapsed": "lapsed",
}


def only_in(*statuses: Status) -> CaseGuard:
    """A guard: the case must be at one of these statuses; otherwise ``case_ended`` or ``wrong_status``."""
    when = " or ".join(f"“{STATUS_IN_WORDS[status]}”" for status in statuses)

    def guard(case: Case, _: CaseFacts, __: Context) -> None:
        still_open(case, _, __)
        if case.status not in statuses:
            raise RuleViolation(
                "wrong_status",
                f"The case is at “{STATUS_IN_WORDS[case.status]}”. This is possible only at {when}.",
            )

    return guard


def still_open(case: Case, _: CaseFacts, __: Context) -> None:
    """The case must not have ended: ``case_ended``."""
    if case.status in TERMINAL:
        raise RuleViolation(
            "case_ended",
            f"This case has ended: {STATUS_IN_WORDS[case.status]}. Whoever wishes to return may begin anew with a "
            "counsellor.",
        )


def not_by_the_counsellor(case: Case, _: CaseFacts, context: Context) -> None:
    """Whoever counselled does not decide: ``four_eyes``."""
    if context.actor.person_id == case.counsellor_id:
        raise FourEyes("You are the counsellor of this case. A colleague must take this decision.")


def nobody_gone(case: Case, _: CaseFacts, __: Context) -> None:
    """No person of the case may have left: ``departed_already``."""
    if case.gone:
        raise RuleViolation(
            "departed_already",
            "Somebody of this case has already departed, so it cannot end like this. Record for each of the others "
            "that they depart or stay behind.",
        )


def member(case: Case, person_id: UUID) -> CasePerson:
    """The person of the case under this id; ``person_not_in_case``."""
    person = case.person(person_id)
    if person is None:
        raise RuleViolation(
            "person_not_in_case", "This person does not belong to the case. Choose one of its persons."
        )
    return person


def traveller(case: Case, person_id: UUID) -> CasePerson:
    """The person of the case under this id, who neither withdrew nor left; ``person_not_travelling``."""
    person = member(case, person_id)
    if person.travel != "expected":
        raise RuleViolation(
            "person_not_travelling",
            "This person has withdrawn or has already left. The journey is prepared for the others only.",
        )
    return person
