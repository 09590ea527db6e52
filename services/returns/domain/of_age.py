"""Who counts as an adult of a case: whoever was recorded as one, unless screening noted that they may be a child on its own.

Doubt protects: such a person is asked as a child and is nobody beside whom a child travels. What is asked of the adult that
they may be stays asked, so that nobody who is not shown screening can tell the doubt by what is missing.
"""

from dataclasses import replace
from uuid import UUID

from services.returns.domain.case_state import Case, CasePerson
from services.returns.domain.screening import ALONE, PersonScreening


def is_adult(person: CasePerson, case: Case) -> bool:
    """Whether somebody counts as an adult of the case."""
    return is_adult_by(case.screening_of(person.person_id), person)


def is_adult_by(found: PersonScreening, person: CasePerson) -> bool:
    """The same where what screening found of them is at hand."""
    return person.recorded_as_adult and ALONE.isdisjoint(found.indicators)


def may_go_beside_an_adult(child: CasePerson, case: Case) -> bool:
    """Whether an adult travels with this child, or with one that was recorded as a child somebody who may be an adult."""
    return any(
        is_adult(one, case) or (one.recorded_as_adult and not child.recorded_as_adult) for one in case.travelling
    )


def as_recorded(case: Case) -> Case:
    """The case as whoever is not shown screening knows it: everybody counts as what they were recorded as."""
    screening = tuple(_undoubted(one, case) for one in case.screening)
    return case if screening == case.screening else replace(case, screening=screening)


def _undoubted(found: PersonScreening, case: Case) -> PersonScreening:
    person, noted = case.person(found.person_id), found.vulnerability
    if person is None or noted is None or not person.recorded_as_adult:
        return found
    indicators = tuple(one for one in noted.indicators if one not in ALONE)
    return replace(found, vulnerability=replace(noted, indicators=indicators))


def may_answer_for(person: CasePerson, other_id: UUID, case: Case) -> bool:
    """Whether this one signs and answers for a person: an adult in person, for a child its guardian or an adult of the case.

    A guardian who is a person of the case is an adult of it.
    """
    if is_adult(person, case):
        return other_id == person.person_id
    known = case.person(other_id)
    if known is None:
        return other_id == person.guardian_id
    return is_adult(known, case) and (known.travel != "withdrawn" or other_id == person.guardian_id)


def is_declared(person: CasePerson, case: Case) -> bool:
    """Whether somebody has signed the declaration for this person who may."""
    return person.declared_by is not None and may_answer_for(person, person.declared_by, case)


def has_guardian(child: CasePerson, case: Case) -> bool:
    """Whether a guardian of this child is on record who may answer for it."""
    return child.guardian_id is not None and may_answer_for(child, child.guardian_id, case)


def first_of(persons: tuple[CasePerson, ...]) -> CasePerson:
    """Who is principal of these: the first who was recorded as an adult, or the first.

    Who leads a family files for it and vouches for nobody; by another successor everybody could tell the doubt.
    """
    return next((one for one in persons if one.recorded_as_adult), persons[0])
