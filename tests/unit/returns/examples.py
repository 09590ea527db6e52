"""An invented family's return case, fact by fact from the wish to return to the arrival, and the people around it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from services.returns.domain.case import CASE
from services.returns.domain.case_ref import case_ref
from services.returns.domain.case_state import Case, CaseFacts, Evidence, KnownPerson
from services.returns.domain.final_report import Findings, written
from services.returns.domain.journey_evidence import recorded
from services.returns.domain.screening import (
    AlertCause,
    BestInterests,
    Fear,
    Finding,
    Voluntariness,
    Vulnerability,
)
from services.returns.domain.screening_facts import found
from shared.contracts.counselling import AgeGroup, CoveredPerson
from shared.contracts.families import NotSettled, OtherParent
from shared.contracts.returns import (
    ApplicationSubmitted,
    Assistance,
    AssistanceBooked,
    BookingConfirmed,
    CaseApproved,
    CaseArrived,
    CaseDeparted,
    CaseOpened,
    ClearanceLost,
    ClearedToBoard,
    DeclarationSigned,
    EvidenceRecorded,
    FitnessCondition,
    FitnessOutcome,
    OwnPlanNoted,
    PersonArrived,
    PersonDeparted,
    PreparationStarted,
    ReadyToTravel,
    ReceptionArranged,
    ScreeningRecorded,
    ScreeningStarted,
    TravelDocumentRecorded,
    VoluntarinessConfirmed,
)
from shared.messages import Concealed, Event
from tests.given import NOON, Given, folded, staff


def ref(number: int) -> UUID:
    """The id of an invented thing."""
    return UUID(int=number | 0x7 << 76 | 0x2 << 62)


CASE_ID, PLAN, GRANT, OTHER_GRANT = ref(1), ref(2), ref(3), ref(4)
MOTHER, FATHER, CHILD, STRANGER = ref(11), ref(12), ref(13), ref(14)
FAMILY = (MOTHER, FATHER, CHILD)

COUNSELLOR = staff("amira", "counsellor")
SUBMITTER = staff("dino", "counsellor")
COORDINATOR = staff("lejla", "coordinator")
OPERATIONS = staff("emir", "operations")
PROTECTION = staff("mirela", "protection")
OFFICE = staff("sana", "receiving_office", countries=("PK",))
REACTION = staff("reaction", "service")

EXPRESSED_AT = datetime(2023, 4, 3, 9, 0, tzinfo=UTC)
SCREENED_AT = datetime(2023, 4, 10, 9, 0, tzinfo=UTC)
SIGNED_AT = datetime(2023, 4, 11, 9, 0, tzinfo=UTC)
DEPARTS_AT = NOON + timedelta(hours=20)
ARRIVES_AT = DEPARTS_AT + timedelta(hours=9)
CLEARED_AT = DEPARTS_AT - timedelta(hours=2)
BOARDED_AT = DEPARTS_AT + timedelta(minutes=10)
LANDED_AT = ARRIVES_AT + timedelta(minutes=30)
AFTER_LANDING = ARRIVES_AT + timedelta(days=1)
A_MONTH_LATER = DEPARTS_AT + timedelta(days=31)
VALID_UNTIL = date(2026, 1, 31)
VALID_FROM = date(2023, 5, 1)
DECIDED_AT = NOON - timedelta(days=1)
RECEPTION = ReceptionArranged(arranged_at=NOON - timedelta(hours=1))


def covered(person_id: UUID, age_group: AgeGroup, *parent_ids: UUID) -> CoveredPerson:
    return CoveredPerson(
        person_id=person_id, sex="not_stated", age_group=age_group, country_of_origin="PK", parent_ids=parent_ids
    )


def opened(*persons: CoveredPerson) -> CaseOpened:
    return CaseOpened(
        case_ref=case_ref(CASE_ID),
        principal_id=persons[0].person_id,
        persons=persons,
        destination_country="PK",
        counsellor_id=COUNSELLOR.person_id,
        expressed_at=EXPRESSED_AT,
    )


def answered(person_id: UUID, **answers: Any) -> Voluntariness:
    """What somebody's wish rests on: everything as it should be, but for what is named."""
    child = person_id == CHILD
    as_it_should_be: dict[str, Any] = {
        "at": SCREENED_AT, "assessed_by": COUNSELLOR.person_id, "answered_by": MOTHER if child else person_id, "free": True,
        "informed": True, "capable": True, "company": "guardian" if child else "nobody", "interpreter": "professional",
        "child_heard": "heard" if child else None, "legal_consequences_explained": True, "alternatives_explained": True,
    }  # fmt: skip
    return Voluntariness(**{**as_it_should_be, **answers})


UNAFRAID, NOT_VULNERABLE = Fear(SCREENED_AT, fears_return=False), Vulnerability(SCREENED_AT, ())
BEST = BestInterests(SCREENED_AT, "determination", "return", ("child", "family", "guardian"))


def told(person_id: UUID, finding: Finding, *causes: AlertCause, record_id: UUID | None = None) -> ScreeningRecorded:
    """The fact that this was found out about somebody."""
    return found(record_id or ref(90), person_id, finding, causes)


def screened(person_id: UUID) -> tuple[Event, ...]:
    """Everything that screening has to find about somebody, and nothing that stands against their journey."""
    return (
        told(person_id, answered(person_id)),
        told(person_id, UNAFRAID),
        told(person_id, NOT_VULNERABLE),
        *((told(person_id, BEST),) if person_id == CHILD else ()),
    )


def signed(person_id: UUID, signed_by: UUID) -> DeclarationSigned:
    return DeclarationSigned(
        person_id=person_id, signed_by=signed_by, method="signature", language="urd", signed_at=SIGNED_AT
    )


def passport(person_id: UUID, valid_until: date = VALID_UNTIL) -> TravelDocumentRecorded:
    return TravelDocumentRecorded(person_id=person_id, document="passport", valid_until=valid_until)


def may_leave(person_id: UUID, valid_until: date | None = None) -> EvidenceRecorded:
    return recorded(person_id, Evidence("exit_formalities", SIGNED_AT, valid_until=valid_until))


def without_a_parent(stated: OtherParent | NotSettled = "consent_signed", at: datetime = NOON) -> EvidenceRecorded:
    """By what the child travels without one of its parents, or why that is not settled."""
    return recorded(CHILD, Evidence("other_parent", at, SIGNED_AT.date(), conditions=(stated,)))


def flagged(person_id: UUID, at: datetime = SIGNED_AT) -> EvidenceRecorded:
    return recorded(person_id, Evidence("fitness_asked", at))


def fit(
    person_id: UUID, *conditions: FitnessCondition, outcome: FitnessOutcome = "fit", valid_from: date = VALID_FROM,
    valid_until: date = VALID_UNTIL,
) -> EvidenceRecorded:  # fmt: skip
    stated: FitnessOutcome = "fit_with_conditions" if conditions else outcome
    return recorded(person_id, Evidence("fitness", DECIDED_AT, valid_from, valid_until, stated, conditions))


def lost(condition: str, lapsed_at: datetime | None = None) -> ClearanceLost:
    lapsed = lapsed_at.isoformat() if lapsed_at is not None else ""
    return ClearanceLost(condition="", reason=Concealed.of(condition), lapsed=Concealed.of(lapsed))


def booked(
    *person_ids: UUID, departs_at: datetime = DEPARTS_AT, arrives_at: datetime = ARRIVES_AT,
    assistance: tuple[Assistance, ...] = (), helped: UUID = MOTHER,
) -> BookingConfirmed:  # fmt: skip
    return BookingConfirmed(
        departs_at=departs_at, arrives_at=arrives_at, destination_country="PK", person_ids=person_ids, booked_at=NOON,
        assistance=tuple(
            AssistanceBooked(person_id=one, assistance=Concealed.of(",".join(assistance) if one == helped else ""))
            for one in person_ids
        ),
    )


def confirmed(person_id: UUID, at: datetime = NOON) -> VoluntarinessConfirmed:
    return VoluntarinessConfirmed(person_id=person_id, confirmed_at=at)


def left(person_id: UUID, at: datetime = BOARDED_AT, *, cleared: bool = True) -> PersonDeparted:
    return PersonDeparted(person_id=person_id, departed_at=at, cleared=cleared)


def landed(person_id: UUID, at: datetime = LANDED_AT) -> PersonArrived:
    return PersonArrived(person_id=person_id, arrived_at=at, known_by="met")


OPENED: tuple[Event, ...] = (
    opened(covered(MOTHER, "adult"), covered(FATHER, "adult"), covered(CHILD, "child", MOTHER, FATHER)),
)
SCREENING = (*OPENED, ScreeningStarted())
SCREENED = (*SCREENING, *(fact for person_id in FAMILY for fact in screened(person_id)))
DECLARED = (*SCREENED, signed(MOTHER, MOTHER), signed(FATHER, FATHER), signed(CHILD, FATHER))
APPLIED = (*DECLARED, ApplicationSubmitted(submitted_by=SUBMITTER.person_id))
APPROVED = (*APPLIED, CaseApproved(approved_by=COORDINATOR.person_id))
PREPARING = (*APPROVED, PreparationStarted(programme="AVRR-BA", receiving_country="PK"))
PLANNED = (*PREPARING, OwnPlanNoted(plan_id=PLAN, person_ids=FAMILY))
DOCUMENTED = (*PLANNED, *(passport(person_id) for person_id in FAMILY), *(may_leave(person_id) for person_id in FAMILY))
BOOKED = (*DOCUMENTED, booked(*FAMILY), RECEPTION)
READY = (*BOOKED, ReadyToTravel())
CONFIRMED = (*READY, confirmed(MOTHER), confirmed(FATHER))
CLEARED = (*CONFIRMED, ClearedToBoard(cleared_at=CLEARED_AT))
DEPARTED = (*CLEARED, *(left(person_id) for person_id in FAMILY), CaseDeparted(departed_at=BOARDED_AT))
ARRIVED = (*DEPARTED, *(landed(person_id) for person_id in FAMILY), CaseArrived(arrived_at=LANDED_AT))

# What came of the case is on record.
REPORT = written(
    ref(95), Findings("held_in_person", NOON.date(), ("health", "income"), "reached", "positive", "done"), OFFICE.person_id,
    NOON,
)  # fmt: skip

EVERYTHING_KNOWN = CaseFacts(
    persons=tuple(KnownPerson(person_id, counselled_at=EXPRESSED_AT, data_consent=True, heard_alone=True) for person_id in FAMILY),
    followers_caught_up_at=NOON,
)


def given(*past: Event) -> Given[Case, CaseFacts]:
    """The case after these facts, while everything about its persons is known and fresh at noon."""
    return Given(CASE, EVERYTHING_KNOWN, past)


def caught_up(at: datetime) -> CaseFacts:
    return replace(EVERYTHING_KNOWN, followers_caught_up_at=at)


def knowing(
    person_id: UUID, *, counselled: bool = True, data_consent: bool = True, heard_alone: bool = True
) -> CaseFacts:
    """The same facts, but for one person."""
    known = KnownPerson(person_id, EXPRESSED_AT if counselled else None, data_consent, heard_alone)
    return replace(
        EVERYTHING_KNOWN,
        persons=tuple(known if other.person_id == person_id else other for other in EVERYTHING_KNOWN.persons),
    )


def after(*past: Event) -> Case:
    """The case after these facts."""
    case = folded(CASE, past)
    assert case is not None
    return case
