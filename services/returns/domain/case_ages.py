"""Somebody of a case is a child or an adult after all, as counselling says since their year of birth was corrected."""

from functools import reduce
from uuid import UUID

from services.returns.domain.case_evolve import evolve
from services.returns.domain.case_state import TERMINAL, Case, CaseFacts, deciding
from services.returns.domain.children_under_way import called_for_a_child
from shared.contracts.counselling import AgeGroup
from shared.contracts.families import AgeGroupNoted, GuardianEnded
from shared.decider import Events, Rule, recording
from shared.messages import Command, Context, Event


class RecordAgeGroup(Command):
    """Take note whether this person, who goes along or is a child's guardian, is a child or an adult after all."""

    person_id: UUID
    age_group: AgeGroup


def _record_age_group(state: Case | None, order: RecordAgeGroup, _: CaseFacts, __: Context) -> Events:
    if state is None:
        return ()
    case, told = state, list[Event]()
    person = case.person(order.person_id)
    if person is not None and person.age_group != order.age_group:
        if order.age_group == "adult" and person.guardian_id is not None:
            # Nobody stands up for an adult.
            told.append(GuardianEnded(person_id=person.person_id, guardian_id=person.guardian_id))
        told.append(_noted(case, order))
        case = reduce(evolve, told, case)
    if order.age_group == "child" and case.status not in TERMINAL:
        # A child is nobody's guardian.
        told += (
            GuardianEnded(person_id=one.person_id, guardian_id=order.person_id)
            for one in case.persons
            if one.guardian_id == order.person_id and one.travel in ("expected", "departed")
        )
    if person is not None and told and order.age_group == "child" and person.travel == "departed":
        # Whoever has left cannot be held any more; a child that is under way without an adult is to be found.
        told += called_for_a_child(person, case)
    return tuple(told)


def _noted(case: Case, order: RecordAgeGroup) -> AgeGroupNoted:
    noted = AgeGroupNoted(person_id=order.person_id, age_group=order.age_group, deciding_ids=())
    after = evolve(case, noted)
    if not any(one.recorded_as_adult for one in after.persons):
        return noted
    ids = tuple(one.person_id for one in deciding(after.persons, after.principal_id))
    return noted.model_copy(update={"deciding_ids": ids})


RULES: tuple[Rule[Case, CaseFacts], ...] = (
    recording(RecordAgeGroup, "Take note that somebody is a child or an adult after all", _record_age_group),
)
