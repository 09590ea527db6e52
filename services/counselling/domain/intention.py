"""The wish of one person or family to return; it begins a return attempt and its id becomes the case's id."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.counselling.domain import attempt_moves
from services.counselling.domain.age import age_group
from services.counselling.domain.attempt import (
    TRANSITIONS,
    Covered,
    Intention,
    IntentionFacts,
    PersonToCover,
    SessionBehind,
    Status,
)
from services.counselling.domain.attempt_moves import taken_over, without_active
from services.counselling.domain.command_fields import MOST_PERSONS, refuse_twice
from services.counselling.domain.days import home_day
from services.counselling.domain.erasure import person_erased
from shared.contracts.counselling import (
    AttemptEnded,
    AttemptMayMove,
    AttemptMayNotMove,
    AttemptMoved,
    AttemptReopened,
    AttemptStaysEnded,
    AttemptTakenOver,
    CoveredPerson,
    IntentionExpressed,
)
from shared.countries import AssignedCountry
from shared.decider import Decider, Events, opening, recording
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event
from shared.transitions import moved


class ExpressIntention(Command):
    """Record that somebody wishes to return, and every person who would go along.

    The wish binds nobody. It can be withdrawn at any time before departure.
    """

    session_id: UUID
    principal_id: UUID
    person_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=MOST_PERSONS)]
    destination_country: AssignedCountry


class RecordAttemptEnded(Command):
    """Take note that the return attempt has ended for these persons."""

    person_ids: tuple[UUID, ...]


class RecordReopeningAsked(Command):
    """Take note that a closed case is to be taken up again for these persons: for all of them, or for none."""

    person_ids: tuple[UUID, ...]


def _express(command: ExpressIntention, facts: IntentionFacts, context: Context) -> Events:
    session, held_at = _founding_session(command, facts)
    refuse_twice(command.person_ids)
    if command.principal_id not in command.person_ids:
        raise RuleViolation(
            "principal_not_covered",
            "The principal must be one of the persons who wish to return. Add the principal.",
        )
    known = {person.person_id: person for person in facts.persons}
    if any(person_id not in known for person_id in command.person_ids):
        raise RuleViolation(
            "unknown_person", "One of the persons is not registered. Register each person first."
        )
    persons = tuple(known[person_id] for person_id in command.person_ids)
    covered = tuple(_covered(person, frozenset(command.person_ids), context) for person in persons)
    adults = {person.person_id for person in covered if person.age_group == "adult"}
    _refuse_persons_apart(command.principal_id, persons, adults)
    _refuse_missing_consent(command.principal_id, persons, adults)
    _refuse_second_attempt(persons)
    return (
        IntentionExpressed(
            session_id=command.session_id,
            principal_id=command.principal_id,
            persons=covered,
            destination_country=command.destination_country,
            counsellor_id=session.counsellor_id,
            expressed_at=held_at,
        ),
    )


def _covered(person: PersonToCover, together: frozenset[UUID], context: Context) -> CoveredPerson:
    if person.birth_year is None:
        raise person_erased()
    born = age_group(person.birth_year, home_day(context.now))
    # Where one of the parents is known not to go along, it is not for this event to say who they are.
    both_go = born == "child" and len(person.parent_ids) > 1 and together.issuperset(person.parent_ids)
    return CoveredPerson(
        person_id=person.person_id, sex=person.sex, age_group=born, country_of_origin=person.country_of_origin,
        parent_ids=person.parent_ids if both_go else (),
    )  # fmt: skip


def _founding_session(command: ExpressIntention, facts: IntentionFacts) -> tuple[SessionBehind, datetime]:
    session = facts.session
    if session is None:
        raise RuleViolation("unknown_session", "There is no such session. Record the session first.")
    if session.held_at is None:
        raise RuleViolation(
            "session_not_held", "That session is not recorded as held. Its counsellor can record it."
        )
    if session.session_type != "individual":
        raise RuleViolation(
            "session_not_individual",
            "The wish to return is expressed in an individual session. Hold one with the person first.",
        )
    if session.outcome != "intention_expressed":
        raise RuleViolation(
            "session_without_intention",
            "That session did not end with the wish to return. Hold another session with the person.",
        )
    if command.principal_id not in session.person_ids:
        raise RuleViolation(
            "principal_not_in_session",
            "The principal was not present in that session. Hear this person in an individual session first.",
        )
    return session, session.held_at


def _refuse_persons_apart(principal_id: UUID, persons: tuple[PersonToCover, ...], adults: set[UUID]) -> None:
    # A child may say alone that it wishes to go home; guardian and best interests gate its return later.
    if len(persons) == 1:
        return
    families = {person.family_id for person in persons}
    if len(families) > 1 or None in families:
        raise RuleViolation(
            "not_one_family",
            "These persons are not registered as one family. Register the family, or record each wish alone.",
        )
    if principal_id not in adults:
        raise RuleViolation(
            "principal_is_a_child", "The principal of a family must be an adult. Choose an adult."
        )


def _refuse_missing_consent(
    principal_id: UUID, persons: tuple[PersonToCover, ...], adults: set[UUID]
) -> None:
    needed = adults | {principal_id}
    if any(person.person_id in needed and not person.data_consent for person in persons):
        raise RuleViolation(
            "data_consent_missing",
            "The principal and every adult must have agreed to the processing of their data. A counsellor "
            "can ask for the consent that is missing.",
        )


def _refuse_second_attempt(persons: tuple[PersonToCover, ...]) -> None:
    if any(person.attempt_active for person in persons):
        raise RuleViolation(
            "attempt_already_active",
            "One of the persons already has an open return case. It must end before another can begin.",
        )
    # An ended attempt must not be revived from an old talk: a new one needs the person's own new word.
    if any(person.expressed_in_session for person in persons):
        raise RuleViolation(
            "already_expressed_in_session",
            "The wish from this session led to an attempt that has ended. Hold a new session first.",
        )


def _record_attempt_ended(
    state: Intention | None, command: RecordAttemptEnded, _: IntentionFacts, __: Context
) -> Events:
    state = attempt_moves.known(state, command.person_ids)
    ended = tuple(person_id for person_id in state.active_person_ids if person_id in command.person_ids)
    return (AttemptEnded(person_ids=ended),) if ended else ()


def _record_reopening_asked(
    state: Intention | None, command: RecordReopeningAsked, facts: IntentionFacts, _: Context
) -> Events:
    state = attempt_moves.known(state)
    covered = frozenset(person.person_id for person in state.persons)
    free = facts.free & covered | frozenset(state.active_person_ids)
    if frozenset(command.person_ids) <= free:
        return (AttemptReopened(person_ids=command.person_ids),)
    return (AttemptStaysEnded(person_ids=command.person_ids),)


def evolve(state: Intention | None, event: Event) -> Intention:
    """The intention after one fact; TypeError or IllegalTransition for a foreign one or one out of turn."""
    match event:
        case IntentionExpressed() if state is None:
            return Intention(
                status="active",
                session_id=event.session_id,
                principal_id=event.principal_id,
                destination_country=event.destination_country,
                counsellor_id=event.counsellor_id,
                expressed_at=event.expressed_at,
                persons=tuple(
                    Covered(person.person_id, person.sex, person.age_group, person.country_of_origin)
                    for person in event.persons
                ),
                active_person_ids=tuple(person.person_id for person in event.persons),
            )
        case AttemptEnded() if state is not None:
            return without_active(state, event.person_ids)
        case AttemptStaysEnded() | AttemptMayMove() | AttemptMayNotMove() if state is not None:
            return state
        case AttemptMoved() if state is not None:
            return without_active(state, event.person_ids)
        case AttemptTakenOver():
            return taken_over(state, event)
        case AttemptReopened() if state is not None:
            named = {*state.active_person_ids, *event.person_ids}
            active = tuple(person.person_id for person in state.persons if person.person_id in named)
            status: Status = state.status if state.status == "active" else moved(TRANSITIONS, state.status, "active")
            return replace(state, status=status, active_person_ids=active)
        case _:
            raise TypeError(f"{type(event).__name__} does not apply to an intention here")


INTENTION: Decider[Intention, IntentionFacts] = Decider(
    rules=(
        opening(ExpressIntention, "Record the wish to return", _express),
        recording(RecordAttemptEnded, "Take note that an attempt ended", _record_attempt_ended),
        recording(RecordReopeningAsked, "Take note that an attempt is to go on", _record_reopening_asked),
        *attempt_moves.RULES,
    ),
    evolve=evolve,
    events=(
        IntentionExpressed, AttemptEnded, AttemptReopened, AttemptStaysEnded, AttemptMayMove, AttemptMayNotMove, AttemptMoved,
        AttemptTakenOver,
    ),
)
