"""What returns knows of a person from counselling: whether heard in person, and which consents stand."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from shared.contracts.counselling import ConsentKind, Country
from shared.contracts.returns import PersonConsentNoted, PersonCounselled
from shared.decider import Decider, Events, NoFacts, recording
from shared.messages import Command, Context, Event
from shared.moments import Moment


@dataclass(frozen=True, slots=True)
class Person:
    """One person, under the id that counselling gave; ``counselled_at`` is the first individual session held."""

    counselled_at: datetime | None = None
    data_consent: bool = False
    transfer_consent: bool = False
    transfer_country: str | None = None


class RecordCounselled(Command):
    """Take note that the person was heard in a held individual session."""

    session_id: UUID
    held_at: Moment


class RecordConsent(Command):
    """Take note that the person gave a consent or took it back."""

    consent: ConsentKind
    active: bool
    recipient_country: Country | None = None


def _record_counselled(state: Person | None, order: RecordCounselled, _: NoFacts, __: Context) -> Events:
    if state is not None and state.counselled_at is not None:
        return ()
    return (PersonCounselled(session_id=order.session_id, held_at=order.held_at),)


def _record_consent(state: Person | None, order: RecordConsent, _: NoFacts, __: Context) -> Events:
    noted = PersonConsentNoted(
        consent=order.consent, active=order.active, recipient_country=order.recipient_country
    )
    return () if evolve(state, noted) == (state or Person()) else (noted,)


def evolve(state: Person | None, event: Event) -> Person:
    """The person after one fact; TypeError for a fact that is none of a person's."""
    person = state or Person()
    match event:
        case PersonCounselled():
            return replace(person, counselled_at=event.held_at)
        case PersonConsentNoted(consent="data"):
            return replace(person, data_consent=event.active)
        case PersonConsentNoted(consent="transfer"):
            country = event.recipient_country if event.active else None
            return replace(person, transfer_consent=event.active, transfer_country=country)
        case _:
            raise TypeError(f"{type(event).__name__} is not a fact about a person")


PERSON: Decider[Person, NoFacts] = Decider(
    rules=(
        recording(RecordCounselled, "Take note of an individual session", _record_counselled),
        recording(RecordConsent, "Take note of a consent", _record_consent),
    ),
    evolve=evolve,
    events=(PersonCounselled, PersonConsentNoted),
)
