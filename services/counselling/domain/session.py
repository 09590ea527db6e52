"""A counselling session with one person or one family, from its appointment to what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.counselling.domain.command_fields import PersonIds, Topics, refuse_twice
from services.counselling.domain.erasure import person_erased
from shared.contracts.counselling import (
    Country,
    Interpreter,
    Language,
    Modality,
    NotHeldReason,
    SessionHeld,
    SessionNotHeld,
    SessionOutcome,
    SessionScheduled,
    SessionType,
    Site,
    Topic,
)
from shared.decider import Decider, Events, changing, either, opening
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event
from shared.moments import Moment, refuse_future
from shared.transitions import moved

Status = Literal["scheduled", "held", "not_held"]

BEGINNINGS: frozenset[str] = frozenset({"scheduled", "held"})
TRANSITIONS: Mapping[str, frozenset[str]] = {
    "scheduled": frozenset({"held", "not_held"}),
    "held": frozenset(),
    "not_held": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Session:
    """One session; however many members of a family were present, it counts once.

    ``at`` is when it was held, and until then when it is to be, by which sessions are put in order.
    ``person_ids`` is empty where the person stayed anonymous. ``held_at``, ``interpreter`` and ``outcome``
    are known exactly when it was held, ``not_held_reason`` exactly when it was not.
    """

    status: Status
    session_type: SessionType
    modality: Modality
    site: Site
    language: str
    person_ids: tuple[UUID, ...]
    counsellor_id: str
    at: datetime
    scheduled_for: datetime | None = None
    held_at: datetime | None = None
    interpreter: Interpreter | None = None
    topics: tuple[Topic, ...] = ()
    outcome: SessionOutcome | None = None
    receiving_country: str | None = None
    not_held_reason: NotHeldReason | None = None


@dataclass(frozen=True, slots=True)
class NamedPerson:
    """A registered person who is named in a session."""

    person_id: UUID
    data_consent: bool = False
    erased: bool = False


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """Those of the named persons who are registered."""

    persons: tuple[NamedPerson, ...] = ()


class ScheduleSession(Command):
    """Agree a session for a coming time; whoever schedules it is its counsellor."""

    session_type: SessionType
    modality: Modality
    site: Site
    language: Language
    person_ids: PersonIds = ()
    scheduled_for: Moment


class HoldSession(Command):
    """Record a session that took place, scheduled or not; whoever records it is its counsellor.

    Name the person, and those members of the family who were present. Name nobody if the person stayed
    anonymous.
    """

    session_type: SessionType
    modality: Modality
    site: Site
    language: Language
    interpreter: Interpreter
    person_ids: PersonIds = ()
    held_at: Moment
    topics: Topics = ()
    outcome: SessionOutcome
    receiving_country: Country | None = None


class MarkSessionNotHeld(Command):
    """Record that a scheduled session did not take place, and why."""

    reason: NotHeldReason


def _still_scheduled(state: Session, _: SessionFacts, __: Context) -> None:
    if state.status == "held":
        raise RuleViolation(
            "already_held", "This session was recorded as held. Record another talk as a new session."
        )
    if state.status == "not_held":
        raise RuleViolation(
            "already_not_held", "This session was recorded as not held. Record another talk as a new session."
        )


def _schedule(command: ScheduleSession, facts: SessionFacts, context: Context) -> Events:
    if command.scheduled_for <= context.now:
        raise RuleViolation(
            "not_in_the_future",
            "A session is scheduled for a coming time. Record a past one as held instead.",
        )
    _refuse_unnameable(command.person_ids, facts)
    return (
        SessionScheduled(
            session_type=command.session_type,
            modality=command.modality,
            site=command.site,
            language=command.language,
            person_ids=command.person_ids,
            counsellor_id=context.actor.person_id,
            scheduled_for=command.scheduled_for,
        ),
    )


def _hold(_: Session | None, command: HoldSession, facts: SessionFacts, context: Context) -> Events:
    refuse_future(command.held_at, context)
    _refuse_wrong_receiving_country(command)
    _refuse_unfounded_intention(command)
    _refuse_unnameable(command.person_ids, facts)
    return (
        SessionHeld(
            session_type=command.session_type,
            modality=command.modality,
            site=command.site,
            language=command.language,
            interpreter=command.interpreter,
            person_ids=command.person_ids,
            counsellor_id=context.actor.person_id,
            held_at=command.held_at,
            topics=command.topics,
            outcome=command.outcome,
            receiving_country=command.receiving_country,
        ),
    )


def _refuse_wrong_receiving_country(command: HoldSession) -> None:
    if command.modality == "virtual_country_of_origin" and command.receiving_country is None:
        raise RuleViolation(
            "receiving_country_missing", "Say with which country's receiving office the session was held."
        )
    if command.modality != "virtual_country_of_origin" and command.receiving_country is not None:
        raise RuleViolation(
            "receiving_country_unexpected",
            "Only a virtual session with the country of origin has a receiving country. Leave it out.",
        )


def _refuse_unfounded_intention(command: HoldSession) -> None:
    if command.outcome != "intention_expressed":
        return
    if command.session_type != "individual":
        raise RuleViolation(
            "intention_needs_individual_session",
            "The wish to return is expressed in an individual session. Hold one with the person first.",
        )
    if not command.person_ids:
        raise RuleViolation(
            "intention_needs_a_known_person",
            "Nobody is named in this session. Register the person, with their consent, and name them.",
        )


def _refuse_unnameable(person_ids: tuple[UUID, ...], facts: SessionFacts) -> None:
    refuse_twice(person_ids)
    consents = {person.person_id: person.data_consent for person in facts.persons}
    if any(person_id not in consents for person_id in person_ids):
        raise RuleViolation(
            "unknown_person",
            "One of the persons is not registered. Register them first, or leave them anonymous.",
        )
    if any(person.erased for person in facts.persons):
        raise person_erased()
    if not all(consents[person_id] for person_id in person_ids):
        raise RuleViolation(
            "data_consent_missing",
            "One of the persons has not agreed to the processing of their data. Ask for that consent first, "
            "or leave them anonymous.",
        )


def _mark_not_held(state: Session, command: MarkSessionNotHeld, _: SessionFacts, context: Context) -> Events:
    due = state.scheduled_for is not None and state.scheduled_for <= context.now
    if command.reason == "no_show" and not due:
        raise RuleViolation(
            "not_yet_due",
            "Nobody can have missed a session before its time. Wait for it, or record a cancellation.",
        )
    return (SessionNotHeld(reason=command.reason),)


def evolve(state: Session | None, event: Event) -> Session:
    """The session after one fact; TypeError or IllegalTransition for a foreign one or one out of turn."""
    match event:
        case SessionScheduled() if state is None:
            return Session(
                status="scheduled",
                session_type=event.session_type,
                modality=event.modality,
                site=event.site,
                language=event.language,
                person_ids=event.person_ids,
                counsellor_id=event.counsellor_id,
                at=event.scheduled_for,
                scheduled_for=event.scheduled_for,
            )
        case SessionHeld():
            return Session(
                status="held" if state is None else moved(TRANSITIONS, state.status, "held"),
                session_type=event.session_type,
                modality=event.modality,
                site=event.site,
                language=event.language,
                person_ids=event.person_ids,
                counsellor_id=event.counsellor_id,
                at=event.held_at,
                scheduled_for=None if state is None else state.scheduled_for,
                held_at=event.held_at,
                interpreter=event.interpreter,
                topics=event.topics,
                outcome=event.outcome,
                receiving_country=event.receiving_country,
            )
        case SessionNotHeld() if state is not None:
            status: Status = moved(TRANSITIONS, state.status, "not_held")
            return replace(state, status=status, not_held_reason=event.reason)
        case _:
            raise TypeError(f"{type(event).__name__} does not apply to a session here")


SESSION: Decider[Session, SessionFacts] = Decider(
    rules=(
        opening(ScheduleSession, "Schedule a session", _schedule),
        either(HoldSession, "Record a session as held", _hold, _still_scheduled),
        changing(MarkSessionNotHeld, "Record a session as not held", _mark_not_held, _still_scheduled),
    ),
    evolve=evolve,
    events=(SessionScheduled, SessionHeld, SessionNotHeld),
)
