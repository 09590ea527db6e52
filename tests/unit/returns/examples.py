"""An invented family's return case, fact by fact from the wish to return to the arrival, and the people around it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from services.returns.domain.case import CASE
from services.returns.domain.case_ref import case_ref
from services.returns.domain.case_state import Case, CaseFacts, KnownPerson
from shared.contracts.counselling import AgeGroup, CoveredPerson
from shared.contracts.returns import (
    ApplicationSubmitted,
    BookingConfirmed,
    CaseApproved,
    CaseArrived,
    CaseDeparted,
    CaseOpened,
    ClearedToBoard,
    DeclarationSigned,
    OwnPlanNoted,
    PersonArrived,
    PersonDeparted,
    PersonScreened,
    PreparationStarted,
    ReadyToTravel,
    ScreeningStarted,
    TravelDocumentRecorded,
    VoluntarinessConfirmed,
)
from shared.messages import Event
from tests.given import NOON, Given, staff


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


def covered(person_id: UUID, age_group: AgeGroup) -> CoveredPerson:
    return CoveredPerson(person_id=person_id, sex="not_stated", age_group=age_group, country_of_origin="PK")


def opened(*persons: CoveredPerson) -> CaseOpened:
    return CaseOpened(
        case_ref=case_ref(CASE_ID),
        principal_id=persons[0].person_id,
        persons=persons,
        destination_country="PK",
        counsellor_id=COUNSELLOR.person_id,
        expressed_at=EXPRESSED_AT,
    )


def screened(person_id: UUID) -> PersonScreened:
    return PersonScreened(
        person_id=person_id,
        screened_at=SCREENED_AT,
        alternatives_explained=True,
        legal_consequences_explained=True,
        voluntary=True,
    )


def signed(person_id: UUID, signed_by: UUID) -> DeclarationSigned:
    return DeclarationSigned(
        person_id=person_id, signed_by=signed_by, method="signature", language="urd", signed_at=SIGNED_AT
    )


def passport(person_id: UUID, valid_until: date = VALID_UNTIL) -> TravelDocumentRecorded:
    return TravelDocumentRecorded(person_id=person_id, document="passport", valid_until=valid_until)


def booked(*person_ids: UUID, departs_at: datetime = DEPARTS_AT, arrives_at: datetime = ARRIVES_AT) -> BookingConfirmed:
    return BookingConfirmed(
        departs_at=departs_at, arrives_at=arrives_at, destination_country="PK", person_ids=person_ids
    )


def confirmed(person_id: UUID, at: datetime = NOON) -> VoluntarinessConfirmed:
    return VoluntarinessConfirmed(person_id=person_id, confirmed_at=at)


def left(person_id: UUID, at: datetime = BOARDED_AT, *, cleared: bool = True) -> PersonDeparted:
    return PersonDeparted(person_id=person_id, departed_at=at, cleared=cleared)


def landed(person_id: UUID, at: datetime = LANDED_AT) -> PersonArrived:
    return PersonArrived(person_id=person_id, arrived_at=at, known_by="met")


OPENED: tuple[Event, ...] = (
    opened(covered(MOTHER, "adult"), covered(FATHER, "adult"), covered(CHILD, "child")),
)
SCREENING = (*OPENED, ScreeningStarted())
SCREENED = (*SCREENING, *(screened(person_id) for person_id in FAMILY))
DECLARED = (*SCREENED, signed(MOTHER, MOTHER), signed(FATHER, FATHER), signed(CHILD, FATHER))
APPLIED = (*DECLARED, ApplicationSubmitted(submitted_by=SUBMITTER.person_id))
APPROVED = (*APPLIED, CaseApproved(approved_by=COORDINATOR.person_id))
PREPARING = (*APPROVED, PreparationStarted(programme="AVRR-BA", receiving_country="PK"))
PLANNED = (*PREPARING, OwnPlanNoted(plan_id=PLAN, person_ids=FAMILY))
DOCUMENTED = (*PLANNED, *(passport(person_id) for person_id in FAMILY))
BOOKED = (*DOCUMENTED, booked(*FAMILY))
READY = (*BOOKED, ReadyToTravel())
CONFIRMED = (*READY, confirmed(MOTHER), confirmed(FATHER))
CLEARED = (*CONFIRMED, ClearedToBoard(cleared_at=CLEARED_AT))
DEPARTED = (*CLEARED, *(left(person_id) for person_id in FAMILY), CaseDeparted(departed_at=BOARDED_AT))
ARRIVED = (*DEPARTED, *(landed(person_id) for person_id in FAMILY), CaseArrived(arrived_at=LANDED_AT))

EVERYTHING_KNOWN = CaseFacts(
    persons=tuple(KnownPerson(person_id, counselled_at=EXPRESSED_AT, data_consent=True) for person_id in FAMILY),
    followers_caught_up_at=NOON,
)


def given(*past: Event) -> Given[Case, CaseFacts]:
    """The case after these facts, while everything about its persons is known and fresh at noon."""
    return Given(CASE, EVERYTHING_KNOWN, past)


def caught_up(at: datetime) -> CaseFacts:
    return replace(EVERYTHING_KNOWN, followers_caught_up_at=at)


def knowing(person_id: UUID, *, counselled: bool = True, data_consent: bool = True) -> CaseFacts:
    """The same facts, but for one person."""
    known = KnownPerson(person_id, EXPRESSED_AT if counselled else None, data_consent)
    return replace(
        EVERYTHING_KNOWN,
        persons=tuple(known if other.person_id == person_id else other for other in EVERYTHING_KNOWN.persons),
    )


def after(*past: Event) -> Case:
    """The case after these facts."""
    case = CASE.fold(past)
    assert case is not None
    return case
