"""Persons who belong together, one of whom is the principal; who joins and leaves; who is the guardian of which child."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from services.counselling.domain.age import age_group
from services.counselling.domain.command_fields import MOST_PERSONS, PersonIds, refuse_twice
from services.counselling.domain.consents import Guardian
from services.counselling.domain.days import home_day
from services.counselling.domain.erasure import person_erased
from shared.contracts.counselling import (
    FamilyMember,
    FamilyMemberJoined,
    FamilyMemberLeft,
    FamilyRegistered,
    GuardianNamed,
    JoiningReason,
    LeavingReason,
    Relation,
)
from shared.decider import Decider, Events, changing, opening
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event

# Whose children the children of a family are: relations are told to the principal.
_PARENTS: Final[tuple[Relation, ...]] = ("principal", "spouse")


@dataclass(frozen=True, slots=True)
class Member:
    """One member, the relation to the principal, and the children of the family whose guardian the member is."""

    person_id: UUID
    relation: Relation
    guardian_of: tuple[UUID, ...] = ()


def parents_of(child_id: UUID, members: Iterable[Member]) -> tuple[UUID, ...]:
    """Everybody who may be a parent of this child of a family: its principal and spouses; nobody if it is no child of theirs.

    With several spouses it is not known which of them, and all of them are named.
    """
    known = tuple(members)
    if not any(one.person_id == child_id and one.relation == "child" for one in known):
        return ()
    return tuple(one.person_id for one in known if one.relation in _PARENTS)


@dataclass(frozen=True, slots=True)
class Family:
    """A family as it is now. The principal leaves last; then nobody is left, and the family has ended."""

    principal_id: UUID
    members: tuple[Member, ...]

    def member(self, person_id: UUID) -> Member | None:
        """The member who is this person."""
        return next((member for member in self.members if member.person_id == person_id), None)


@dataclass(frozen=True, slots=True)
class MemberToBe:
    """What is known of a registered person who is named as a member; of who was erased no year of birth."""

    person_id: UUID
    birth_year: int | None
    in_a_family: bool = True


@dataclass(frozen=True, slots=True)
class FamilyFacts:
    """Those of the named persons who are registered."""

    persons: tuple[MemberToBe, ...] = ()

    def known(self) -> Mapping[UUID, MemberToBe]:
        """The same by their ids."""
        return {person.person_id: person for person in self.persons}


class RegisterFamily(Command):
    """Register persons as one family; exactly one of them, an adult, is its principal."""

    members: Annotated[tuple[FamilyMember, ...], Field(min_length=2, max_length=MOST_PERSONS)]


class AddFamilyMember(Command):
    """Record that somebody belongs to this family as well. A guardian belongs to it without having to travel."""

    person_id: UUID
    relation: Relation
    guardian_of: PersonIds = ()
    reason: JoiningReason


class RemoveFamilyMember(Command):
    """Record that somebody does not belong to this family any more. The principal leaves last."""

    person_id: UUID
    reason: LeavingReason


class NameGuardian(Command):
    """Record of which children of this family a member is the guardian, in place of what was recorded before."""

    person_id: UUID
    guardian_of: PersonIds = ()


def _register(command: RegisterFamily, facts: FamilyFacts, context: Context) -> Events:
    refuse_twice(tuple(member.person_id for member in command.members))
    principal_id = _principal_id(command.members)
    if principal_id is None:
        raise RuleViolation("one_principal", "A family has exactly one principal. Choose one of its members.")
    known, today = facts.known(), home_day(context.now)
    if any(member.person_id not in known for member in command.members):
        raise RuleViolation(
            "unknown_person", "One of the members is not registered. Register each person first."
        )
    if any(known[member.person_id].birth_year is None for member in command.members):
        raise person_erased()
    if _is_child(known[principal_id], today):
        raise RuleViolation(
            "principal_is_a_child", "The principal of a family must be an adult. Choose an adult member."
        )
    if any(known[member.person_id].in_a_family for member in command.members):
        raise _already_in_a_family()
    members = {member.person_id for member in command.members}
    for member in command.members:
        _refuse_wrong_guardian(member, members, known, today)
    return (FamilyRegistered(members=command.members),)


def _goes_on(state: Family, _: FamilyFacts, __: Context) -> None:
    if not state.members:
        raise RuleViolation("family_ended", "Nobody is left in this family. Register another one.")


def _add(state: Family, command: AddFamilyMember, facts: FamilyFacts, context: Context) -> Events:
    if command.relation == "principal":
        raise RuleViolation("one_principal", "This family has a principal. Say how the person is related to them.")
    if state.member(command.person_id) is not None:
        raise _already_in_a_family()
    if len(state.members) >= MOST_PERSONS:
        raise RuleViolation("family_too_large", f"A family has at most {MOST_PERSONS} members here.")
    known = facts.known()
    if command.person_id not in known:
        raise RuleViolation("unknown_person", "This person is not registered. Register them first.")
    if known[command.person_id].birth_year is None:
        raise person_erased()
    if known[command.person_id].in_a_family:
        raise _already_in_a_family()
    member = FamilyMember(
        person_id=command.person_id, relation=command.relation, guardian_of=command.guardian_of
    )
    _refuse_wrong_guardian(member, {one.person_id for one in state.members}, known, home_day(context.now))
    return (FamilyMemberJoined(member=member, reason=command.reason, principal_id=state.principal_id),)


def _remove(state: Family, command: RemoveFamilyMember, _: FamilyFacts, __: Context) -> Events:
    leaving = _known_member(state, command.person_id)
    if command.person_id == state.principal_id and len(state.members) > 1:
        raise RuleViolation(
            "principal_leaves_last",
            "The principal leaves a family last. Remove the others first; those who stay together can be registered anew.",
        )
    guardians = tuple(one.person_id for one in state.members if command.person_id in one.guardian_of)
    left = FamilyMemberLeft(
        person_id=command.person_id, reason=command.reason, guardian_of=leaving.guardian_of, guarded_by=guardians
    )
    return (left,)


def _name_guardian(state: Family, command: NameGuardian, facts: FamilyFacts, context: Context) -> Events:
    member = _known_member(state, command.person_id)
    named = FamilyMember(person_id=member.person_id, relation=member.relation, guardian_of=command.guardian_of)
    _refuse_wrong_guardian(named, {one.person_id for one in state.members}, facts.known(), home_day(context.now))
    if set(member.guardian_of) == set(command.guardian_of):
        return ()
    no_more = tuple(id for id in member.guardian_of if id not in command.guardian_of)
    return (GuardianNamed(person_id=command.person_id, guardian_of=command.guardian_of, no_more_of=no_more),)


def _refuse_wrong_guardian(
    guardian: FamilyMember, members: set[UUID], known: Mapping[UUID, MemberToBe], today: date
) -> None:
    refuse_twice(guardian.guardian_of)
    if guardian.relation == "guardian" and not guardian.guardian_of:
        raise RuleViolation("guardian_of_nobody", "Say of which children of this family the person is the guardian.")
    if not guardian.guardian_of:
        return
    if guardian.person_id not in known or _is_child(known[guardian.person_id], today):
        raise RuleViolation("guardian_is_a_child", "A guardian must be an adult. Choose an adult.")
    wards = [known.get(id) if id in members else None for id in guardian.guardian_of]
    if any(ward is None or not _is_child(ward, today) for ward in wards):
        raise RuleViolation(
            "ward_is_no_child", "Somebody has a guardian who is a child of this family. Choose only such members."
        )


def _known_member(state: Family, person_id: UUID) -> Member:
    member = state.member(person_id)
    if member is None:
        raise RuleViolation("not_a_member", "This person does not belong to this family.")
    return member


def _already_in_a_family() -> RuleViolation:
    return RuleViolation(
        "already_in_a_family", "One of the members already belongs to a family. Look that family up instead."
    )


def _is_child(person: MemberToBe, today: date) -> bool:
    if person.birth_year is None:
        raise person_erased()
    return age_group(person.birth_year, today) == "child"


def _principal_id(members: tuple[FamilyMember, ...]) -> UUID | None:
    principals = [member.person_id for member in members if member.relation == "principal"]
    return principals[0] if len(principals) == 1 else None


def guardian_among(members: Iterable[Member], child_id: UUID, person_id: UUID, birth_year: int) -> Guardian:
    """What the members of a child's family say about who is said to agree for the child, born in this year."""
    known = {member.person_id: member for member in members}
    child, person = known.get(child_id), known.get(person_id)
    return Guardian(
        birth_year,
        named=person is not None and child_id in person.guardian_of,
        parent=child is not None and child.relation == "child" and person is not None and person.relation in _PARENTS,
        somebody_named=any(child_id in member.guardian_of for member in known.values()),
    )


def wards_of(
    members: Sequence[Member], person_id: UUID, birth_years: Mapping[UUID, int | None], today: date
) -> tuple[UUID, ...]:
    """The children of a family for whom this member may be the one to agree, by the rules of `guardian_among`.

    Whoever may have grown up by now agrees alone; whose year of birth is not known counts as a child.
    """
    children = [id for id, year in birth_years.items() if year is None or age_group(year, today) == "child"]
    # Whether they are an adult themselves is not asked: a guardian and a parent of a family are.
    return tuple(id for id in children if guardian_among(members, id, person_id, today.year).decides)


def evolve(state: Family | None, event: Event) -> Family:
    """The family after one fact; TypeError for a fact that is none of a family's or comes out of turn."""
    match event:
        case FamilyRegistered() if state is None:
            principal_id = _principal_id(event.members)
            if principal_id is None:
                raise TypeError("a family without exactly one principal was recorded")
            return Family(principal_id=principal_id, members=tuple(_member(member) for member in event.members))
        case FamilyMemberJoined() if state is not None:
            return replace(state, members=(*state.members, _member(event.member)))
        case FamilyMemberLeft() if state is not None:
            return replace(
                state,
                members=tuple(
                    replace(member, guardian_of=tuple(id for id in member.guardian_of if id != event.person_id))
                    for member in state.members
                    if member.person_id != event.person_id
                ),
            )
        case GuardianNamed() if state is not None:
            return replace(
                state,
                members=tuple(
                    replace(member, guardian_of=event.guardian_of) if member.person_id == event.person_id else member
                    for member in state.members
                ),
            )
        case _:
            raise TypeError(f"{type(event).__name__} does not apply to a family here")


def _member(member: FamilyMember) -> Member:
    return Member(member.person_id, member.relation, member.guardian_of)


FAMILY: Decider[Family, FamilyFacts] = Decider(
    rules=(
        opening(RegisterFamily, "Register a family", _register),
        changing(AddFamilyMember, "Add a member", _add, _goes_on),
        changing(NameGuardian, "Say whose guardian a member is", _name_guardian, _goes_on),
        changing(RemoveFamilyMember, "Remove a member", _remove, _goes_on),
    ),
    evolve=evolve,
    events=(FamilyRegistered, FamilyMemberJoined, FamilyMemberLeft, GuardianNamed),
)
