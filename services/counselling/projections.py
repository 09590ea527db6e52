"""What else changes with an aggregate of counselling: who is in a family, who has an active return attempt."""

from collections.abc import Sequence
from uuid import UUID

from services.counselling.domain.family import Family
from services.counselling.domain.intention import Intention
from shared.contracts.counselling import AttemptEnded, IntentionExpressed
from shared.db import Sql, Write
from shared.messages import Event

_JOIN_FAMILY = Sql(
    "INSERT INTO family_members (person_id, family_id) SELECT unnest(cast(:person_ids AS uuid[])), :family_id"
)
_BEGIN_ATTEMPT = Sql(
    "INSERT INTO active_attempts (person_id, intention_id) SELECT unnest(cast(:person_ids AS uuid[])), :intention_id"
)
_END_ATTEMPT = Sql(
    "DELETE FROM active_attempts WHERE intention_id = :intention_id AND person_id = ANY(cast(:person_ids AS uuid[]))"
)


def family_members(family_id: UUID, _: Family | None, family: Family, events: tuple[Event, ...]) -> Sequence[Write]:
    """A person is a member of one family at most, held by the table's key."""
    del events
    ids = sorted(member.person_id for member in family.members)
    return (Write(_JOIN_FAMILY, {"person_ids": ids, "family_id": family_id}, len(ids)),)


def active_attempts(
    intention_id: UUID, _: Intention | None, __: Intention, events: tuple[Event, ...]
) -> Sequence[Write]:
    """A person has one active return attempt at most, held by the table's key."""
    writes: list[Write] = []
    for event in events:
        if isinstance(event, IntentionExpressed):
            ids = sorted(person.person_id for person in event.persons)
            writes.append(Write(_BEGIN_ATTEMPT, {"person_ids": ids, "intention_id": intention_id}, len(ids)))
        elif isinstance(event, AttemptEnded):
            ended = sorted(event.person_ids)
            writes.append(Write(_END_ATTEMPT, {"person_ids": ended, "intention_id": intention_id}, len(ended)))
    return writes
