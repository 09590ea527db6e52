"""Persons who belong together, one of whom is the principal."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.counselling.domain.age import age_group
from services.counselling.domain.command_fields import MOST_PERSONS, refuse_twice
from shared.contracts.counselling import FamilyMember, FamilyRegistered, Relation
from shared.decider import Decider, Events, opening
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event


@dataclass(frozen=True, slots=True)
class Member:
    """One member and the relation to the principal."""

    person_id: UUID
    relation: Relation


@dataclass(frozen=True, slots=True)
class Family:
    """A family as it was registered."""

    principal_id: UUID
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class MemberToBe:
    """What is known of a registered person who is named as a member."""

    person_id: UUID
    birth_year: int
    in_a_family: bool = True


@dataclass(frozen=True, slots=True)
class FamilyFacts:
    """Those of the named members who are registered persons."""

    persons: tuple[MemberToBe, ...] = ()


class RegisterFamily(Command):
    """Register persons as one family; exactly one of them, an adult, is its principal."""

    members: Annotated[tuple[FamilyMember, ...], Field(min_length=2, max_length=MOST_PERSONS)]


def _register(command: RegisterFamily, facts: FamilyFacts, context: Context) -> Events:
    refuse_twice(tuple(member.person_id for member in command.members))
    principal_id = _principal_id(command.members)
    if principal_id is None:
        raise RuleViolation("one_principal", "A family has exactly one principal. Choose one of its members.")
    known = {person.person_id: person for person in facts.persons}
    if any(member.person_id not in known for member in command.members):
        raise RuleViolation(
            "unknown_person", "One of the members is not registered. Register each person first."
        )
    if age_group(known[principal_id].birth_year, context.now.date()) == "child":
        raise RuleViolation(
            "principal_is_a_child", "The principal of a family must be an adult. Choose an adult member."
        )
    if any(known[member.person_id].in_a_family for member in command.members):
        raise RuleViolation(
            "already_in_a_family",
            "One of the members already belongs to a family. Look that family up instead.",
        )
    return (FamilyRegistered(members=command.members),)


def _principal_id(members: tuple[FamilyMember, ...]) -> UUID | None:
    principals = [member.person_id for member in members if member.relation == "principal"]
    return principals[0] if len(principals) == 1 else None


def evolve(state: Family | None, event: Event) -> Family:
    """The family after one fact; TypeError for a fact that is none of a family's or comes out of turn."""
    match event:
        case FamilyRegistered() if state is None:
            principal_id = _principal_id(event.members)
            if principal_id is None:
                raise TypeError("a family without exactly one principal was recorded")
            return Family(
                principal_id=principal_id,
                members=tuple(Member(member.person_id, member.relation) for member in event.members),
            )
        case _:
            raise TypeError(f"{type(event).__name__} does not apply to a family here")


FAMILY: Decider[Family, FamilyFacts] = Decider(
    rules=(opening(RegisterFamily, "Register a family", _register),),
    evolve=evolve,
    events=(FamilyRegistered,),
)
