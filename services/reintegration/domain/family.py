"""What reintegration knows of a family: who belongs together, so that a family's cap counts them all."""

from dataclasses import dataclass, replace
from uuid import UUID

from shared.contracts.relatives import FamilyNoted, MemberCame, MemberGone
from shared.decider import Decider, Events, NoFacts, recording
from shared.messages import Command, Context, Event


@dataclass(frozen=True, slots=True)
class Family:
    """Who belongs to a family now, in the order in which they came."""

    member_ids: tuple[UUID, ...]


class RecordFamily(Command):
    """A family was registered."""

    member_ids: tuple[UUID, ...]


class RecordMember(Command):
    """Somebody came to belong to a family."""

    person_id: UUID


class RecordMemberGone(Command):
    """Somebody does not belong to a family any more."""

    person_id: UUID


def _record(state: Family | None, order: RecordFamily, facts: NoFacts, context: Context) -> Events:
    return () if state is not None or not order.member_ids else (FamilyNoted(member_ids=order.member_ids),)


def _came(state: Family | None, order: RecordMember, facts: NoFacts, context: Context) -> Events:
    if state is None:
        # It was registered before families were noted; whoever else is in it is not known, and this one is.
        return (FamilyNoted(member_ids=(order.person_id,)),)
    return () if order.person_id in state.member_ids else (MemberCame(person_id=order.person_id),)


def _gone(state: Family | None, order: RecordMemberGone, facts: NoFacts, context: Context) -> Events:
    if state is None or order.person_id not in state.member_ids:
        return ()
    return (MemberGone(person_id=order.person_id),)


def evolve(state: Family | None, event: Event) -> Family:
    """The family after its event; TypeError for one that does not fit."""
    match event:
        case FamilyNoted() if state is None:
            return Family(event.member_ids)
        case MemberCame() if state is not None:
            return replace(state, member_ids=(*state.member_ids, event.person_id))
        case MemberGone() if state is not None:
            return replace(state, member_ids=tuple(id for id in state.member_ids if id != event.person_id))
        case _:
            raise TypeError(f"{type(event).__name__} does not fit a family here")


FAMILY: Decider[Family, NoFacts] = Decider(
    rules=(
        recording(RecordFamily, "Take note of a family", _record),
        recording(RecordMember, "Take note of who came to a family", _came),
        recording(RecordMemberGone, "Take note of who left a family", _gone),
    ),
    evolve=evolve, events=(FamilyNoted, MemberCame, MemberGone),
)  # fmt: skip
