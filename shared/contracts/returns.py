"""The events of returns that other services and auditors rely on; fields are only ever added."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from shared.contracts.counselling import ConsentKind, Country, CoveredPerson
from shared.messages import Concealed, Event

IneligibleReason = Literal[
    "no_document_obtainable", "destination_not_served", "not_entitled", "already_assisted", "objection_of_authorities"
]
WithdrawalReason = Literal["not_stated", "changed_mind", "other_option_found", "family_decision", "health"]
LapseReason = Literal["no_contact", "left_the_country", "left_reception"]
# What has to stand ready at the arrival. It says what is to be done and never why: an event must not tell of anybody's health.
ArrivalNeed = Literal["help_at_airport", "handover_in_person", "onward_transport", "first_nights"]
MissedFlightReason = Literal["did_not_appear", "late", "carrier_cancelled", "document_refused_at_border"]
ArrivalKnownBy = Literal["met", "visit", "call", "document"]
ClosureReason = Literal[
    "completed", "lost_contact", "declined_support", "re_migrated", "support_period_expired", "deceased"
]
TravelDocumentKind = Literal["passport", "laissez_passer", "emergency_travel_certificate"]
GrantStage = Literal["requested", "approved", "disbursed", "ended"]


class PersonCounselled(Event, kind="avrr.returns.person.counselled.v1"):
    """Returns took note that a person was heard in a held individual session."""

    session_id: UUID
    held_at: datetime


class PersonConsentNoted(Event, kind="avrr.returns.person.consent_noted.v1"):
    """Returns took note of a consent given or taken back."""

    consent: ConsentKind
    active: bool
    recipient_country: Country | None = None


class CaseOpened(Event, kind="avrr.returns.case.opened.v1"):
    """A return case began from an expressed intention."""

    case_ref: str
    principal_id: UUID
    persons: tuple[CoveredPerson, ...]
    destination_country: Country
    counsellor_id: str
    expressed_at: datetime


class ScreeningStarted(Event, kind="avrr.returns.case.screening_started.v1"):
    """Screening of every person began."""


class PersonScreened(Event, kind="avrr.returns.case.person_screened.v1"):
    """One person's screening is complete and nothing in it stands against an application."""

    person_id: UUID
    screened_at: datetime
    alternatives_explained: bool
    legal_consequences_explained: bool
    voluntary: bool


class DeclarationSigned(Event, kind="avrr.returns.case.declaration_signed.v1"):
    """The declaration was signed for one person: by an adult in person, for a child by a guardian of the case."""

    person_id: UUID
    signed_by: UUID
    method: Literal["signature", "thumbprint", "witnessed_verbal"]
    language: str
    signed_at: datetime


class ApplicationSubmitted(Event, kind="avrr.returns.case.application_submitted.v1"):
    """The application for assistance is complete."""

    submitted_by: str


class CaseDeclaredIneligible(Event, kind="avrr.returns.case.declared_ineligible.v1"):
    """Assistance was refused and the complaint route told."""

    reason: Concealed
    person_ids: tuple[UUID, ...]


class CaseApproved(Event, kind="avrr.returns.case.approved.v1"):
    """Somebody other than the counsellor approved the case."""

    approved_by: str


class PreparationStarted(Event, kind="avrr.returns.case.preparation_started.v1"):
    """Funding programme and receiving office are settled."""

    programme: str
    receiving_country: Country


class TravelDocumentRecorded(Event, kind="avrr.returns.case.travel_document_recorded.v1"):
    """A person holds a travel document; its number is kept elsewhere."""

    person_id: UUID
    document: TravelDocumentKind
    valid_until: date


class OwnPlanNoted(Event, kind="avrr.returns.case.own_plan_noted.v1"):
    """Returns took note of the own reintegration plan and whom it covers."""

    plan_id: UUID
    person_ids: tuple[UUID, ...]


class BookingConfirmed(Event, kind="avrr.returns.case.booking_confirmed.v1"):
    """Seats to the final destination are confirmed for every travelling person; ``needs`` is what must stand ready there."""

    departs_at: datetime
    arrives_at: datetime
    destination_country: Country
    person_ids: tuple[UUID, ...]
    flight: str | None = None
    needs: tuple[ArrivalNeed, ...] = ()


class ReadyToTravel(Event, kind="avrr.returns.case.ready_to_travel.v1"):
    """Every condition of the departure gate holds, computed."""


class VoluntarinessConfirmed(Event, kind="avrr.returns.case.voluntariness_confirmed.v1"):
    """An adult confirmed shortly before travel that they still wish to go."""

    person_id: UUID
    confirmed_at: datetime


class ClearedToBoard(Event, kind="avrr.returns.case.cleared_to_board.v1"):
    """The whole gate was checked again at this moment and holds."""

    cleared_at: datetime


class ClearanceLost(Event, kind="avrr.returns.case.clearance_lost.v1"):
    """A condition of the departure gate holds no longer, so the case is back in preparation."""

    condition: str


class PersonDeparted(Event, kind="avrr.returns.case.person_departed.v1"):
    """One person boarded and left; recorded even without clearance, which alerts protection."""

    person_id: UUID
    departed_at: datetime
    cleared: bool


class CaseDeparted(Event, kind="avrr.returns.case.departed.v1"):
    """Every travelling person of the case has left."""

    departed_at: datetime


class FlightMissed(Event, kind="avrr.returns.case.flight_missed.v1"):
    """The case did not travel as booked and goes back to preparation."""

    reason: MissedFlightReason
    times_missed: int


class PersonArrived(Event, kind="avrr.returns.case.person_arrived.v1"):
    """The receiving office confirmed one person's arrival."""

    person_id: UUID
    arrived_at: datetime
    known_by: ArrivalKnownBy


class CaseArrived(Event, kind="avrr.returns.case.arrived.v1"):
    """Every person who departed has arrived."""

    arrived_at: datetime


class CaseNotDeparted(Event, kind="avrr.returns.case.not_departed.v1"):
    """The sending side confirmed, irreversibly, that nobody departed after all."""

    person_ids: tuple[UUID, ...]


class PersonWithdrew(Event, kind="avrr.returns.case.person_withdrew.v1"):
    """One person of several stays behind; the case goes on for the others."""

    person_id: UUID


class CaseWithdrawn(Event, kind="avrr.returns.case.withdrawn.v1"):
    """The migrant withdrew before departure; nothing is asked and nothing can stop it."""

    reason: Concealed
    person_ids: tuple[UUID, ...]


class ContactTried(Event, kind="avrr.returns.case.contact_tried.v1"):
    """Somebody tried to reach the migrant and did not succeed."""

    tried_at: datetime


class CaseLapsed(Event, kind="avrr.returns.case.lapsed.v1"):
    """Contact was lost for long enough and attempts are on record."""

    reason: LapseReason
    person_ids: tuple[UUID, ...]


class PlanAgreementNoted(Event, kind="avrr.returns.case.plan_agreement_noted.v1"):
    """Returns took note of an agreed plan while not every departed person of the case has arrived yet."""

    plan_id: UUID


class ReintegrationStarted(Event, kind="avrr.returns.case.reintegration_started.v1"):
    """The plan was agreed after arrival; the status follows from the grants that the case has by then."""

    plan_id: UUID
    status: str


class GrantStageNoted(Event, kind="avrr.returns.case.grant_stage_noted.v1"):
    """Returns took note how far a grant of this case is; the case's status follows from all of them."""

    grant_id: UUID
    stage: GrantStage
    status: str


class MonitoringStarted(Event, kind="avrr.returns.case.monitoring_started.v1"):
    """No grant is wanted; what remains is to stay in touch."""


class ClosingRequested(Event, kind="avrr.returns.case.closing_requested.v1"):
    """Returns asks reintegration to seal the case so that it can close."""

    reason: ClosureReason


class ClosingRefused(Event, kind="avrr.returns.case.closing_refused.v1"):
    """Reintegration still has a live grant on the case; it stays open."""


class CaseClosed(Event, kind="avrr.returns.case.closed.v1"):
    """Reintegration sealed the case and it is closed."""

    reason: ClosureReason
    person_ids: tuple[UUID, ...]


EVENTS: tuple[type[Event], ...] = (
    PersonCounselled, PersonConsentNoted, CaseOpened, ScreeningStarted, PersonScreened, DeclarationSigned,
    ApplicationSubmitted, CaseDeclaredIneligible, CaseApproved, PreparationStarted, TravelDocumentRecorded,
    OwnPlanNoted, BookingConfirmed, ReadyToTravel, VoluntarinessConfirmed, ClearedToBoard, ClearanceLost, PersonDeparted,
    CaseDeparted, FlightMissed, PersonArrived, CaseArrived, CaseNotDeparted, PersonWithdrew, CaseWithdrawn,
    ContactTried, CaseLapsed, PlanAgreementNoted, ReintegrationStarted, GrantStageNoted, MonitoringStarted,
    ClosingRequested, ClosingRefused, CaseClosed,
)
