"""How an attempt goes on in another case, when returns splits a family's case or joins it again."""

from dataclasses import replace
from uuid import UUID

from services.counselling.domain.attempt import TRANSITIONS, Covered, Intention, IntentionFacts, Status
from shared.contracts.counselling import (
    AttemptMayMove,
    AttemptMayNotMove,
    AttemptMoved,
    AttemptTakenOver,
    CoveredPerson,
)
from shared.decider import Events, Rule, recording
from shared.errors import RuleViolation
from shared.messages import Command, Context
from shared.transitions import moved


class RecordMoveAsked(Command):
    """Take note that persons are to go on in another case: in a new one with this principal, else in one that there is."""

    to_id: UUID
    person_ids: tuple[UUID, ...]
    principal_id: UUID | None = None


class RecordAttemptMoved(Command):
    """Take note that persons go on in another case."""

    to_id: UUID
    person_ids: tuple[UUID, ...]


class RecordAttemptTakenOver(Command):
    """Take note that persons of another case go on in this one; ``principal_id`` is who leads it if it is a new one."""

    from_id: UUID
    person_ids: tuple[UUID, ...]
    principal_id: UUID


def _record_move_asked(
    state: Intention | None, command: RecordMoveAsked, facts: IntentionFacts, _: Context
) -> Events:
    # Of somebody who is not part of it the answer is no; they may ask again.
    state = known(state)
    active = frozenset(command.person_ids) <= frozenset(state.active_person_ids)
    begins = command.principal_id is not None
    if active and begins == (facts.other is None):
        return (
            AttemptMayMove(to_id=command.to_id, person_ids=command.person_ids, principal_id=command.principal_id),
        )
    return (AttemptMayNotMove(to_id=command.to_id),)


def _record_attempt_moved(
    state: Intention | None, command: RecordAttemptMoved, _: IntentionFacts, __: Context
) -> Events:
    moving = _moving(known(state, command.person_ids), command.person_ids)
    return (AttemptMoved(to_id=command.to_id, person_ids=moving),) if moving else ()


def _record_attempt_taken_over(
    _: Intention | None, command: RecordAttemptTakenOver, facts: IntentionFacts, __: Context
) -> Events:
    # Decided before the other one's persons leave it, in the same transaction and with its row locked.
    before = known(facts.other, command.person_ids)
    moving = _moving(before, command.person_ids)
    if not moving:
        return ()
    return (
        AttemptTakenOver(
            from_id=command.from_id, session_id=before.session_id, principal_id=command.principal_id,
            persons=tuple(
                CoveredPerson(
                    person_id=one.person_id, sex=one.sex, age_group=one.age_group, country_of_origin=one.country_of_origin
                )
                for one in before.persons
                if one.person_id in moving
            ),
            destination_country=before.destination_country, counsellor_id=before.counsellor_id,
            expressed_at=before.expressed_at,
        ),
    )  # fmt: skip


def known(state: Intention | None, person_ids: tuple[UUID, ...] = ()) -> Intention:
    """The attempt of which returns tells something, with all of these persons; RuleViolation ``attempt_unknown`` otherwise.

    Then what made them part of it could not be applied yet, and what comes after it has to wait as well: if it were passed over,
    the attempt would never end here once the rest is replayed.
    """
    if state is None or not frozenset(person_ids) <= {one.person_id for one in state.persons}:
        raise RuleViolation("attempt_unknown", "Counselling does not know this attempt, or not with all of these persons.")
    return state


def _moving(before: Intention, person_ids: tuple[UUID, ...]) -> tuple[UUID, ...]:
    return tuple(id for id in before.active_person_ids if id in person_ids)


def without_active(state: Intention, person_ids: tuple[UUID, ...]) -> Intention:
    """The attempt without these persons; with the last of them it has ended."""
    active = tuple(person_id for person_id in state.active_person_ids if person_id not in person_ids)
    status: Status = state.status if active else moved(TRANSITIONS, state.status, "ended")
    return replace(state, status=status, active_person_ids=active)


def taken_over(state: Intention | None, event: AttemptTakenOver) -> Intention:
    """The attempt in which these persons go on as well; a new one is theirs alone."""
    came = tuple(Covered(one.person_id, one.sex, one.age_group, one.country_of_origin) for one in event.persons)
    ids = tuple(one.person_id for one in came)
    if state is None:
        return Intention(
            status="active", session_id=event.session_id, principal_id=event.principal_id,
            destination_country=event.destination_country, counsellor_id=event.counsellor_id,
            expressed_at=event.expressed_at, persons=came, active_person_ids=ids, split_from=event.from_id,
        )
    known = {one.person_id for one in state.persons}
    return replace(
        state,
        status=state.status if state.status == "active" else moved(TRANSITIONS, state.status, "active"),
        persons=(*state.persons, *(one for one in came if one.person_id not in known)),
        active_person_ids=(*(id for id in state.active_person_ids if id not in ids), *ids),
    )


RULES: tuple[Rule[Intention, IntentionFacts], ...] = (
    recording(RecordMoveAsked, "Take note that persons are to go on in another case", _record_move_asked),
    recording(RecordAttemptMoved, "Take note that persons go on in another case", _record_attempt_moved),
    recording(RecordAttemptTakenOver, "Take note that persons of another case go on", _record_attempt_taken_over),
)
