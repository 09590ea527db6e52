"""The events of counselling that other services and auditors rely on; fields are only ever added."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.messages import Concealed, Event, Part

Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2")]
Language = Annotated[str, Field(pattern=r"^[a-z]{3}$", description="ISO 639-3")]
Sex = Literal["female", "male", "other", "not_stated"]
AgeGroup = Literal["adult", "child"]
Site = Literal[
    "trc_usivak", "trc_blazuj", "trc_lipa", "trc_borici", "immigration_centre", "transit_hub", "outreach",
    "iom_office", "remote",
]
SessionType = Literal["individual", "legal_information"]
Modality = Literal["in_person", "virtual_country_of_origin", "virtual_other", "phone"]
Interpreter = Literal["none", "in_person", "phone"]
SessionOutcome = Literal[
    "information_only", "follow_up", "intention_expressed", "no_return_wish", "referred", "stopped_by_migrant",
    "other_option_advised",
]
Topic = Literal[
    "return_conditions", "reintegration_support", "asylum", "temporary_protection", "legal_pathways",
    "legal_consequences", "travel_documents", "health", "family", "risks_of_onward_journey",
]
ConsentKind = Literal["data", "transfer"]
ConsentMethod = Literal["signature", "thumbprint", "witnessed_verbal"]
Relation = Literal["principal", "spouse", "child", "other_dependant"]
NotHeldReason = Literal["no_show", "cancelled_by_migrant", "cancelled_by_counsellor"]
IdentityField = Literal[
    "family_name", "given_names", "family_name_own_script", "given_names_own_script", "other_names", "birth_date",
    "nationalities", "languages", "contacts",
]
CorrectionReason = Literal["misspelt", "misunderstood", "document_seen", "changed_since", "person_asked"]
Place = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$", description="A code, never an address")]


class TransferConsents(Part):
    """Counselling's answer to a service that is about to tell an office abroad: who of those asked about agrees now."""

    recipient_country: Country
    agreed: tuple[UUID, ...]


class PersonRegistered(Event, kind="avrr.counselling.person.registered.v1"):
    """A person became known under an opaque id; the first of these events did not say when."""

    sex: Sex
    country_of_origin: Country
    birth_year: Concealed
    site: Site
    registered_at: datetime | None = None


class ConsentGiven(Event, kind="avrr.counselling.person.consent_given.v1"):
    """A person agreed to processing of their data, or to its transfer to one named recipient for one purpose."""

    consent: ConsentKind
    text_version: str
    language: Language
    method: ConsentMethod
    given_at: datetime
    recipient: Literal["iom_country_mission", "receiving_office"]
    recipient_country: Country | None = None
    purpose: Literal["assistance", "reintegration"]


class ConsentWithdrawn(Event, kind="avrr.counselling.person.consent_withdrawn.v1"):
    """A person took a consent back."""

    consent: ConsentKind
    withdrawn_at: datetime


class IdentityRecorded(Event, kind="avrr.counselling.person.identity_recorded.v1"):
    """Who a person is was recorded, as the version of this number: which fields, never what they say."""

    number: Annotated[int, Field(ge=1)]
    stated: tuple[IdentityField, ...]
    corrected: tuple[IdentityField, ...]
    reason: CorrectionReason | None = None


class FamilyMember(Part):
    """One member of a family and the relation to its principal."""

    person_id: UUID
    relation: Relation


class FamilyRegistered(Event, kind="avrr.counselling.family.registered.v1"):
    """Persons belong together and one of them is the principal."""

    members: tuple[FamilyMember, ...]


class SessionScheduled(Event, kind="avrr.counselling.session.scheduled.v1"):
    """A session was agreed for a coming time."""

    session_type: SessionType
    modality: Modality
    site: Site
    language: Language
    person_ids: tuple[UUID, ...]
    counsellor_id: str
    scheduled_for: datetime


class SessionHeld(Event, kind="avrr.counselling.session.held.v1"):
    """A counselling session took place; a person may be absent from it because they stayed anonymous."""

    session_type: SessionType
    modality: Modality
    site: Site
    language: Language
    interpreter: Interpreter
    person_ids: tuple[UUID, ...]
    counsellor_id: str
    held_at: datetime
    topics: tuple[Topic, ...]
    outcome: SessionOutcome
    receiving_country: Country | None = None


class SessionNotHeld(Event, kind="avrr.counselling.session.not_held.v1"):
    """A scheduled session did not take place."""

    reason: NotHeldReason


class GroupSessionHeld(Event, kind="avrr.counselling.group_session.held.v1"):
    """A group was informed; only counts are kept."""

    site: Site
    language: Language
    held_at: datetime
    topics: tuple[Topic, ...]
    participants: int
    female: int
    male: int
    children: int


class OutreachHeld(Event, kind="avrr.counselling.outreach.held.v1"):
    """People were reached outside reception centres; only counts are kept. A location is a code, not an address."""

    location: Place
    municipality: Place
    language: Language
    held_at: datetime
    contacts: int


class CoveredPerson(Part):
    """One person whom an intention covers."""

    person_id: UUID
    sex: Sex
    age_group: AgeGroup
    country_of_origin: Country


class IntentionExpressed(Event, kind="avrr.counselling.intention.expressed.v1"):
    """Somebody wishes to return, with every person whom this covers; the intention's id is the case's id."""

    session_id: UUID
    principal_id: UUID
    persons: tuple[CoveredPerson, ...]
    destination_country: Country
    counsellor_id: str
    expressed_at: datetime


class AttemptEnded(Event, kind="avrr.counselling.intention.attempt_ended.v1"):
    """The return attempt that an intention began has ended for these persons; they may begin another."""

    person_ids: tuple[UUID, ...]


EVENTS: tuple[type[Event], ...] = (
    PersonRegistered, ConsentGiven, ConsentWithdrawn, IdentityRecorded, FamilyRegistered, SessionScheduled, SessionHeld,
    SessionNotHeld, GroupSessionHeld, OutreachHeld, IntentionExpressed, AttemptEnded,
)
