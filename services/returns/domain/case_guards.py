"""Guards and checks that several commands on a case share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.returns.domain.case_state import TERMINAL, Case, CaseFacts, CasePerson, Status
from services.returns.domain.of_age import is_adult
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
    "joined": "joined with another case",
    "on_hold": "on hold",
}


@dataclass(frozen=True, slots=True)
class _At:
    """Refuses a case that has ended or is elsewhere than at one of these statuses, and while a hold stands if that counts."""

    statuses: tuple[Status, ...]
    also_on_hold: bool

    def __call__(self, case: Case, facts: CaseFacts, context: Context) -> None:
        if not self.also_on_hold:
            not_on_hold(case, facts, context)
        still_open(case, facts, context)
        if case.stretch not in self.statuses:
            when = " or ".join(f"“{STATUS_IN_WORDS[status]}”" for status in self.statuses)
            raise RuleViolation(
                "wrong_status",
                f"The case is at “{STATUS_IN_WORDS[case.stretch]}”. This is possible only at {when}.",
            )


def only_in(*statuses: Status) -> CaseGuard:
    """A guard: the case must be at one of these statuses; else ``case_ended``, ``hold_stands`` or ``wrong_status``."""
    return _At(statuses, also_on_hold=False)


def also_on_hold(*statuses: Status) -> CaseGuard:
    """A guard as `only_in`, against which no hold stands: for what moves the case nowhere, and for what an office does, which is told of none."""
    return _At(statuses, also_on_hold=True)


def not_on_hold(case: Case, _: CaseFacts, __: Context) -> None:
    """No hold may stand: ``hold_stands``. The sentence is the same for all holds."""
    if case.status == "on_hold":
        raise RuleViolation(
            "hold_stands",
            "The case is on hold. It goes on once each hold was lifted by somebody who may lift it.",
        )


def still_open(case: Case, _: CaseFacts, __: Context) -> None:
    """The case must not have ended: ``case_ended``."""
    if case.status in TERMINAL:
        raise RuleViolation(
            "case_ended",
            f"This case has ended: {STATUS_IN_WORDS[case.status]}. Whoever wishes to return may begin anew with a "
            "counsellor.",
        )


def open_or_somebody_under_way(case: Case, facts: CaseFacts, context: Context) -> None:
    """The case must not have ended, unless somebody is under way, who is awaited all the same: ``case_ended``."""
    if not case.under_way:
        still_open(case, facts, context)


def journey_is_not_settled(case: Case, facts: CaseFacts, context: Context) -> None:
    """The record of the journey itself must not be settled for good: ``case_ended``.

    Somebody who withdrew, or whose case lapsed or was not eligible, and left all the same, is exactly whom protection must
    hear of at once; such a case stays ended.
    """
    if case.status in ("closed", "not_departed"):
        still_open(case, facts, context)


def journey_is_not_settled_for_all(case: Case, facts: CaseFacts, context: Context) -> None:
    """The record of the journey must not be settled for good, unless somebody is under way: ``case_ended``.

    A case is closed without waiting for whoever is not met; that they left at all may be what was recorded wrongly.
    """
    if not case.under_way:
        journey_is_not_settled(case, facts, context)


def journey_is_not_settled_or_somebody_stayed(case: Case, facts: CaseFacts, context: Context) -> None:
    """The record of the journey must not be settled for good, unless somebody of a closed case has not left: ``case_ended``.

    They may have left all the same: late, or by a departure that was taken back wrongly.
    """
    if case.status != "closed" or len(case.gone) == len(case.persons):
        journey_is_not_settled(case, facts, context)


def not_by_the_counsellor(case: Case, _: CaseFacts, context: Context) -> None:
    """Whoever counselled does not decide: ``four_eyes``."""
    if context.actor.person_id == case.counsellor_id:
        raise FourEyes("You are the counsellor of this case. A colleague must take this decision.")


def facts_are_fresh(_: Case, facts: CaseFacts, context: Context) -> None:
    """What happened elsewhere must be known here up to this minute: ``facts_stale``."""
    if not facts.are_fresh(context.now):
        raise RuleViolation(
            "facts_stale",
            "It is not certain that the latest consents and sessions have reached this service. Try again in a "
            "minute; if it stays, tell your administrator.",
        )


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


def travelling_child(case: Case, person_id: UUID) -> CasePerson:
    """The child of the case under this id, who neither withdrew nor left; ``not_a_child`` and as `traveller`."""
    person = traveller(case, person_id)
    if is_adult(person, case):
        raise RuleViolation("not_a_child", "This is for children who travel, and this person is an adult.")
    return person
