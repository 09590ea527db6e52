"""How a case changes when somebody of it turns out to be a child, or an adult: what rests on the other is asked anew."""

from dataclasses import replace

from services.returns.domain.case_changes import unconfirmed, unsettled, with_person, with_screening
from services.returns.domain.case_regrouped import found_anew, with_others_signing, without_supervision
from services.returns.domain.case_state import Case, CasePerson
from services.returns.domain.of_age import first_of
from shared.contracts.families import AgeGroupNoted
from shared.messages import Event

# What is recorded of children alone.
_OF_CHILDREN = frozenset({"supervision", "other_parent"})


def aged(case: Case, event: Event) -> Case | None:
    """The case after the fact that somebody is a child or an adult after all; None if the event is none.

    Whoever turns out to be a child has signed and answered for nobody, themselves included; for an adult nobody has. What is
    best for a child, and by what it goes without one of its parents, was found of a journey beside other adults.
    """
    if not isinstance(event, AgeGroupNoted):
        return None
    person = case.person(event.person_id)
    if person is None:
        return case
    case = with_person(case, person.person_id, age_group=event.age_group)
    if person.travel == "expected":
        case = _asked_anew(unconfirmed(case), person, adult=event.age_group == "adult")
    if person.travel != "withdrawn" and case.travelling:
        case = _beside_other_adults(case, adult=event.age_group == "adult")
    return _led_by_an_adult(case)


def _asked_anew(case: Case, person: CasePerson, *, adult: bool) -> Case:
    case, found, own_id = with_others_signing(case, (person.person_id,)), case.screening_of(person.person_id), person.person_id
    if not adult:
        # A guardian has signed and answered for who was in doubt already.
        if found.voluntariness is not None and found.voluntariness.answered_by == own_id:
            case = with_screening(case, replace(found, voluntariness=None))
        return with_person(case, own_id, declared_by=None if person.declared_by == own_id else person.declared_by)
    # Nobody stands up for an adult, who need not be supervised, and travels without anybody's consent but their own.
    own = tuple(one for one in person.evidence if one.kind not in _OF_CHILDREN)
    case = with_person(case, own_id, declared_by=None, guardian_id=None, parent_ids=(), evidence=own)
    return with_screening(case, replace(found, voluntariness=None, family_assessment=None))


def _beside_other_adults(case: Case, *, adult: bool) -> Case:
    case = replace(unsettled(case), screening=tuple(found_anew(case.screening)))
    if not adult:
        return case
    # Beside an adult no child is on its own any more.
    return replace(
        case,
        persons=tuple(
            without_supervision(one) if one.travel == "expected" else one for one in case.persons
        ),
    )


def _led_by_an_adult(case: Case) -> Case:
    """The case whose principal is recorded as an adult, if one of its persons is who goes on with it."""
    going_on = tuple(one for one in case.persons if one.travel != "withdrawn")
    principal = case.person(case.principal_id)
    if principal is None or principal.recorded_as_adult or not any(one.recorded_as_adult for one in going_on):
        return case
    return replace(case, principal_id=first_of(going_on).person_id)
