"""A family's case split and joined again before departure: counselling is asked, and then both cases change at once."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.returns.domain.case_evolve import evolve
from services.returns.domain.case_guards import only_in, traveller
from services.returns.domain.case_ref import case_ref
from services.returns.domain.case_regrouped import gets_as_far_as, person_going_on, screening_going_on
from services.returns.domain.case_state import REGROUPING, Case, CaseFacts, CasePerson
from services.returns.domain.children_under_way import called_for_children
from services.returns.domain.given_fields import MOST_PERSONS, PersonIds
from services.returns.domain.journey_evidence import recorded, visas_said_for_their_country
from services.returns.domain.of_age import is_adult
from services.returns.domain.screening import ALONE, PersonScreening
from services.returns.domain.screening_facts import carried
from services.returns.domain.screening_lines import as_told_to, screening_is_open
from services.returns.domain.support import planned
from shared.actors import Role
from shared.contracts.families import (
    CaseJoined,
    CaseSplitOff,
    FamilyJoined,
    FamilySplit,
    GoingOn,
    JoinAsked,
    RegroupingDropped,
    SplitAsked,
)
from shared.contracts.returns import TravelDocumentRecorded
from shared.decider import Events, Rule, changing, recording
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event
from shared.new_ids import NewId

NewCaseId = Annotated[NewId, Field(description="The id under which the new case begins; a new one.")]


class SplitFamily(Command):
    """Let some persons of this case go on with a case of their own, and travel earlier or later than the others.

    Screening, documents, plan and consents go along with each of them. Booking, exit formalities and reception are
    arranged anew for the new case, and what is best for each child is found anew once an adult goes another way. A child
    stays beside an adult; where it goes alone, protection splits the family.
    """

    new_case_id: NewCaseId
    person_ids: PersonIds
    principal_id: UUID


class JoinFamily(Command):
    """Let everybody of this case who travels go on in the case from which it was split off, or that was split off from it.

    This case ends with it. Seats and reception are arranged in the other one, for all of them.
    """

    into_case_id: UUID


class RecordSplitAgreed(Command):
    """Take note that counselling lets these persons go on with a case of their own."""

    new_case_id: UUID
    person_ids: tuple[UUID, ...]
    principal_id: UUID


class RecordSplitOff(Command):
    """Begin a case for persons of another one, if that one is split at this moment."""

    from_case_id: UUID
    person_ids: tuple[UUID, ...]
    principal_id: UUID


class RecordJoinAgreed(Command):
    """Take note that counselling lets everybody of this case go on in another one."""

    into_case_id: UUID
    person_ids: tuple[UUID, ...]


class RecordFamilyJoined(Command):
    """Take in the persons of another case, if that one is joined with this one at this moment."""

    from_case_id: UUID
    person_ids: tuple[UUID, ...]


class RecordRegroupingDeclined(Command):
    """Take note that counselling does not let these persons go on in that other case."""

    other_case_id: UUID


def _several_go_on(case: Case, _: CaseFacts, __: Context) -> None:
    if not case.travelling or len(_going_on(case.persons)) < 2:
        raise RuleViolation("nobody_to_part", "There is nobody in this case from whom others could part.")


def _was_split(case: Case, _: CaseFacts, __: Context) -> None:
    if case.split_from is None and not case.split_into:
        raise RuleViolation(
            "never_split", "This case was not split off from another one, and none from it, so there is none to join."
        )


def _nobody_left(case: Case, _: CaseFacts, __: Context) -> None:
    if case.gone:
        raise RuleViolation(
            "departed_already", "Somebody of this case has already departed with it. The others can join it, but not it them."
        )


def _going_on(persons: Iterable[CasePerson]) -> list[CasePerson]:
    return [one for one in persons if one.travel != "withdrawn"]


def _against_split(case: Case, person_ids: Sequence[UUID], principal_id: UUID) -> RuleViolation | None:
    """What stands against splitting the case now, whoever asks."""
    named = frozenset(person_ids)
    if case.status not in REGROUPING:
        return RuleViolation("wrong_status", "The case has come too far, has ended or is on hold, so it cannot be split now.")
    if any((one := case.person(id)) is None or one.travel != "expected" for id in named):
        return RuleViolation("person_not_travelling", "Somebody named does not travel by this case any more.")
    parting = [one for one in case.persons if one.person_id in named]
    staying = _going_on(one for one in case.persons if one.person_id not in named)
    if not staying:
        return RuleViolation(
            "nobody_stays", "Everybody would go on with the new case. To let all travel later, change the booking instead."
        )
    principal = next((one for one in parting if one.person_id == principal_id), None)
    if principal is None:
        return RuleViolation("principal_not_covered", "The principal of the new case must be one of those who go on with it.")
    # Who leads a family files for it and vouches for nobody, so that it goes by what is recorded.
    if not principal.recorded_as_adult and any(one.recorded_as_adult for one in parting):
        return RuleViolation("principal_is_a_child", "The principal of a family must be an adult. Choose an adult.")
    for group in (parting, staying):
        for child in _left_alone(group, case):
            if ALONE.isdisjoint(case.screening_of(child.person_id).indicators) or child.travel != "expected":
                return _child_left_alone()
    return None


def _left_alone(group: Sequence[CasePerson], case: Case) -> list[CasePerson]:
    """The children of a group who would have no adult of their own: of those who still travel, none who travels."""
    waiting = [one for one in group if one.travel == "expected"]
    alone = [] if any(is_adult(one, case) for one in waiting) else waiting
    if not any(is_adult(one, case) for one in group):
        alone = [*alone, *(one for one in group if one.travel == "departed")]
    return alone


def _child_left_alone() -> RuleViolation:
    return RuleViolation(
        "child_without_guardian",
        "A child would be left in a case without an adult. Protection must decide before a child can go alone.",
    )


def _against_join(case: Case, other: Case | None) -> RuleViolation | None:
    """What stands against joining this case with the other one now."""
    if case.status not in REGROUPING or case.gone:
        return RuleViolation("wrong_status", "The case has come too far, has ended or is on hold, so it cannot be joined now.")
    if other is None or other.status not in REGROUPING or not other.travelling:
        return RuleViolation(
            "other_case_not_open",
            "The other case has departed, has ended or is on hold. It takes nobody in before that has changed.",
        )
    if REGROUPING.index(gets_as_far_as(case.status)) < REGROUPING.index(gets_as_far_as(other.status)):
        return RuleViolation(
            "not_as_far", "The other case is further on its way. This one must be as far before its persons can join that."
        )
    if len(other.persons) + len(case.travelling) > MOST_PERSONS:
        return RuleViolation("case_too_large", f"A case has at most {MOST_PERSONS} persons.")
    return None


def _split_family(case: Case, order: SplitFamily, facts: CaseFacts, context: Context) -> Events:
    if case.regrouping_with == order.new_case_id or order.new_case_id in case.split_into:
        return ()
    _refuse_while_asked(case)
    for person_id in order.person_ids:
        traveller(case, person_id)
    if facts.other is not None:
        raise RuleViolation("already_exists", "Something was already recorded under this id.")
    against = _against_split(case, order.person_ids, order.principal_id)
    if against is not None and against.code != "child_without_guardian":
        raise against
    named = frozenset(order.person_ids)
    groups = [[one for one in case.persons if (one.person_id in named) is here] for here in (True, False)]
    # Whoever is not shown what screening found must not learn from the answer that a child is known to be alone, nor that
    # somebody's age is in doubt.
    if Role.PROTECTION not in context.actor.roles and any(_left_alone(_going_on(group), case) for group in groups):
        told = as_told_to(case, context.actor)
        raise _child_left_alone() if any(_left_alone(_going_on(group), told) for group in groups) else screening_is_open()
    if against is not None:
        raise against
    asked = SplitAsked(new_case_id=order.new_case_id, principal_id=order.principal_id, person_ids=order.person_ids)
    return (asked,)


def _join_family(case: Case, order: JoinFamily, facts: CaseFacts, _: Context) -> Events:
    if order.into_case_id not in (case.split_from, *case.split_into):
        raise RuleViolation(
            "not_of_this_family", "That case is not one from which this one was split off, nor one split off from it."
        )
    if case.regrouping_with == order.into_case_id:
        return ()
    _refuse_while_asked(case)
    against = _against_join(case, facts.other)
    if against is not None:
        raise against
    going = tuple(one.person_id for one in case.travelling)
    return (JoinAsked(into_case_id=order.into_case_id, person_ids=going),)


def _refuse_while_asked(case: Case) -> None:
    if case.regrouping_with is not None:
        raise RuleViolation(
            "regrouping_open", "It was asked already to split or join this case, which takes a moment. Look again."
        )


def _record_split_agreed(
    state: Case | None, order: RecordSplitAgreed, facts: CaseFacts, _: Context
) -> Events:
    if state is None or state.regrouping_with != order.new_case_id:
        return ()
    if facts.other is None or facts.own_id is None or facts.other.split_from != facts.own_id:
        return (RegroupingDropped(other_case_id=order.new_case_id),)
    split = FamilySplit(
        new_case_id=order.new_case_id, principal_id=order.principal_id, person_ids=order.person_ids
    )
    going = frozenset(order.person_ids)
    staying = (one for one in visas_said_for_their_country(state) if one.person_id not in going)
    said = staying if evolve(state, split).booking is None else ()
    # Whoever goes on apart was not on the flight of a child that has left.
    return (*said, split, *called_for_children(state, order.person_ids))


def _record_split_off(state: Case | None, order: RecordSplitOff, facts: CaseFacts, _: Context) -> Events:
    before = facts.other
    # It is decided here, with the other one's row locked: that one then goes by whether this one has begun.
    if state is not None or before is None or facts.own_id is None or before.regrouping_with != facts.own_id:
        return ()
    if _against_split(before, order.person_ids, order.principal_id) is not None:
        return ()
    going = _on_their_way(before, order.person_ids)
    begun = CaseSplitOff(
        case_ref=case_ref(facts.own_id), from_case_id=order.from_case_id, principal_id=order.principal_id,
        persons=tuple(_in_clear(one) for one in going), destination_country=before.destination_country,
        counsellor_id=before.counsellor_id, expressed_at=before.expressed_at, last_contact_at=before.last_contact_at,
        status=gets_as_far_as(before.status), submitted_by=before.submitted_by, approved_by=before.approved_by,
        programme=before.programme, receiving_country=before.receiving_country,
    )  # fmt: skip
    return (begun, *_going_along(before, going, facts.own_id, same_adults=_same_adults(before, going)))


def _record_join_agreed(
    state: Case | None, order: RecordJoinAgreed, facts: CaseFacts, _: Context
) -> Events:
    if state is None or state.regrouping_with != order.into_case_id:
        return ()
    taken_in = facts.other is not None and all(facts.other.person(id) is not None for id in order.person_ids)
    if not taken_in:
        return (RegroupingDropped(other_case_id=order.into_case_id),)
    return (CaseJoined(into_case_id=order.into_case_id, person_ids=order.person_ids),)


def _record_family_joined(
    state: Case | None, order: RecordFamilyJoined, facts: CaseFacts, _: Context
) -> Events:
    before = facts.other
    if state is None or before is None or facts.own_id is None or before.regrouping_with != facts.own_id:
        return ()
    if not _still_joins(before, state, order.person_ids):
        return ()
    going = _on_their_way(before, order.person_ids)
    joined = FamilyJoined(from_case_id=order.from_case_id, persons=tuple(_in_clear(one) for one in going))
    # Each child comes to travel beside other adults than it did, or beside somebody who may be one.
    same_adults = not any(one.recorded_as_adult for one in state.travelling)
    along = _going_along(before, going, facts.own_id, same_adults=same_adults)
    return (joined, *along)


def _still_joins(case: Case, into: Case | None, person_ids: Sequence[UUID]) -> bool:
    """Whether exactly those of whom it was asked still go on: whoever withdrew meanwhile does not, so that it is asked anew."""
    asked = frozenset(person_ids)
    return _against_join(case, into) is None and asked == {one.person_id for one in case.travelling}


def _record_regrouping_declined(
    state: Case | None, order: RecordRegroupingDeclined, _: CaseFacts, __: Context
) -> Events:
    if state is None or state.regrouping_with != order.other_case_id:
        return ()
    return (RegroupingDropped(other_case_id=order.other_case_id),)


def _on_their_way(before: Case, person_ids: Sequence[UUID]) -> tuple[CasePerson, ...]:
    along = frozenset(person_ids)
    return tuple(person_going_on(one, along) for one in before.persons if one.person_id in along)


def _same_adults(before: Case, going: Sequence[CasePerson]) -> bool:
    # Where somebody stays who may be an adult, what is best for a child is found anew.
    along = {one.person_id for one in going}
    return all(one.person_id in along for one in _going_on(before.persons) if one.recorded_as_adult)


def _in_clear(one: CasePerson) -> GoingOn:
    return GoingOn(
        person_id=one.person_id, sex=one.sex, age_group=one.age_group, country_of_origin=one.country_of_origin,
        declared_by=one.declared_by, own_plan_id=one.own_plan_id, guardian_id=one.guardian_id,
        parent_ids=one.parent_ids,
    )


def _going_along(
    before: Case, going: Sequence[CasePerson], into_id: UUID, *, same_adults: bool
) -> Iterator[Event]:
    """What was recorded of each of them in the other case and holds in this one, stated here again."""
    along = frozenset(one.person_id for one in going)
    for one in going:
        if one.document is not None and one.document_valid_until is not None:
            yield TravelDocumentRecorded(
                person_id=one.person_id, document=one.document, valid_until=one.document_valid_until
            )
        for evidence in one.evidence:
            yield recorded(one.person_id, evidence)
        found: PersonScreening = before.screening_of(one.person_id)
        yield from carried(screening_going_on(found, along, one.guardian_id, same_adults=same_adults), into_id)
        for support in before.supports:
            if support.person_id == one.person_id and support.status == "planned" and support.need is not None:
                yield planned(support)


RULES: tuple[Rule[Case, CaseFacts], ...] = (
    changing(SplitFamily, "Split the family", _split_family, only_in(*REGROUPING), _several_go_on),
    changing(
        JoinFamily, "Join the family again", _join_family, only_in(*REGROUPING), _nobody_left, _was_split
    ),
    recording(RecordSplitAgreed, "Take note that the family is split", _record_split_agreed),
    recording(RecordSplitOff, "Begin the case that is split off", _record_split_off),
    recording(RecordJoinAgreed, "Take note that the family is joined again", _record_join_agreed),
    recording(RecordFamilyJoined, "Take in the persons of the other case", _record_family_joined),
    recording(RecordRegroupingDeclined, "Take note that they do not go on in the other case", _record_regrouping_declined),
)
