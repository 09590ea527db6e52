"""Registering persons as one family."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.counselling.domain.family import (
    FAMILY,
    Family,
    FamilyFacts,
    Member,
    MemberToBe,
    RegisterFamily,
    evolve,
)
from shared.contracts.counselling import FamilyMember, FamilyRegistered, Relation
from tests.given import Given, staff
from tests.unit.counselling.sequences import FOREIGN_FACT, run

AMIRA = staff("amira", "counsellor")
MOTHER, FATHER, SON = UUID(int=1), UUID(int=2), UUID(int=3)
ALL = (
    MemberToBe(MOTHER, 1990, in_a_family=False),
    MemberToBe(FATHER, 1988, in_a_family=False),
    MemberToBe(SON, 2015, in_a_family=False),
)


def member(person_id: UUID, relation: Relation) -> FamilyMember:
    return FamilyMember(person_id=person_id, relation=relation)


MEMBERS = (member(MOTHER, "principal"), member(FATHER, "spouse"), member(SON, "child"))
family = Given(FAMILY, FamilyFacts(persons=ALL))


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


def test_a_fact_out_of_turn_or_of_something_else_does_not_apply_to_a_family() -> None:
    registered = FamilyRegistered(members=MEMBERS)
    with pytest.raises(TypeError):
        evolve(FAMILY.fold((registered,)), registered)
    with pytest.raises(TypeError):
        evolve(None, FamilyRegistered(members=MEMBERS[1:]))
    with pytest.raises(TypeError):
        evolve(None, FOREIGN_FACT)


members = st.lists(
    st.builds(
        member,
        st.integers(1, 4).map(lambda number: UUID(int=number)),
        st.sampled_from(["principal", "spouse", "child", "other_dependant"]),
    ),
    min_size=2,
    max_size=4,
)


@given(st.lists(st.builds(RegisterFamily, members=members.map(tuple)), max_size=6))
def test_whatever_is_ordered_the_family_is_the_fold_of_the_facts_and_has_one_principal(
    commands: list[RegisterFamily],
) -> None:
    def has_one_principal(state: Family) -> bool:
        return [one.person_id for one in state.members if one.relation == "principal"] == [state.principal_id]

    facts = FamilyFacts(persons=ALL)
    events = run(
        FAMILY, [(command, facts) for command in commands], TypeAdapter(Family), holds=has_one_principal
    )
    assert len(events) <= 1
