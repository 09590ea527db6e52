"""How a case changes when its family is split or joined again: who goes on where, with what, and what is asked anew."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from uuid import UUID

from services.returns.domain.case_changes import (
    moved_to,
    unconfirmed,
    unsettled,
    with_persons,
    with_screening,
    without_booking,
)
from services.returns.domain.case_state import REGROUPING, Case, CasePerson, Evidence, Status
from services.returns.domain.of_age import first_of, is_adult
from services.returns.domain.other_parent import settles
from services.returns.domain.screening import PersonScreening
from services.returns.domain.support import Support
from shared.contracts.families import (
    CaseJoined,
    CaseSplitOff,
    FamilyJoined,
    FamilySplit,
    GoingOn,
    GuardianEnded,
    GuardianNoted,
    JoinAsked,
    RegroupingDropped,
    SplitAsked,
)
from shared.messages import Event


def split_off(event: CaseSplitOff) -> Case:
    """The case that begins for persons of another one."""
    status = next(known for known in REGROUPING if known == event.status)
    return Case(
        case_ref=event.case_ref, status=status, destination_country=event.destination_country,
        principal_id=event.principal_id, counsellor_id=event.counsellor_id,
        persons=tuple(_person(one) for one in event.persons), expressed_at=event.expressed_at,
        last_contact_at=event.last_contact_at, submitted_by=event.submitted_by, approved_by=event.approved_by,
        programme=event.programme, receiving_country=event.receiving_country, split_from=event.from_case_id,
    )  # fmt: skip


def regrouped(case: Case, event: Event) -> Case | None:
    """The case after a fact about the splitting or joining of its family; None if the event is none."""
    match event:
        case SplitAsked():
            return replace(case, regrouping_with=event.new_case_id)
        case JoinAsked():
            return replace(case, regrouping_with=event.into_case_id)
        case RegroupingDropped():
            return replace(case, regrouping_with=None)
        case FamilySplit():
            parted = _without(case, event.person_ids)
            return replace(parted, split_into=(*case.split_into, event.new_case_id), regrouping_with=None)
        case CaseJoined():
            gone_on = frozenset(event.person_ids)
            return replace(
                without_booking(case), status=moved_to(case, "joined"), joined_into=event.into_case_id,
                regrouping_with=None,
                # Whoever goes on is looked after in the other case.
                screening=tuple(one for one in case.screening if one.person_id not in gone_on),
                supports=_without_planned(case.supports, gone_on),
            )
        case GuardianNoted():
            return _with_guardian(case, event.person_id, event.guardian_id)
        case GuardianEnded():
            return _with_guardian(case, event.person_id, None)
        case FamilyJoined():
            return _with(case, tuple(_person(one) for one in event.persons))
        case _:
            return None


def gets_as_far_as(status: Status) -> Status:
    """How far a case is that begins for persons of one at this status: what is ready is prepared anew."""
    return "preparing" if status == "ready_to_travel" else status


def person_going_on(person: CasePerson, along: Collection[UUID]) -> CasePerson:
    """What of a person's own goes along with them into another case, with these persons.

    What was signed for a child by somebody who does not go along is signed anew. The exit is reported for one flight. By
    what it goes without one of its parents is settled beside the adults of that other case. A visa for the country between
    goes along if it says for which country it is, and counts for no other.
    """
    return CasePerson(
        person.person_id, person.sex, person.age_group, person.country_of_origin,
        declared_by=person.declared_by if person.declared_by in (*along, person.guardian_id) else None,
        guardian_id=person.guardian_id, parent_ids=person.parent_ids,
        own_plan_id=person.own_plan_id, document=person.document, document_valid_until=person.document_valid_until,
        evidence=tuple(one for one in person.evidence if _goes_along(one)),
    )  # fmt: skip


def _goes_along(evidence: Evidence) -> bool:
    if evidence.kind == "transit_visa":
        return evidence.country is not None
    return evidence.kind not in ("exit_formalities", "supervision") and not settles(evidence)


def screening_going_on(
    found: PersonScreening, along: Collection[UUID], guardian_id: UUID | None, *, same_adults: bool
) -> PersonScreening:
    """What screening found of a person who goes on with these persons.

    What somebody answered for a child who neither goes along nor is its guardian is asked anew. What is best for a child was found of a journey
    beside the adults that it had, and is found anew if these are others.
    """
    answered = found.voluntariness
    return replace(
        found,
        voluntariness=answered if answered is not None and answered.answered_by in (*along, guardian_id) else None,
        best_interests=found.best_interests if same_adults else None,
    )


def with_others_signing(case: Case, leaving: Iterable[UUID]) -> Case:
    """The case in which whatever these persons signed or answered for others is signed and answered anew."""
    named = frozenset(leaving)
    signed_for = [one.person_id for one in case.persons if one.declared_by in named and one.person_id not in named]
    case = with_persons(case, signed_for, declared_by=None)
    for found in case.screening:
        if found.person_id not in named and found.voluntariness is not None and found.voluntariness.answered_by in named:
            case = with_screening(case, replace(found, voluntariness=None))
    return case


def _without(case: Case, person_ids: tuple[UUID, ...]) -> Case:
    """The case without these persons, its booking held for those who stay, of whom its office is told anew."""
    named = frozenset(person_ids)
    case = unconfirmed(with_others_signing(case, person_ids))
    # To ask anew is the safe side, also where somebody leaves or comes who may be a child.
    adult_leaves = any(one.recorded_as_adult for one in case.persons if one.person_id in named)
    case = unsettled(case) if adult_leaves else case
    staying = tuple(one for one in case.persons if one.person_id not in named)
    screening = (one for one in case.screening if one.person_id not in named)
    seats = tuple(seat for seat in case.booked_person_ids if seat not in named)
    parted = replace(
        case, persons=staying, principal_id=_principal(case, staying), booked_person_ids=seats,
        screening=tuple(found_anew(screening) if adult_leaves else screening), reception_arranged_at=None,
        supports=_without_planned(case.supports, named),
    )
    under_way = any(one.travel == "departed" for one in staying)
    return parted if seats or under_way else without_booking(parted)


def _with(case: Case, persons: tuple[CasePerson, ...]) -> Case:
    """The case with these persons besides; seats and reception are arranged for all of them.

    Beside an adult no child is on its own any more, and how one that is travels is arranged anew if it comes to that.
    """
    case = replace(unconfirmed(case), persons=(*case.persons, *persons), reception_arranged_at=None)
    if any(one.recorded_as_adult for one in persons):
        case = replace(
            unsettled(case), screening=tuple(found_anew(case.screening)),
            persons=tuple(without_supervision(one) if one.travel == "expected" else one for one in unsettled(case).persons),
        )  # fmt: skip
    return case


def without_supervision(person: CasePerson) -> CasePerson:
    """The person without what was arranged for a child on its own."""
    return replace(person, evidence=tuple(one for one in person.evidence if one.kind != "supervision"))


def _with_guardian(case: Case, child_id: UUID, guardian_id: UUID | None) -> Case:
    """The case in which this is a child's guardian, or nobody; what an earlier one signed, answered and agreed to is asked anew."""
    child = case.person(child_id)
    before = child.guardian_id if child is not None else None
    if child is None or before is None or before == guardian_id:
        return with_persons(case, (child_id,), guardian_id=guardian_id)
    # With what is best for the child its guardian agreed, whoever that was.
    found = replace(case.screening_of(child.person_id), best_interests=None)
    declared_by = child.declared_by
    if not _may_sign_for_a_child(case, before):
        if found.voluntariness is not None and found.voluntariness.answered_by == before:
            found = replace(found, voluntariness=None)
        declared_by = None if declared_by == before else declared_by
    case = with_screening(case, found)
    return with_persons(case, (child.person_id,), guardian_id=guardian_id, declared_by=declared_by)


def _may_sign_for_a_child(case: Case, person_id: UUID) -> bool:
    """Whether this is an adult of the case, who signs for a child of it also without being its guardian."""
    known = case.person(person_id)
    return known is not None and is_adult(known, case) and known.travel != "withdrawn"


def _without_planned(supports: tuple[Support, ...], named: Collection[UUID]) -> tuple[Support, ...]:
    """The support of a case without what is planned for these persons; what they were given it has borne."""
    return tuple(one for one in supports if one.person_id not in named or one.status != "planned")


def found_anew(screening: Iterable[PersonScreening]) -> Iterator[PersonScreening]:
    """The same without what is best for each child, which is to be found anew."""
    for one in screening:
        anew = replace(one, best_interests=None)
        if anew != PersonScreening(one.person_id):
            yield anew


def _principal(case: Case, staying: tuple[CasePerson, ...]) -> UUID:
    if any(one.person_id == case.principal_id for one in staying):
        return case.principal_id
    going_on = tuple(one for one in staying if one.travel != "withdrawn") or staying
    return first_of(going_on).person_id


def _person(one: GoingOn) -> CasePerson:
    return CasePerson(
        one.person_id, one.sex, one.age_group, one.country_of_origin, declared_by=one.declared_by, own_plan_id=one.own_plan_id,
        guardian_id=one.guardian_id, parent_ids=one.parent_ids,
    )
