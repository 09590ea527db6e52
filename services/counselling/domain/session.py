"""A counselling session with one person or one family, from its appointment to what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from services.counselling.domain.command_fields import PersonIds, Topics, refuse_twice
from services.counselling.domain.erasure import person_erased
from shared.actors import Role
from shared.contracts.counselling import (
    Country,
    Language,
    Modality,
    NotHeldReason,
    SessionHeld,
    SessionNotHeld,
    SessionOutcome,
    SessionScheduled,
    Site,
    Topic,
)
from shared.contracts.sessions import (
    AmendmentReason,
    Interpreter,
    InterpreterKind,
    Present,
    SessionAmended,
    SessionType,
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


def _distinct(present: tuple[Present, ...]) -> tuple[Present, ...]:
    if len(set(present)) != len(present):
        raise ValueError("each may be named once")
    return present


# By phone nobody sees who else is there: whoever cannot be sure says so.
_WhoWasPresent = Annotated[
    tuple[Present, ...],
    Field(
        min_length=1, max_length=10, json_schema_extra={"uniqueItems": True},
        description="Who else was present, beside whoever counselled and whoever interpreted.",
    ),
    AfterValidator(_distinct),
]
_WhoInterpreted = Annotated[InterpreterKind | None, Field(description="Who interpreted, if somebody did.")]


@dataclass(frozen=True, slots=True)
class Session:
    """One session; however many members of a family were present, it counts once.

    ``at`` is when it was held, and until then when it is to be, by which sessions are put in order.
    ``person_ids`` is empty where the person stayed anonymous. ``held_at``, ``interpreter`` and ``outcome``
    are known exactly when it was held, ``not_held_reason`` exactly when it was not. ``present`` is empty of a held
    session of which it was never said.
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
    present: tuple[Present, ...] = ()
    interpreter_kind: InterpreterKind | None = None


@dataclass(frozen=True, slots=True)
class NamedPerson:
    """A registered person who is named in a session."""

    person_id: UUID
    data_consent: bool = False
    erased: bool = False


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """Those of the named persons, or of those who were named, who are registered."""

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

    Name the person, and those members of the family who were heard as well. Name nobody if the person stayed
    anonymous. Each adult has to be heard alone once before they travel: named alone, no relative or resident present or
    interpreting.
    """

    session_type: SessionType
    modality: Modality
    site: Site
    language: Language
    interpreter: Interpreter
    interpreter_kind: _WhoInterpreted = None
    present: _WhoWasPresent
    person_ids: PersonIds = ()
    held_at: Moment
    topics: Topics = ()
    outcome: SessionOutcome
    receiving_country: Country | None = None


class AmendSession(Command):
    """Set right what was recorded of who was present in a held session and who interpreted; the rest of it stays.

    By whoever held it, or a coordinator. What is said takes the place of what was, also where nothing was.
    """

    interpreter: Interpreter
    interpreter_kind: _WhoInterpreted = None
    present: _WhoWasPresent
    reason: AmendmentReason


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


def _is_held(state: Session, _: SessionFacts, __: Context) -> None:
    if state.status != "held":
        raise RuleViolation("not_held", "This session was not held. Only what happened in one can be set right.")


def _own_or_coordinated(state: Session, _: SessionFacts, context: Context) -> None:
    if state.counsellor_id != context.actor.person_id and Role.COORDINATOR not in context.actor.roles:
        raise RuleViolation("not_your_session", "Whoever held this session sets it right, or a coordinator.")


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
    _refuse_contradiction(command, command.person_ids)
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
            present=command.present,
            interpreter_kind=command.interpreter_kind,
        ),
    )


def _amend(state: Session, command: AmendSession, facts: SessionFacts, _: Context) -> Events:
    if state.person_ids and {one.person_id for one in facts.persons if one.erased} >= set(state.person_ids):
        raise person_erased()
    _refuse_contradiction(command, state.person_ids)
    amended = SessionAmended(
        session_type=state.session_type, person_ids=state.person_ids, present=command.present,
        interpreter=command.interpreter, interpreter_kind=command.interpreter_kind, reason=command.reason,
    )
    return () if evolve(state, amended) == state else (amended,)


def _refuse_contradiction(command: HoldSession | AmendSession, person_ids: tuple[UUID, ...]) -> None:
    if "alone" in command.present and len(command.present) > 1:
        raise RuleViolation("alone_with_others", "Nobody is alone beside others. Say who was present, or that nobody else was.")
    if "alone" in command.present and len(person_ids) > 1:
        raise RuleViolation(
            "several_were_heard",
            "Several persons are named, so none of them was alone. Record a session of their own for whoever was heard alone.",
        )
    if command.interpreter == "none" and command.interpreter_kind is not None:
        raise RuleViolation("nobody_interpreted", "It is said that nobody interpreted, and who did. Only one of these can be so.")
    if command.interpreter != "none" and command.interpreter_kind is None:
        raise RuleViolation("interpreter_not_said", "Somebody interpreted. Say whether a professional, a relative or a resident did.")


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
                present=event.present,
                interpreter_kind=event.interpreter_kind,
            )
        case SessionAmended() if state is not None and state.status == "held":
            return replace(
                state, present=event.present, interpreter=event.interpreter, interpreter_kind=event.interpreter_kind
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
        changing(AmendSession, "Set right who was present in a session", _amend, _own_or_coordinated, _is_held),
        changing(MarkSessionNotHeld, "Record a session as not held", _mark_not_held, _still_scheduled),
    ),
    evolve=evolve,
    events=(SessionScheduled, SessionHeld, SessionAmended, SessionNotHeld),
)
