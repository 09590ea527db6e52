"""The wish of one person or family to return; it begins a return attempt and its id becomes the case's id."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from services.counselling.domain.age import age_group
from services.counselling.domain.command_fields import MOST_PERSONS, refuse_twice
from services.counselling.domain.erasure import person_erased
from shared.contracts.counselling import (
    AgeGroup,
    AttemptEnded,
    AttemptReopened,
    AttemptStaysEnded,
    CoveredPerson,
    IntentionExpressed,
    SessionOutcome,
    SessionType,
    Sex,
)
from shared.countries import AssignedCountry
from shared.decider import Decider, Events, opening, recording
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event
from shared.transitions import moved

Status = Literal["active", "ended"]

BEGINNINGS: frozenset[str] = frozenset({"active"})
TRANSITIONS: Mapping[str, frozenset[str]] = {"active": frozenset({"ended"}), "ended": frozenset({"active"})}


@dataclass(frozen=True, slots=True)
class Covered:
    """One person whom the intention covers, as on the day it was recorded."""

    person_id: UUID
    sex: Sex
    age_group: AgeGroup
    country_of_origin: str


@dataclass(frozen=True, slots=True)
class Intention:
    """A return attempt; ``active_person_ids`` are those covered persons for whom it has not ended.

    The status is ``ended`` exactly when nobody is active any more.
    """

    status: Status
    session_id: UUID
    principal_id: UUID
    destination_country: str
    counsellor_id: str
    expressed_at: datetime
    persons: tuple[Covered, ...]
    active_person_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class SessionBehind:
    """The session in which the wish was expressed; ``held_at`` is None unless it was held."""

    held_at: datetime | None
    session_type: SessionType
    outcome: SessionOutcome | None
    person_ids: tuple[UUID, ...]
    counsellor_id: str


@dataclass(frozen=True, slots=True)
class PersonToCover:
    """A registered person who is to be covered.

    ``attempt_active``: some intention still counts this person as active. ``expressed_in_session``: some
    intention of this very session, active or ended, covers this person. ``birth_year`` is None for who was erased.
    """

    person_id: UUID
    sex: Sex
    birth_year: int | None
    country_of_origin: str
    data_consent: bool = False
    family_id: UUID | None = None
    attempt_active: bool = True
    expressed_in_session: bool = True


@dataclass(frozen=True, slots=True)
class IntentionFacts:
    """The session, and those of the persons to be covered who are registered.

    ``free`` are, of persons whose attempt is to go on, those who are not erased and have no other active attempt.
    """

    session: SessionBehind | None = None
    persons: tuple[PersonToCover, ...] = ()
    free: frozenset[UUID] = frozenset()


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
    covered = tuple(_covered(person, context) for person in persons)
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


def _covered(person: PersonToCover, context: Context) -> CoveredPerson:
    if person.birth_year is None:
        raise person_erased()
    return CoveredPerson(
        person_id=person.person_id, sex=person.sex, age_group=age_group(person.birth_year, context.now.date()),
        country_of_origin=person.country_of_origin,
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
    if state is None:
        return ()
    ended = tuple(person_id for person_id in state.active_person_ids if person_id in command.person_ids)
    return (AttemptEnded(person_ids=ended),) if ended else ()


def _record_reopening_asked(
    state: Intention | None, command: RecordReopeningAsked, facts: IntentionFacts, _: Context
) -> Events:
    if state is None:
        return ()
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
            active = tuple(
                person_id for person_id in state.active_person_ids if person_id not in event.person_ids
            )
            status: Status = state.status if active else moved(TRANSITIONS, state.status, "ended")
            return replace(state, status=status, active_person_ids=active)
        case AttemptStaysEnded() if state is not None:
            return state
        case AttemptReopened() if state is not None:
            named = {*state.active_person_ids, *event.person_ids}
            active = tuple(person.person_id for person in state.persons if person.person_id in named)
            status = state.status if state.status == "active" else moved(TRANSITIONS, state.status, "active")
            return replace(state, status=status, active_person_ids=active)
        case _:
            raise TypeError(f"{type(event).__name__} does not apply to an intention here")


INTENTION: Decider[Intention, IntentionFacts] = Decider(
    rules=(
        opening(ExpressIntention, "Record the wish to return", _express),
        recording(RecordAttemptEnded, "Take note that an attempt ended", _record_attempt_ended),
        recording(RecordReopeningAsked, "Take note that an attempt is to go on", _record_reopening_asked),
    ),
    evolve=evolve,
    events=(IntentionExpressed, AttemptEnded, AttemptReopened, AttemptStaysEnded),
)
