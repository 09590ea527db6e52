"""A person known under an opaque id, the consents that this person gave or took back, and that it was said who they are."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.counselling.domain.identity import FIELDS, RecordIdentity, recorded
from shared.contracts.counselling import (
    ConsentGiven,
    ConsentKind,
    ConsentMethod,
    ConsentWithdrawn,
    Country,
    IdentityField,
    IdentityRecorded,
    Language,
    PersonRegistered,
    Sex,
    Site,
)
from shared.countries import AssignedCountry
from shared.decider import Decider, Events, NoFacts, changing, opening
from shared.errors import RuleViolation
from shared.messages import Command, Concealed, Context, Event
from shared.moments import Moment, refuse_future

EARLIEST_BIRTH_YEAR = 1900


@dataclass(frozen=True, slots=True)
class Person:
    """What counselling knows of a person besides the sealed name and contacts.

    A transfer consent never stands without a data consent. ``…_decided_at`` is when the person last gave that
    consent or took it back. ``registered_at`` is None where that was registered before it was kept. Of who the person is
    it holds how many versions were recorded and which fields they stated.
    """

    sex: Sex
    country_of_origin: str
    birth_year: int
    site: Site
    data_consent: bool = False
    data_consent_version: str | None = None
    data_decided_at: datetime | None = None
    transfer_consent: bool = False
    transfer_consent_version: str | None = None
    transfer_country: str | None = None
    transfer_decided_at: datetime | None = None
    registered_at: datetime | None = None
    identity_number: int = 0
    identity_fields: tuple[IdentityField, ...] = ()


class RegisterPerson(Command):
    """Register a person without a name. The name and the contacts are kept in another place, locked."""

    sex: Sex
    birth_year: Annotated[int, Field(strict=True, ge=1000, le=9999)]
    country_of_origin: AssignedCountry
    site: Site


class GiveConsent(Command):
    """Record that the person agreed to the processing of their data, or to its transfer to one office."""

    consent: ConsentKind
    text_version: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")]
    language: Language
    method: ConsentMethod
    given_at: Moment
    recipient_country: Country | None = None


class WithdrawConsent(Command):
    """Record that the person takes a consent back. Taking back the data consent also ends every transfer."""

    consent: ConsentKind


def _data_consent_is_active(state: Person, _: NoFacts, __: Context) -> None:
    if not state.data_consent:
        raise RuleViolation(
            "data_consent_missing",
            "The person has not agreed to the processing of their data. A counsellor must ask for that consent first.",
        )


def _some_consent_is_active(state: Person, _: NoFacts, __: Context) -> None:
    if not state.data_consent:
        raise _no_such_consent()


def _register(command: RegisterPerson, _: NoFacts, context: Context) -> Events:
    if not EARLIEST_BIRTH_YEAR <= command.birth_year <= context.now.year:
        raise RuleViolation(
            "birth_year_impossible",
            f"The year of birth must lie between {EARLIEST_BIRTH_YEAR} and this year. Ask the person again.",
        )
    return (
        PersonRegistered(
            sex=command.sex,
            country_of_origin=command.country_of_origin,
            birth_year=Concealed.of(str(command.birth_year)),
            site=command.site,
            registered_at=context.now,
        ),
    )


def _give_consent(state: Person, command: GiveConsent, _: NoFacts, context: Context) -> Events:
    refuse_future(command.given_at, context)
    _refuse_wrong_recipient(command)
    if command.consent == "transfer" and not state.data_consent:
        raise RuleViolation(
            "data_consent_missing",
            "The person has not agreed to the processing of their data. A counsellor must ask for that "
            "consent before any transfer can be agreed to.",
        )
    _refuse_overtaken(state, command)
    transfer = command.consent == "transfer"
    return (
        ConsentGiven(
            consent=command.consent,
            text_version=command.text_version,
            language=command.language,
            method=command.method,
            given_at=command.given_at,
            recipient="receiving_office" if transfer else "iom_country_mission",
            recipient_country=command.recipient_country,
            purpose="reintegration" if transfer else "assistance",
        ),
    )


def _refuse_wrong_recipient(command: GiveConsent) -> None:
    if command.consent == "transfer" and command.recipient_country is None:
        raise RuleViolation(
            "recipient_country_missing", "Say to which country's office the person agreed to send their data."
        )
    if command.consent == "data" and command.recipient_country is not None:
        raise RuleViolation(
            "recipient_country_unexpected",
            "A data consent stays with this mission. Leave the country out, or record a transfer consent.",
        )


def _refuse_overtaken(state: Person, command: GiveConsent) -> None:
    # A paper that surfaces late must not bring back to life what the person has taken back since.
    decided_at = state.data_decided_at if command.consent == "data" else state.transfer_decided_at
    if decided_at is not None and command.given_at < decided_at:
        raise RuleViolation(
            "later_decision_recorded",
            "The person has decided on this consent again since then, and the later decision stands. "
            "Ask the person anew if it is no longer right.",
        )


def _withdraw_consent(state: Person, command: WithdrawConsent, _: NoFacts, context: Context) -> Events:
    if command.consent == "transfer":
        if not state.transfer_consent:
            raise _no_such_consent()
        return (ConsentWithdrawn(consent="transfer", withdrawn_at=context.now),)
    data = ConsentWithdrawn(consent="data", withdrawn_at=context.now)
    if not state.transfer_consent:
        return (data,)
    return (ConsentWithdrawn(consent="transfer", withdrawn_at=context.now), data)


def _record_identity(state: Person, command: RecordIdentity, _: NoFacts, context: Context) -> Events:
    return (
        recorded(
            command, birth_year=state.birth_year, known=state.identity_fields, number=state.identity_number + 1,
            context=context,
        ),
    )  # fmt: skip


def _no_such_consent() -> RuleViolation:
    return RuleViolation(
        "no_such_consent", "There is no active consent of this kind that could be taken back."
    )


def evolve(state: Person | None, event: Event) -> Person:
    """The person after one fact; TypeError for a fact that is none of a person's or comes out of turn."""
    match event:
        case PersonRegistered() if state is None:
            return Person(
                sex=event.sex,
                country_of_origin=event.country_of_origin,
                birth_year=int(event.birth_year.clear()),
                site=event.site,
                registered_at=event.registered_at,
            )
        case ConsentGiven(consent="data") if state is not None:
            return replace(
                state,
                data_consent=True,
                data_consent_version=event.text_version,
                data_decided_at=event.given_at,
            )
        case ConsentGiven(consent="transfer") if state is not None:
            return replace(
                state,
                transfer_consent=True,
                transfer_consent_version=event.text_version,
                transfer_country=event.recipient_country,
                transfer_decided_at=event.given_at,
            )
        case ConsentWithdrawn(consent="data") if state is not None:
            # Whoever takes the data consent back has thereby decided on every transfer as well.
            return replace(
                state,
                data_consent=False,
                data_consent_version=None,
                data_decided_at=event.withdrawn_at,
                transfer_decided_at=event.withdrawn_at,
            )
        case ConsentWithdrawn(consent="transfer") if state is not None:
            return replace(
                state,
                transfer_consent=False,
                transfer_consent_version=None,
                transfer_country=None,
                transfer_decided_at=event.withdrawn_at,
            )
        case IdentityRecorded() if state is not None:
            known = {*state.identity_fields, *event.stated}
            return replace(
                state,
                identity_number=event.number,
                identity_fields=tuple(field for field in FIELDS if field in known),
            )
        case _:
            raise TypeError(f"{type(event).__name__} does not apply to a person here")


PERSON: Decider[Person, NoFacts] = Decider(
    rules=(
        opening(RegisterPerson, "Register a person", _register),
        changing(GiveConsent, "Record a consent", _give_consent),
        changing(RecordIdentity, "Record who this is", _record_identity, _data_consent_is_active),
        changing(WithdrawConsent, "Take a consent back", _withdraw_consent, _some_consent_is_active),
    ),
    evolve=evolve,
    events=(PersonRegistered, ConsentGiven, ConsentWithdrawn, IdentityRecorded),
)
