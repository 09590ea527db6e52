"""What else changes with an aggregate of counselling: who is in a family or a session, who has an active attempt."""

from collections.abc import Sequence
from uuid import UUID

from services.counselling.domain.attempt import Intention
from services.counselling.domain.family import Family
from services.counselling.domain.session import Session
from shared.contracts.counselling import AttemptEnded, AttemptMoved, AttemptReopened, IntentionExpressed
from shared.db import Sql, Write
from shared.messages import Event

_JOIN_FAMILY = Sql(
    "INSERT INTO family_members (person_id, family_id) SELECT unnest(cast(:person_ids AS uuid[])), :family_id"
)
_LEAVE_FAMILY = Sql(
    "DELETE FROM family_members WHERE family_id = :family_id AND person_id = ANY(cast(:person_ids AS uuid[]))"
)
_NAME_IN_SESSION = Sql(
    "INSERT INTO session_persons (person_id, session_id, site, counsellor_id) "
    "SELECT unnest(cast(:person_ids AS uuid[])), :session_id, :site, :counsellor_id "
    "ON CONFLICT (person_id, session_id) DO UPDATE SET site = excluded.site, counsellor_id = excluded.counsellor_id"
)
_LEAVE_OUT_OF_SESSION = Sql(
    "DELETE FROM session_persons WHERE session_id = :session_id AND person_id = ANY(cast(:person_ids AS uuid[]))"
)
_BEGIN_ATTEMPT = Sql(
    "INSERT INTO active_attempts (person_id, intention_id) SELECT unnest(cast(:person_ids AS uuid[])), :intention_id"
)
_MOVE_ATTEMPT = Sql(
    "UPDATE active_attempts SET intention_id = :to_id WHERE intention_id = :intention_id "
    "AND person_id = ANY(cast(:person_ids AS uuid[]))"
)
_END_ATTEMPT = Sql(
    "DELETE FROM active_attempts WHERE intention_id = :intention_id AND person_id = ANY(cast(:person_ids AS uuid[]))"
)


def family_members(family_id: UUID, before: Family | None, family: Family, events: tuple[Event, ...]) -> Sequence[Write]:
    """A person is a member of one family at most, held by the table's key."""
    del events
    were = {member.person_id for member in before.members} if before else set()
    are = {member.person_id for member in family.members}
    writes: list[Write] = []
    if are - were:
        joined = sorted(are - were)
        writes.append(Write(_JOIN_FAMILY, {"person_ids": joined, "family_id": family_id}, len(joined)))
    if were - are:
        left = sorted(were - are)
        writes.append(Write(_LEAVE_FAMILY, {"person_ids": left, "family_id": family_id}, len(left)))
    return writes


def session_persons(
    session_id: UUID, before: Session | None, session: Session, events: tuple[Event, ...]
) -> Sequence[Write]:
    """Who is named in a session as it was agreed and, once it was held, as it was held."""
    del events
    if before is not None and _told(before) == _told(session):
        # Of those who are named somebody may have been erased since, of whom nothing is written any more.
        return ()
    named = {"session_id": session_id, "site": session.site, "counsellor_id": session.counsellor_id}
    ids, absent = sorted(session.person_ids), sorted(set(before.person_ids if before else ()) - set(session.person_ids))
    writes: list[Write] = []
    if ids:
        writes.append(Write(_NAME_IN_SESSION, {"person_ids": ids, **named}, len(ids)))
    if absent:
        writes.append(Write(_LEAVE_OUT_OF_SESSION, {"person_ids": absent, "session_id": session_id}, len(absent)))
    return writes


def _told(session: Session) -> tuple[tuple[UUID, ...], str, str]:
    """What of a session is told by who is in it."""
    return session.person_ids, session.site, session.counsellor_id


def active_attempts(
    intention_id: UUID, before: Intention | None, _: Intention, events: tuple[Event, ...]
) -> Sequence[Write]:
    """A person has one active return attempt at most, held by the table's key."""
    writes: list[Write] = []
    for event in events:
        if isinstance(event, IntentionExpressed):
            ids = sorted(person.person_id for person in event.persons)
            writes.append(Write(_BEGIN_ATTEMPT, {"person_ids": ids, "intention_id": intention_id}, len(ids)))
        elif isinstance(event, AttemptReopened):
            reopened = sorted(set(event.person_ids) - set(before.active_person_ids if before is not None else ()))
            writes.append(Write(_BEGIN_ATTEMPT, {"person_ids": reopened, "intention_id": intention_id}, len(reopened)))
        elif isinstance(event, AttemptMoved):
            # The one row of each of them, so that at no moment they have two or none.
            ids = sorted(event.person_ids)
            values = {"person_ids": ids, "intention_id": intention_id, "to_id": event.to_id}
            writes.append(Write(_MOVE_ATTEMPT, values, len(ids)))
        elif isinstance(event, AttemptEnded):
            ended = sorted(event.person_ids)
            writes.append(Write(_END_ATTEMPT, {"person_ids": ended, "intention_id": intention_id}, len(ended)))
    return writes
