"""The events of counselling that other services and auditors rely on; fields are only ever added."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.erasure import Erased, ErasureGround, RefusalGround
from shared.contracts.sessions import Interpreter, InterpreterKind, Present, SessionAmended, SessionType
from shared.files.media import MediaType
from shared.messages import Concealed, Event, Part

Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2")]
Language = Annotated[str, Field(pattern=r"^[a-z]{3}$", description="ISO 639-3")]
Sex = Literal["female", "male", "other", "not_stated"]
AgeGroup = Literal["adult", "child"]
Site = Literal[
    "trc_usivak", "trc_blazuj", "trc_lipa", "trc_borici", "immigration_centre", "transit_hub", "outreach",
    "iom_office", "remote",
]
Modality = Literal["in_person", "virtual_country_of_origin", "virtual_other", "phone"]
SessionOutcome = Literal[
    "information_only", "follow_up", "intention_expressed", "no_return_wish", "referred", "stopped_by_migrant",
    "other_option_advised",
]
Topic = Literal[
    "return_conditions", "reintegration_support", "asylum", "temporary_protection", "legal_pathways",
    "legal_consequences", "travel_documents", "health", "family", "risks_of_onward_journey",
]
# ``data`` is to the processing of data by this mission, ``transfer`` to telling the receiving office of one country.
ConsentKind = Literal["data", "transfer", "assistance", "transfer_to_consulate", "medical", "media", "survey", "family_assessment"]
ConsentMethod = Literal["signature", "thumbprint", "witnessed_verbal"]
ConsentRecipient = Literal["iom_country_mission", "receiving_office", "consular_post", "medical_provider", "public"]
ConsentPurpose = Literal["assistance", "reintegration", "travel_document", "medical_care", "publicity", "survey", "family_assessment"]
DataCategory = Literal["identity", "contact", "documents", "travel", "plan", "grants", "health", "family"]
StaffId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._|-]{0,99}$", description="An id, never a name")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Relation = Literal["principal", "spouse", "child", "other_dependant", "guardian"]
JoiningReason = Literal["born", "united", "left_out_before", "guardian_appointed"]
LeavingReason = Literal["separated", "grown_up", "died", "guardian_ended", "recorded_by_mistake"]
NotHeldReason = Literal["no_show", "cancelled_by_migrant", "cancelled_by_counsellor"]
IdentityField = Literal[
    "family_name", "given_names", "family_name_own_script", "given_names_own_script", "other_names", "birth_date",
    "nationalities", "languages", "contacts", "documents", "education", "occupation", "skills",
]
CorrectionReason = Literal[
    "misspelt", "misunderstood", "document_seen", "changed_since", "person_asked", "recorded_by_mistake"
]
Place = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$", description="A code, never an address")]


class PersonRegistered(Event, kind="avrr.counselling.person.registered.v1"):
    """A person became known under an opaque id; the first of these events did not say when."""

    sex: Sex
    country_of_origin: Country
    birth_year: Concealed
    site: Site
    registered_at: datetime | None = None


class BirthYearCorrected(Event, kind="avrr.counselling.person.birth_year_corrected.v1"):
    """A person was born in another year than was believed, and why that is known; the year is concealed, as at registration.

    ``age_group`` is whether they count as an adult or a child by it, where that is another than was believed.
    """

    birth_year: Concealed
    reason: CorrectionReason
    age_group: AgeGroup | None = None


class ConsentGiven(Event, kind="avrr.counselling.person.consent_given.v1"):
    """A person agreed to processing of their data, or to its transfer to one named recipient for one purpose.

    The first of these events had no id and named no categories: they cover what is usual for their kind. ``given_by`` is
    the guardian who agreed for a child, ``expires_on`` the last day of the mission on which the consent stands. Everybody
    who travels is asked for most of these kinds, so that none of them tells of anybody's health.
    """

    consent: ConsentKind
    text_version: str
    language: Language
    method: ConsentMethod
    given_at: datetime
    recipient: ConsentRecipient
    recipient_country: Country | None = None
    purpose: ConsentPurpose
    consent_id: UUID | None = None
    given_by: UUID | None = None
    witness_id: str | None = None
    categories: tuple[DataCategory, ...] = ()
    expires_on: date | None = None


class ConsentWithdrawn(Event, kind="avrr.counselling.person.consent_withdrawn.v1"):
    """A person took a consent back; without an id, every one of its kind."""

    consent: ConsentKind
    withdrawn_at: datetime
    consent_id: UUID | None = None


class ConsentPaperFiled(Event, kind="avrr.counselling.person.consent_paper_filed.v1"):
    """The signed paper of a consent was filed: what it is and its hash, never what it holds; ``size`` is in bytes."""

    consent_id: UUID
    media_type: MediaType
    size: int
    sha256: Sha256
    filed_by: str
    filed_at: datetime


class IdentityRecorded(Event, kind="avrr.counselling.person.identity_recorded.v1"):
    """Who a person is was recorded, as the version of this number: which fields, never what they say."""

    number: Annotated[int, Field(ge=1)]
    stated: tuple[IdentityField, ...]
    corrected: tuple[IdentityField, ...]
    reason: CorrectionReason | None = None
    emptied: tuple[IdentityField, ...] = ()


class HostStatusRecorded(Event, kind="avrr.counselling.person.host_status_recorded.v1"):
    """How a person stays in the host country was recorded, as the version of this number: never what it is."""

    number: Annotated[int, Field(ge=1)]


class CaseGuardianNoted(Event, kind="avrr.counselling.person.case_guardian_noted.v1"):
    """Whether whoever returns notes as this child's guardian stands up for it: somebody registered who was not erased.

    As long as they do and that case of the child, ``case_id``, is open, they are not erased; where it is not said, any.
    """

    guardian_id: UUID
    stands: bool
    case_id: UUID | None = None


class LegalHoldPlaced(Event, kind="avrr.counselling.person.legal_hold_placed.v1"):
    """What is held about a person must not be erased for now; why is concealed."""

    reason: Concealed
    placed_by: str
    placed_at: datetime


class LegalHoldLifted(Event, kind="avrr.counselling.person.legal_hold_lifted.v1"):
    """What is held about a person may be erased again; why is concealed."""

    reason: Concealed
    lifted_by: str
    lifted_at: datetime


class ErasureRequested(Event, kind="avrr.counselling.person.erasure_requested.v1"):
    """Data protection asks that a person is erased, on this ground; a second person decides."""

    ground: ErasureGround
    requested_by: str
    requested_at: datetime


class ErasureRefused(Event, kind="avrr.counselling.person.erasure_refused.v1"):
    """A second person decided that the person is not erased now."""

    reason: RefusalGround
    refused_by: str
    refused_at: datetime


class ErasureApproved(Event, kind="avrr.counselling.person.erasure_approved.v1"):
    """A second person decided that the person is erased: each of these services erases and confirms."""

    ground: ErasureGround
    approved_by: str
    approved_at: datetime
    services: tuple[str, ...]


class PersonErased(Erased, kind="avrr.counselling.person.erased.v1"):
    """Counselling has nothing personal of this person any more."""


class ErasureConfirmed(Event, kind="avrr.counselling.person.erasure_confirmed.v1"):
    """A service told that it has erased the person; it keeps so many receipts of paid money until this day."""

    service: str
    confirmed_at: datetime
    kept: int = 0
    kept_until: date | None = None


class PapersEndConfirmed(Event, kind="avrr.counselling.person.papers_end_confirmed.v1"):
    """A service told that the receipts which it kept of somebody erased are deleted too, on this day."""

    service: str
    ended_on: date


class ErasureCompleted(Event, kind="avrr.counselling.person.erasure_completed.v1"):
    """Every service has erased the person; what is still kept, is kept until this day at the latest."""

    completed_at: datetime
    kept: int = 0
    kept_until: date | None = None


class FamilyMember(Part):
    """One member of a family, the relation to its principal, and the children in it whose guardian the member is.

    Whoever belongs to a family only as a guardian need not travel with it.
    """

    person_id: UUID
    relation: Relation
    guardian_of: tuple[UUID, ...] = ()


class FamilyRegistered(Event, kind="avrr.counselling.family.registered.v1"):
    """Persons belong together and one of them is the principal."""

    members: tuple[FamilyMember, ...]


class FamilyMemberJoined(Event, kind="avrr.counselling.family.member_joined.v1"):
    """Somebody came to belong to a family that was registered before, whose principal this is."""

    member: FamilyMember
    reason: JoiningReason
    principal_id: UUID | None = None


class FamilyMemberLeft(Event, kind="avrr.counselling.family.member_left.v1"):
    """Somebody does not belong to a family any more, and is neither guardian nor ward in it.

    ``guardian_of`` are the children of it whose guardian they were until then, ``guarded_by`` who was theirs.
    """

    person_id: UUID
    reason: LeavingReason
    guardian_of: tuple[UUID, ...] = ()
    guarded_by: tuple[UUID, ...] = ()


class GuardianNamed(Event, kind="avrr.counselling.family.guardian_named.v1"):
    """A member of a family is the guardian of these children of it, and of no others; of some of them no more."""

    person_id: UUID
    guardian_of: tuple[UUID, ...]
    no_more_of: tuple[UUID, ...] = ()


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
    """A counselling session took place; a person may be absent from it because they stayed anonymous.

    The first of these events did not say who else was present and who interpreted.
    """

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
    present: tuple[Present, ...] = ()
    interpreter_kind: InterpreterKind | None = None


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
    """One person whom an intention covers; of a child both parents, where its family says who they are and both are covered."""

    person_id: UUID
    sex: Sex
    age_group: AgeGroup
    country_of_origin: Country
    parent_ids: tuple[UUID, ...] = ()


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


class AttemptReopened(Event, kind="avrr.counselling.intention.attempt_reopened.v1"):
    """The return attempt goes on for these persons, whose closed case was taken up again."""

    person_ids: tuple[UUID, ...]


class AttemptStaysEnded(Event, kind="avrr.counselling.intention.attempt_stays_ended.v1"):
    """Not all of these persons are free for another attempt, so that it goes on for none of them."""

    person_ids: tuple[UUID, ...]


class AttemptMayMove(Event, kind="avrr.counselling.intention.attempt_may_move.v1"):
    """These persons may go on in another case: one of their own with this principal, or without one one that there is."""

    to_id: UUID
    person_ids: tuple[UUID, ...]
    principal_id: UUID | None = None


class AttemptMayNotMove(Event, kind="avrr.counselling.intention.attempt_may_not_move.v1"):
    """These persons stay in their case: not all of them have an open attempt by it, or that other one cannot take them."""

    to_id: UUID


class AttemptMoved(Event, kind="avrr.counselling.intention.attempt_moved.v1"):
    """The return attempt of these persons goes on under another intention, and not under this one any more."""

    to_id: UUID
    person_ids: tuple[UUID, ...]


class AttemptTakenOver(Event, kind="avrr.counselling.intention.attempt_taken_over.v1"):
    """The return attempt of these persons goes on under this intention, which begins with that if it is a new one."""

    from_id: UUID
    session_id: UUID
    principal_id: UUID
    persons: tuple[CoveredPerson, ...]
    destination_country: Country
    counsellor_id: str
    expressed_at: datetime


EVENTS: tuple[type[Event], ...] = (
    PersonRegistered, BirthYearCorrected, ConsentGiven, ConsentWithdrawn, ConsentPaperFiled, IdentityRecorded, HostStatusRecorded,
    CaseGuardianNoted, LegalHoldPlaced, LegalHoldLifted, ErasureRequested, ErasureRefused, ErasureApproved, PersonErased, ErasureConfirmed,
    ErasureCompleted, PapersEndConfirmed, FamilyRegistered, FamilyMemberJoined, FamilyMemberLeft, GuardianNamed, SessionScheduled, SessionHeld,
    SessionAmended, SessionNotHeld, GroupSessionHeld, OutreachHeld, IntentionExpressed, AttemptEnded, AttemptReopened, AttemptStaysEnded,
    AttemptMayMove, AttemptMayNotMove, AttemptMoved, AttemptTakenOver,
)
