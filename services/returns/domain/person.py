"""What returns knows of a person from counselling: whether heard in person, which consents stand, and that they were erased."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from shared.contracts.counselling import ConsentKind, Country
from shared.contracts.returns import PersonConsentNoted, PersonCounselled, PersonErased
from shared.contracts.sessions import PersonHeardAloneNoted
from shared.decider import Decider, Events, NoFacts, recording
from shared.messages import Command, Context, Event
from shared.moments import Moment


@dataclass(frozen=True, slots=True)
class Person:
    """One person, under the id that counselling gave; ``counselled_at`` is the first individual session held.

    ``heard_alone_in`` are the sessions in which nobody of theirs was present or interpreted, by their ids.
    A consent that nobody took back stands to the end of its last day, where it has one.
    """

    counselled_at: datetime | None = None
    data_consent: bool = False
    data_expires_on: date | None = None
    transfer_consent: bool = False
    transfer_country: str | None = None
    transfer_expires_on: date | None = None
    erased_at: datetime | None = None
    heard_alone_in: tuple[UUID, ...] = ()


class RecordCounselled(Command):
    """Take note that the person was heard in a held individual session, alone or not."""

    session_id: UUID
    held_at: Moment
    alone: bool = False


class RecordSessionAmended(Command):
    """Take note that of a held session it is known by now whether the person was heard alone in it."""

    session_id: UUID
    alone: bool


class RecordConsent(Command):
    """Take note that the person gave a consent or took it back."""

    consent: ConsentKind
    active: bool
    recipient_country: Country | None = None
    expires_on: date | None = None


class RecordErasure(Command):
    """Erase the person, as data protection decided."""

    log_first = True


def _record_counselled(state: Person | None, order: RecordCounselled, _: NoFacts, __: Context) -> Events:
    person = state or Person()
    if person.erased_at is not None:
        return ()
    first = PersonCounselled(session_id=order.session_id, held_at=order.held_at)
    return (*(() if person.counselled_at is not None else (first,)), *_heard_alone(person, order.session_id, alone=order.alone))


def _record_session_amended(
    state: Person | None, order: RecordSessionAmended, _: NoFacts, __: Context
) -> Events:
    person = state or Person()
    return () if person.erased_at is not None else _heard_alone(person, order.session_id, alone=order.alone)


def _heard_alone(person: Person, session_id: UUID, *, alone: bool) -> Events:
    return () if (session_id in person.heard_alone_in) == alone else (PersonHeardAloneNoted(session_id=session_id, alone=alone),)


def _record_erasure(state: Person | None, _: RecordErasure, __: NoFacts, context: Context) -> Events:
    if state is not None and state.erased_at is not None:
        return ()
    # No table here holds anything personal: what is deleted is why the person's cases ended, concealed beside the log.
    return (PersonErased(erased_at=context.now, deleted=()),)


def _record_consent(state: Person | None, order: RecordConsent, _: NoFacts, __: Context) -> Events:
    if state is not None and state.erased_at is not None:
        return ()
    noted = PersonConsentNoted(
        consent=order.consent, active=order.active, recipient_country=order.recipient_country,
        expires_on=order.expires_on,
    )  # fmt: skip
    return () if evolve(state, noted) == (state or Person()) else (noted,)


def evolve(state: Person | None, event: Event) -> Person:
    """The person after one fact; TypeError for a fact that is none of a person's."""
    person = state or Person()
    match event:
        case PersonCounselled():
            return replace(person, counselled_at=event.held_at)
        case PersonHeardAloneNoted():
            others = (one for one in person.heard_alone_in if one != event.session_id)
            return replace(person, heard_alone_in=tuple(sorted((*others, *((event.session_id,) if event.alone else ())))))
        case PersonConsentNoted(consent="data"):
            return replace(person, data_consent=event.active, data_expires_on=event.expires_on if event.active else None)
        case PersonConsentNoted(consent="transfer"):
            return replace(
                person,
                transfer_consent=event.active,
                transfer_country=event.recipient_country if event.active else None,
                transfer_expires_on=event.expires_on if event.active else None,
            )
        case PersonConsentNoted():
            # What somebody agreed to besides is nothing that returns goes by.
            return person
        case PersonErased():
            # That somebody was heard is counted in the year's figures, for ever.
            return Person(counselled_at=person.counselled_at, erased_at=event.erased_at)
        case _:
            raise TypeError(f"{type(event).__name__} is not a fact about a person")


PERSON: Decider[Person, NoFacts] = Decider(
    rules=(
        recording(RecordCounselled, "Take note of an individual session", _record_counselled),
        recording(RecordSessionAmended, "Take note of a session set right", _record_session_amended),
        recording(RecordConsent, "Take note of a consent", _record_consent),
        recording(RecordErasure, "Erase the person", _record_erasure),
    ),
    evolve=evolve,
    events=(PersonCounselled, PersonHeardAloneNoted, PersonConsentNoted, PersonErased),
)
