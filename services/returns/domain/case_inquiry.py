"""A family assessment: the office abroad is asked how the family is that would receive a child, and answers."""

from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictBool

from services.returns.domain.case_guards import also_on_hold, traveller
from services.returns.domain.case_screening import calling, refuse_taken
from services.returns.domain.case_state import BEFORE_DEPARTURE, Case, CaseFacts, CasePerson
from services.returns.domain.days import latest_day
from services.returns.domain.of_age import is_adult
from services.returns.domain.screening import FamilyAnswer, FamilyAssessment
from services.returns.domain.screening_facts import found
from shared.contracts.families import Provision
from shared.decider import Events, Rule, changing
from shared.errors import RuleViolation
from shared.messages import Command, Context
from shared.moments import Day
from shared.new_ids import NewId


class AskForFamilyAssessment(Command):
    """Ask the office abroad how the family is that would receive a child. It is told no more than of whom that is asked.

    The office is told while a consent to a family assessment stands for the child, before an approval as well.
    """

    inquiry_id: Annotated[NewId, Field(description="The id under which it is asked and answered; a new one.")]
    person_id: UUID


class AnswerFamilyAssessment(Command):
    """Answer how the family is that would receive a child: whether it was found, is ready and agrees, and what it can provide.

    Where the family was not found, is not ready or does not agree, protection is called and the case stops at once.
    """

    inquiry_id: UUID
    assessed_on: Day
    family_found: StrictBool
    ready_to_receive: StrictBool
    family_agrees: Annotated[StrictBool, Field(description="The family agrees that the mission is told all this.")]
    housing: Provision
    livelihood: Provision
    school: Provision
    medical_care: Provision


def inquiries_of(case: Case) -> Iterator[tuple[CasePerson, FamilyAssessment]]:
    """Whom the office abroad was asked about, as long as they wait for their departure, and what it was asked."""
    if case.stretch not in BEFORE_DEPARTURE:
        return
    for person in case.travelling:
        asked = case.screening_of(person.person_id).family_assessment
        if asked is not None:
            yield person, asked


def _somebody_is_asked_about(case: Case, _: CaseFacts, __: Context) -> None:
    if not any(inquiries_of(case)):
        raise RuleViolation("nothing_asked", "No family assessment is asked for in this case.")


def _ask(case: Case, order: AskForFamilyAssessment, _: CaseFacts, context: Context) -> Events:
    person = traveller(case, order.person_id)
    screening = case.screening_of(person.person_id)
    if is_adult(person, case):
        raise RuleViolation("not_a_child", "A family is assessed that would receive a child, and this person is an adult.")
    known = screening.family_assessment
    if known is not None and known.inquiry_id == order.inquiry_id:
        return ()
    if known is not None and known.answer is None:
        raise RuleViolation("inquiry_open", "The office abroad was asked already and has not answered yet.")
    # Under this id an alert opens, and a hold stands, if the answer is a no.
    refuse_taken(case, order.inquiry_id)
    asked = FamilyAssessment(context.now, context.now, order.inquiry_id)
    return (found(order.inquiry_id, person.person_id, asked, ()),)


def _answer(case: Case, order: AnswerFamilyAssessment, _: CaseFacts, context: Context) -> Events:
    about = next(((person, one) for person, one in inquiries_of(case) if one.inquiry_id == order.inquiry_id), None)
    if about is None:
        raise RuleViolation("inquiry_unknown", "Nothing is asked under this id. Look again at what you are asked.")
    person, asked = about
    if order.assessed_on > latest_day(context.now):
        raise RuleViolation("in_the_future", "The family cannot have been assessed on a day that is still to come.")
    answer = FamilyAnswer(
        order.assessed_on, order.family_found, order.ready_to_receive, order.family_agrees, order.housing,
        order.livelihood, order.school, order.medical_care,
    )
    if asked.answer is not None:
        if asked.answer == answer:
            return ()
        raise RuleViolation("inquiry_answered", "This was answered already. The mission can ask anew.")
    answered = FamilyAssessment(context.now, asked.asked_at, asked.inquiry_id, answer)
    return calling(asked.inquiry_id, person, answered, asked, context)


RULES: tuple[Rule[Case, CaseFacts], ...] = (
    changing(
        AskForFamilyAssessment, "Ask for a family assessment", _ask,
        also_on_hold("screening", "applied", "approved", "preparing"),
    ),
    changing(AnswerFamilyAssessment, "Answer a family assessment", _answer, _somebody_is_asked_about),
)
