"""Persons registered as one family, who joins and leaves it, and who is the guardian of which child in it."""

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.counselling.domain.family import (
    FAMILY,
    AddFamilyMember,
    Family,
    FamilyFacts,
    Member,
    MemberToBe,
    NameGuardian,
    RegisterFamily,
    RemoveFamilyMember,
    evolve,
    guardian_among,
    wards_of,
)
from shared.contracts.counselling import (
    FamilyMember,
    FamilyMemberJoined,
    FamilyMemberLeft,
    FamilyRegistered,
    GuardianNamed,
    Relation,
)
from shared.messages import Command
from tests.given import Given, staff
from tests.unit.counselling.sequences import FOREIGN_FACT, run

AMIRA = staff("amira", "counsellor")
MOTHER, FATHER, SON, UNCLE = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
ALL = (
    MemberToBe(MOTHER, 1990, in_a_family=False),
    MemberToBe(FATHER, 1988, in_a_family=False),
    MemberToBe(SON, 2015, in_a_family=False),
)
WITH_UNCLE = FamilyFacts((*ALL, MemberToBe(UNCLE, 1979, in_a_family=False)))


def member(person_id: UUID, relation: Relation, *guardian_of: UUID) -> FamilyMember:
    return FamilyMember(person_id=person_id, relation=relation, guardian_of=guardian_of)


MEMBERS = (member(MOTHER, "principal"), member(FATHER, "spouse"), member(SON, "child"))
family = Given(FAMILY, FamilyFacts(persons=ALL))
registered = family.given(FamilyRegistered(members=MEMBERS)).knowing(WITH_UNCLE)
AS_GUARDIAN = AddFamilyMember(person_id=UNCLE, relation="guardian", guardian_of=(SON,), reason="guardian_appointed")
JOINED = FamilyMemberJoined(
    member=member(UNCLE, "guardian", SON), reason="guardian_appointed", principal_id=MOTHER
)


def test_persons_are_registered_as_one_family() -> None:
    family.when(RegisterFamily(members=MEMBERS), AMIRA).then(FamilyRegistered(members=MEMBERS))
    assert FAMILY.fold((FamilyRegistered(members=MEMBERS),)) == Family(
        MOTHER, (Member(MOTHER, "principal"), Member(FATHER, "spouse"), Member(SON, "child"))
    )


def test_a_family_is_registered_only_once_under_an_id() -> None:
    family.given(FamilyRegistered(members=MEMBERS)).when(RegisterFamily(members=MEMBERS), AMIRA).refused(
        "already_exists"
    )


@pytest.mark.parametrize("relations", [("spouse", "spouse"), ("principal", "principal")])
def test_a_family_has_exactly_one_principal(relations: tuple[Relation, Relation]) -> None:
    members = (member(MOTHER, relations[0]), member(FATHER, relations[1]))
    family.when(RegisterFamily(members=members), AMIRA).refused("one_principal")


def test_nobody_is_a_member_twice() -> None:
    members = (member(MOTHER, "principal"), member(SON, "child"), member(SON, "other_dependant"))
    family.when(RegisterFamily(members=members), AMIRA).refused("person_twice")


def test_every_member_is_a_registered_person() -> None:
    family.knowing(FamilyFacts(persons=ALL[:2])).when(RegisterFamily(members=MEMBERS), AMIRA).refused(
        "unknown_person"
    )


def test_the_principal_is_an_adult() -> None:
    members = (member(SON, "principal"), member(MOTHER, "other_dependant"))
    family.when(RegisterFamily(members=members), AMIRA).refused("principal_is_a_child")


def test_somebody_who_may_not_yet_be_18_is_no_principal() -> None:
    persons = (MemberToBe(MOTHER, 2005, in_a_family=False), *ALL[1:])
    family.knowing(FamilyFacts(persons)).when(RegisterFamily(members=MEMBERS), AMIRA).refused(
        "principal_is_a_child"
    )


def test_nobody_belongs_to_two_families() -> None:
    persons = (*ALL[:2], MemberToBe(SON, 2015, in_a_family=True))
    family.knowing(FamilyFacts(persons)).when(RegisterFamily(members=MEMBERS), AMIRA).refused(
        "already_in_a_family"
    )


def test_one_person_or_more_than_twenty_is_no_family() -> None:
    with pytest.raises(ValidationError):
        RegisterFamily(members=MEMBERS[:1])
    with pytest.raises(ValidationError):
        RegisterFamily(members=tuple(member(UUID(int=number), "child") for number in range(21)))


def test_a_guardian_is_an_adult_and_only_of_children_of_the_family() -> None:
    with_guardian = (member(MOTHER, "principal", SON), *MEMBERS[1:])
    family.when(RegisterFamily(members=with_guardian), AMIRA).then(FamilyRegistered(members=with_guardian))
    wrong: list[tuple[tuple[FamilyMember, ...], str]] = [
        ((member(MOTHER, "principal", FATHER), *MEMBERS[1:]), "ward_is_no_child"),
        ((member(MOTHER, "principal", UNCLE), *MEMBERS[1:]), "ward_is_no_child"),
        ((member(MOTHER, "principal", SON, SON), *MEMBERS[1:]), "person_twice"),
        ((*MEMBERS[:2], member(SON, "child", SON)), "guardian_is_a_child"),
        ((MEMBERS[0], member(FATHER, "guardian"), MEMBERS[2]), "guardian_of_nobody"),
    ]
    for members, code in wrong:
        family.when(RegisterFamily(members=members), AMIRA).refused(code)


def test_somebody_joins_a_family_as_the_guardian_of_a_child_in_it() -> None:
    registered.when(AS_GUARDIAN, AMIRA).then(JOINED)
    found = FAMILY.fold((FamilyRegistered(members=MEMBERS), JOINED))
    assert found is not None
    assert found.member(UNCLE) == Member(UNCLE, "guardian", (SON,))
    registered.when(AS_GUARDIAN.model_copy(update={"guardian_of": ()}), AMIRA).refused("guardian_of_nobody")
    registered.when(AS_GUARDIAN.model_copy(update={"guardian_of": (FATHER,)}), AMIRA).refused("ward_is_no_child")
    registered.when(AS_GUARDIAN.model_copy(update={"relation": "principal"}), AMIRA).refused("one_principal")
    registered.given(JOINED).when(AS_GUARDIAN, AMIRA).refused("already_in_a_family")
    registered.knowing(FamilyFacts(ALL)).when(AS_GUARDIAN, AMIRA).refused("unknown_person")
    elsewhere = FamilyFacts((*ALL, MemberToBe(UNCLE, 1979, in_a_family=True)))
    registered.knowing(elsewhere).when(AS_GUARDIAN, AMIRA).refused("already_in_a_family")
    child = FamilyFacts((*ALL, MemberToBe(UNCLE, 2010, in_a_family=False)))
    registered.knowing(child).when(AS_GUARDIAN, AMIRA).refused("guardian_is_a_child")


def test_a_family_does_not_grow_beyond_what_one_record_holds() -> None:
    large = FamilyRegistered(members=(MEMBERS[0], *(member(UUID(int=100 + n), "child") for n in range(19))))
    order = AddFamilyMember(person_id=UNCLE, relation="other_dependant", reason="united")
    family.given(large).knowing(WITH_UNCLE).when(order, AMIRA).refused("family_too_large")


def test_who_leaves_is_neither_guardian_nor_ward_any_more_and_the_principal_leaves_last() -> None:
    def leaves(person_id: UUID) -> RemoveFamilyMember:
        return RemoveFamilyMember(person_id=person_id, reason="separated")

    def left(person_id: UUID) -> FamilyMemberLeft:
        return FamilyMemberLeft(person_id=person_id, reason="separated")

    joined = registered.given(JOINED)
    joined.when(leaves(SON), AMIRA).then(left(SON).model_copy(update={"guarded_by": (UNCLE,)}))
    joined.when(leaves(UNCLE), AMIRA).then(left(UNCLE).model_copy(update={"guardian_of": (SON,)}))
    found = FAMILY.fold((FamilyRegistered(members=MEMBERS), JOINED, left(SON)))
    assert found is not None
    assert found.member(UNCLE) == Member(UNCLE, "guardian", ())
    assert found.member(SON) is None
    joined.when(leaves(MOTHER), AMIRA).refused("principal_leaves_last")
    registered.when(leaves(UNCLE), AMIRA).refused("not_a_member")
    alone = registered.given(left(SON), left(FATHER))
    alone.when(leaves(MOTHER), AMIRA).then(left(MOTHER))
    alone.given(left(MOTHER)).when(AS_GUARDIAN, AMIRA).refused("family_ended")


def test_whose_guardian_somebody_is_can_be_said_anew_and_saying_the_same_again_changes_nothing() -> None:
    order = NameGuardian(person_id=FATHER, guardian_of=(SON,))
    named = GuardianNamed(person_id=FATHER, guardian_of=(SON,))
    registered.when(order, AMIRA).then(named)
    registered.given(named).when(order, AMIRA).then()
    registered.given(named).when(NameGuardian(person_id=FATHER), AMIRA).then(
        GuardianNamed(person_id=FATHER, guardian_of=(), no_more_of=(SON,))
    )
    registered.when(NameGuardian(person_id=UNCLE, guardian_of=(SON,)), AMIRA).refused("not_a_member")
    registered.when(NameGuardian(person_id=SON, guardian_of=(SON,)), AMIRA).refused("guardian_is_a_child")
    registered.given(JOINED).when(NameGuardian(person_id=UNCLE), AMIRA).refused("guardian_of_nobody")


def test_a_fact_out_of_turn_or_of_something_else_does_not_apply_to_a_family() -> None:
    first = FamilyRegistered(members=MEMBERS)
    with pytest.raises(TypeError):
        evolve(FAMILY.fold((first,)), first)
    with pytest.raises(TypeError):
        evolve(None, JOINED)
    with pytest.raises(TypeError):
        evolve(None, FamilyRegistered(members=MEMBERS[1:]))
    with pytest.raises(TypeError):
        evolve(None, FOREIGN_FACT)


PEOPLE = st.integers(1, 4).map(lambda number: UUID(int=number))
WARDS = st.lists(PEOPLE, max_size=2).map(tuple)
RELATIONS = st.sampled_from(["principal", "spouse", "child", "other_dependant", "guardian"])
members = st.lists(st.builds(FamilyMember, person_id=PEOPLE, relation=RELATIONS, guardian_of=WARDS), min_size=2, max_size=4)
ORDERS: st.SearchStrategy[Command] = st.one_of(
    st.builds(RegisterFamily, members=members.map(tuple)),
    st.builds(AddFamilyMember, person_id=PEOPLE, relation=RELATIONS, guardian_of=WARDS, reason=st.just("united")),
    st.builds(RemoveFamilyMember, person_id=PEOPLE, reason=st.just("separated")),
    st.builds(NameGuardian, person_id=PEOPLE, guardian_of=WARDS),
)


SHAPE = TypeAdapter(Family)


@given(st.lists(ORDERS, max_size=12))
def test_whatever_is_ordered_the_family_is_the_fold_of_the_facts_with_one_principal_and_guardians_of_its_children(
    commands: list[Command],
) -> None:
    children = {SON}

    def holds(state: Family) -> bool:
        ids = [one.person_id for one in state.members]
        principals = [one.person_id for one in state.members if one.relation == "principal"]
        wards = {ward for one in state.members for ward in one.guardian_of}
        return (
            len(set(ids)) == len(ids) and wards <= children & set(ids) and principals in ([state.principal_id], [])
            and (bool(principals) or not ids)
        )  # fmt: skip

    run(FAMILY, [(command, WITH_UNCLE) for command in commands], SHAPE, holds=holds)


def test_who_agrees_for_a_child_is_its_named_guardian_and_else_a_parent() -> None:
    mother, aunt, other = (UUID(int=n) for n in (91, 92, 93))
    family = (Member(FATHER, "principal"), Member(mother, "spouse"), Member(SON, "child"), Member(aunt, "other_dependant"))

    def decide(*members: Member) -> set[UUID]:
        return {id for id in (FATHER, mother, SON, aunt, UNCLE, other) if guardian_among(members, SON, id, 1985).decides}

    assert decide(*family) == {FATHER, mother}
    assert decide(*family, Member(UNCLE, "guardian", (SON,))) == {UNCLE}
    # Who is named for another child decides nothing about this one.
    assert decide(*family, Member(other, "child"), Member(UNCLE, "guardian", (other,))) == {FATHER, mother}
    assert decide(*family[:2], Member(SON, "other_dependant"), family[3]) == set()
    assert decide(*family[:2], family[3]) == decide() == set()


def test_a_ward_is_whoever_is_no_adult_yet_and_for_whom_one_decides() -> None:
    mother, grown = UUID(int=91), UUID(int=92)
    family = (Member(FATHER, "principal"), Member(mother, "spouse"), Member(SON, "child"), Member(grown, "child"))
    born: dict[UUID, int | None] = {FATHER: 1988, mother: 1990, SON: 2015, grown: 2004, UNCLE: 1970}

    def wards(of: UUID, *named: Member, on: date = date(2023, 5, 2)) -> tuple[UUID, ...]:
        return wards_of((*family, *named), of, born, on)

    assert wards(FATHER) == wards(mother) == (SON,)
    # On the last day of the year in which somebody comes of age they may still be a child.
    assert wards(FATHER, on=date(2022, 12, 31)) == (SON, grown)
    assert wards(SON) == wards(UNCLE) == ()
    uncle = Member(UNCLE, "guardian", (SON, grown))
    assert (wards(UNCLE, uncle), wards(FATHER, uncle)) == ((SON,), ())
    # Of whom it is not known, it may be a child.
    born[grown] = None
    assert wards(mother) == (SON, grown)
