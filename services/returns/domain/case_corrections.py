"""A departure or an arrival that was recorded wrongly: one person says so, another one decides."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.returns.domain.case_evolve import evolve
from services.returns.domain.case_guards import journey_is_not_settled, journey_is_not_settled_for_all, member
from services.returns.domain.case_state import (
    FOLLOWING_GRANTS,
    TERMINAL,
    Case,
    CaseFacts,
    CasePerson,
    Correction,
)
from services.returns.domain.children_under_way import called_for_children
from services.returns.domain.given_fields import AlertsId
from services.returns.domain.journey_evidence import visas_said_for_their_country
from shared.contracts.corrections import (
    ArrivalCorrected,
    Correctable,
    CorrectionAsked,
    CorrectionRejected,
    DepartureCorrected,
)
from shared.contracts.returns import (
    CaseWithdrawn,
    PersonWithdrew,
)
from shared.decider import Events, Rule, changing
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Concealed, Context, Event

# From then on money may have been promised or paid on the arrival, and undoing that is reintegration's part.
_SUPPORT: Final = frozenset({*FOLLOWING_GRANTS, "closing"})


class AskForCorrection(Command):
    """Say that a person's departure or arrival was recorded wrongly. A colleague has to look at it and decide."""

    person_id: UUID
    of: Correctable


class CorrectDeparture(Command):
    """Confirm that a person did not leave, as a colleague has said. Their journey is as if it had not been recorded.

    Whoever had withdrawn before it has withdrawn; everybody else goes on with the preparation. For a child that is under
    way without an adult now, or without a parent by nothing that was settled, protection is called.
    """

    person_id: UUID
    record_id: AlertsId = None


class CorrectArrival(Command):
    """Confirm that a person has not arrived, as a colleague has said. They are awaited again."""

    person_id: UUID


class RejectCorrection(Command):
    """Decide that what was recorded is right and stands."""

    person_id: UUID


def asked(person: CasePerson, of: Correctable, context: Context, withdrew_at: datetime | None = None) -> Events:
    """The question whether this was recorded wrongly; nothing if it is asked already.

    That somebody had withdrawn is always said, also where it was asked before without a reason: whoever decides decides
    on that, and whoever says so last does not decide.
    """
    known = person.correction
    if known is not None and (withdrew_at is None or known.withdrew_at is not None):
        return ()
    question = CorrectionAsked(
        person_id=person.person_id, of=of, asked_by=context.actor.person_id, asked_at=context.now, withdrew_at=withdrew_at
    )
    return (question,)


def no_correction_open(case: Case, _: CaseFacts, __: Context) -> None:
    """Nothing may be asked that a colleague has not decided: ``correction_open``."""
    if any(person.correction is not None for person in case.persons):
        raise RuleViolation(
            "correction_open",
            "Somebody has said that a departure or an arrival of this case was recorded wrongly. A colleague must decide "
            "on that first.",
        )


def _somebody_left(case: Case, _: CaseFacts, __: Context) -> None:
    if not case.gone:
        raise RuleViolation("nothing_to_correct", "No departure is recorded in this case, so there is none to correct.")


@dataclass(frozen=True, slots=True)
class _AskedByAColleague:
    kinds: tuple[Correctable, ...]

    def __call__(self, case: Case, _: CaseFacts, context: Context) -> None:
        open_ones = [person.correction for person in case.persons if person.correction is not None]
        open_ones = [one for one in open_ones if one.of in self.kinds]
        if not open_ones:
            raise _not_asked()
        if all(one.asked_by == context.actor.person_id for one in open_ones):
            raise _own_question()


def _not_asked() -> RuleViolation:
    return RuleViolation(
        "no_correction_asked", "Nobody has said that this was recorded wrongly. Say so first; a colleague then decides."
    )


def _own_question() -> FourEyes:
    return FourEyes("You said yourself that this was recorded wrongly. A colleague must decide on it.")


def _to_decide(case: Case, person_id: UUID, context: Context, *kinds: Correctable) -> tuple[CasePerson, Correction]:
    person = member(case, person_id)
    if person.correction is None or person.correction.of not in kinds:
        raise _not_asked()
    if person.correction.asked_by == context.actor.person_id:
        raise _own_question()
    return person, person.correction


def _refuse_once_support_began(case: Case) -> None:
    # A grant or a plan may be there before the others have arrived, when nothing says so in the status.
    if case.stretch in _SUPPORT or case.grants or case.agreed_plan_id is not None:
        raise RuleViolation(
            "support_began",
            "Support has begun on this arrival, so it cannot be taken back here. Tell the coordinator and finance.",
        )


def _ask_for_correction(case: Case, order: AskForCorrection, facts: CaseFacts, context: Context) -> Events:
    person = member(case, order.person_id)
    if person.travel not in ("departed", "arrived"):
        raise RuleViolation("nothing_to_correct", "No departure of this person is recorded, so there is none to correct.")
    if order.of == "departure" and person.travel == "arrived":
        raise RuleViolation(
            "arrival_recorded", "The arrival of this person is confirmed. That has to be corrected first, if it is wrong."
        )
    if order.of == "arrival":
        journey_is_not_settled(case, facts, context)
        if person.travel != "arrived":
            raise RuleViolation("nothing_to_correct", "No arrival of this person is recorded, so there is none to correct.")
        _refuse_once_support_began(case)
    # Of a family of which some have left, the others' clearance is looked at as at every fact.
    return asked(person, order.of, context)


def _correct_departure(case: Case, order: CorrectDeparture, _: CaseFacts, context: Context) -> Events:
    person, correction = _to_decide(case, order.person_id, context, "departure")
    corrected = DepartureCorrected(
        person_id=person.person_id, corrected_by=context.actor.person_id, corrected_at=context.now
    )
    then = evolve(case, corrected)
    said = visas_said_for_their_country(case) if then.booking is None else ()
    called = called_for_children(case, (person.person_id,), order.record_id)
    return (*said, corrected, *called, *_withdrawal(then, person, correction))


def _withdrawal(case: Case, person: CasePerson, correction: Correction) -> tuple[Event, ...]:
    """What follows for whoever is back at the beginning of a journey that they, or all others, have withdrawn from."""
    if case.status in TERMINAL:
        return ()
    going = [one for one in case.travelling if one.person_id != person.person_id or correction.withdrew_at is None]
    if not case.gone and not going:
        staying = tuple(one.person_id for one in case.travelling)
        return (CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=staying),)
    if correction.withdrew_at is None or person.withdrew:
        return ()
    return (PersonWithdrew(person_id=person.person_id),)


def _correct_arrival(case: Case, order: CorrectArrival, _: CaseFacts, context: Context) -> Events:
    person, __ = _to_decide(case, order.person_id, context, "arrival")
    _refuse_once_support_began(case)
    corrected = ArrivalCorrected(
        person_id=person.person_id, corrected_by=context.actor.person_id, corrected_at=context.now
    )
    return (corrected,)


def _reject_correction(case: Case, order: RejectCorrection, _: CaseFacts, context: Context) -> Events:
    person, correction = _to_decide(case, order.person_id, context, "departure", "arrival")
    rejected = CorrectionRejected(person_id=person.person_id, of=correction.of, rejected_by=context.actor.person_id)
    return (rejected,)


RULES: tuple[Rule[Case, CaseFacts], ...] = (
    changing(
        AskForCorrection, "Say that a record is wrong", _ask_for_correction, journey_is_not_settled_for_all, _somebody_left
    ),
    changing(
        CorrectDeparture, "Confirm that a person did not leave", _correct_departure, journey_is_not_settled_for_all,
        _AskedByAColleague(("departure",)),
    ),
    changing(
        CorrectArrival, "Confirm that a person has not arrived", _correct_arrival, journey_is_not_settled,
        _AskedByAColleague(("arrival",)),
    ),
    changing(
        RejectCorrection, "Let the record stand", _reject_correction, journey_is_not_settled_for_all,
        _AskedByAColleague(("departure", "arrival")),
    ),
)
