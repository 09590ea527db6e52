"""The events of returns that other services and auditors rely on; fields are only ever added."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from shared.contracts import corrections, departures, families, final_report, reopening, support
from shared.contracts.counselling import ConsentKind, Country, CoveredPerson
from shared.contracts.erasure import Erased
from shared.contracts.sessions import PersonHeardAloneNoted
from shared.messages import Concealed, Event, Part

IneligibleReason = Literal[
    "no_document_obtainable", "destination_not_served", "not_entitled", "already_assisted", "objection_of_authorities"
]
WithdrawalReason = Literal["not_stated", "changed_mind", "other_option_found", "family_decision", "health"]
LapseReason = Literal["no_contact", "left_the_country", "left_reception"]
# What has to stand ready at the arrival. It says what is to be done and never why: an event must not tell of anybody's health.
ArrivalNeed = Literal["help_at_airport", "handover_in_person", "onward_transport", "first_nights"]
MissedFlightReason = Literal["did_not_appear", "late", "carrier_cancelled", "document_refused_at_border"]
ArrivalKnownBy = Literal["met", "visit", "call", "document"]
ClosureReason = Literal["completed", "lost_contact", "declined_support", "re_migrated", "support_period_expired", "deceased"]
TravelDocumentKind = Literal["passport", "laissez_passer", "emergency_travel_certificate"]
HoldReason = Literal["protection", "medical", "document", "legal", "security"]
HoldOutcome = Literal["resolved", "unfounded", "dealt_with_elsewhere", "placed_by_mistake"]
# What the journey rests on besides a travel document. `fitness_asked` flags somebody for a decision on fitness to travel.
EvidenceKind = Literal["fitness_asked", "fitness", "exit_formalities", "transit_visa", "supervision", "other_parent"]
FitnessOutcome = Literal["fit", "fit_with_conditions", "unfit"]
FitnessCondition = Literal["escort", "oxygen", "wheelchair", "medication"]
# What a carrier has to provide; medication the person carries.
Assistance = Literal["escort", "oxygen", "wheelchair"]
# What screening finds out. None of these codes stands in a leaf.
Company = Literal["nobody", "guardian", "family", "others"]
ScreeningInterpreter = Literal["none", "professional", "family", "resident"]
ChildHeard = Literal["heard", "too_young"]
Indicator = Literal[
    "uasc", "unaccompanied", "separated", "vot_presumed", "vot_identified", "gbv", "lgbtqi", "torture_survivor",
    "disability", "medical", "mental_health", "pregnant_lactating", "single_parent", "elderly", "other",
]
TraffickingRisk = Literal["acceptable", "unacceptable"]
# An assessment is made by whoever counsels a child with its parents, a determination by a panel.
BestInterestsProcedure = Literal["assessment", "determination"]
BestInterestsOutcome = Literal["pending", "return", "remain"]
Agreement = Literal["guardian", "child", "family"]
AlertOutcome = Literal["no_risk_found", "support_arranged", "referred", "placed_by_mistake"]
GrantStage = Literal["requested", "approved", "disbursed", "ended"]


class PersonCounselled(Event, kind="avrr.returns.person.counselled.v1"):
    """Returns took note that a person was heard in a held individual session."""

    session_id: UUID
    held_at: datetime


class PersonConsentNoted(Event, kind="avrr.returns.person.consent_noted.v1"):
    """Returns took note of a consent given, until the end of which day of the mission it stands, or taken back."""

    consent: ConsentKind
    active: bool
    recipient_country: Country | None = None
    expires_on: date | None = None


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
    """One person's screening was said to be complete. The log holds such facts from before each part was recorded."""

    person_id: UUID
    screened_at: datetime
    alternatives_explained: bool
    legal_consequences_explained: bool
    voluntary: bool


class ScreeningRecorded(Event, kind="avrr.returns.case.screening_recorded.v1"):
    """Something of one person's screening is on record, or something that followed from it is over.

    Which part it is, what it says and whether protection was called for it stands beside the log: all parts look alike.
    Where protection was called, ``record_id`` is the id of the alert, and of the hold if one was placed.
    """

    record_id: UUID
    person_id: UUID
    part: Concealed
    findings: Concealed
    alerts: Concealed
    established_at: datetime


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


class EvidenceRecorded(Event, kind="avrr.returns.case.evidence_recorded.v1"):
    """Something that one person's journey rests on is on record.

    What it is, and what it says, stands beside the log: of two leaves nobody can say which tells of somebody's health.
    The texts that are concealed are there for each, empty where it has none, the days of its validity (as ISO 8601 has
    them) and the country among them: by which of them are set the kinds could be told apart. ``country`` is for which one
    a transit visa is; only earlier events do not say.
    """

    person_id: UUID
    evidence_kind: Concealed
    outcome: Concealed
    conditions: Concealed
    valid_from: Concealed
    valid_until: Concealed
    established_at: datetime
    country: Concealed | None = None


class ReceptionArranged(Event, kind="avrr.returns.case.reception_arranged.v1"):
    """The receiving office was notified of the present booking, and who meets the persons is arranged."""

    arranged_at: datetime


class OwnPlanNoted(Event, kind="avrr.returns.case.own_plan_noted.v1"):
    """Returns took note of the own reintegration plan and whom it covers."""

    plan_id: UUID
    person_ids: tuple[UUID, ...]


class AssistanceBooked(Part):
    """What is booked to help one person on the way, stated for each who travels, so that its being there tells nothing."""

    person_id: UUID
    assistance: Concealed


class BookingConfirmed(Event, kind="avrr.returns.case.booking_confirmed.v1"):
    """Seats to the final destination are confirmed for every travelling person; ``needs`` is what must stand ready there.

    ``transit_country`` is where they change, if they do, and ``booked_at`` when the booking was recorded; earlier events
    say neither.
    """

    departs_at: datetime
    arrives_at: datetime
    destination_country: Country
    person_ids: tuple[UUID, ...]
    flight: str | None = None
    needs: tuple[ArrivalNeed, ...] = ()
    transit_visa_needed: bool = False
    assistance: tuple[AssistanceBooked, ...] = ()
    transit_country: Country | None = None
    booked_at: datetime | None = None


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
    """A condition of the departure gate holds no longer, so the case is back in preparation.

    Which one is stated beside the log, for it may tell of somebody's health, and since when, as ISO 8601 has it, if it
    was time that took it away: the end of a paper tells its last day. It stands there empty where it was not. Only earlier
    events name them in ``condition`` and ``lapsed_at``.
    """

    condition: str
    reason: Concealed | None = None
    lapsed_at: datetime | None = None
    lapsed: Concealed | None = None


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


class ArrivalOverdue(Event, kind="avrr.returns.case.arrival_overdue.v1"):
    """Persons who left were expected by this moment, and long after it nobody has confirmed that they arrived."""

    person_ids: tuple[UUID, ...]
    expected_at: datetime


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


class HoldPlaced(Event, kind="avrr.returns.case.hold_placed.v1"):
    """The case goes no further while this hold stands. Why stands in no event, so that all holds look alike."""

    hold_id: UUID
    reason: Concealed
    placed_by: str
    placed_at: datetime


class HoldLifted(Event, kind="avrr.returns.case.hold_lifted.v1"):
    """One hold stands no longer; with the last of them the case goes on where it was, if it was not cleared yet."""

    hold_id: UUID
    outcome: Concealed
    lifted_at: datetime


class TransitInterrupted(Event, kind="avrr.returns.case.transit_interrupted.v1"):
    """These persons left and were stopped on the way; the case is on hold until they go on or come back."""

    hold_id: UUID
    person_ids: tuple[UUID, ...]
    placed_by: str
    interrupted_at: datetime


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


class CaseReopened(Event, kind="avrr.returns.case.reopened.v1"):
    """A closed case was taken up again; for these persons, all who did not withdraw, their attempt goes on."""

    reason: reopening.ReopeningReason
    person_ids: tuple[UUID, ...]


class PersonErased(Erased, kind="avrr.returns.person.erased.v1"):
    """Returns has nothing personal of this person any more, but for what it says is kept."""


EVENTS: tuple[type[Event], ...] = (
    PersonCounselled, PersonHeardAloneNoted, PersonConsentNoted, CaseOpened, ScreeningStarted, PersonScreened, ScreeningRecorded, DeclarationSigned,
    ApplicationSubmitted, CaseDeclaredIneligible, CaseApproved, PreparationStarted, TravelDocumentRecorded,
    EvidenceRecorded, ReceptionArranged, OwnPlanNoted, BookingConfirmed, ReadyToTravel, VoluntarinessConfirmed, ClearedToBoard, ClearanceLost, PersonDeparted,
    CaseDeparted, FlightMissed, PersonArrived, CaseArrived, ArrivalOverdue, CaseNotDeparted, PersonWithdrew, CaseWithdrawn,
    ContactTried, CaseLapsed, HoldPlaced, HoldLifted, TransitInterrupted, PlanAgreementNoted, ReintegrationStarted, GrantStageNoted,
    MonitoringStarted, ClosingRequested, ClosingRefused, CaseClosed, *reopening.EVENTS, CaseReopened,
    *corrections.EVENTS, *departures.EVENTS, *families.EVENTS, *support.EVENTS, *final_report.EVENTS, PersonErased,
)
