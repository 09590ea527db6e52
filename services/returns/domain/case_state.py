"""The state of a return case: its status, each person's own travel, and how every fact changes them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, Literal, cast
from uuid import UUID

from shared.contracts.counselling import AgeGroup, Sex
from shared.contracts.returns import (
    ApplicationSubmitted,
    BookingConfirmed,
    CaseApproved,
    CaseArrived,
    CaseClosed,
    CaseDeclaredIneligible,
    CaseDeparted,
    CaseLapsed,
    CaseNotDeparted,
    CaseOpened,
    CaseWithdrawn,
    ClearanceLost,
    ClearedToBoard,
    ClosingRefused,
    ClosingRequested,
    ClosureReason,
    ContactTried,
    DeclarationSigned,
    FlightMissed,
    GrantStage,
    GrantStageNoted,
    MonitoringStarted,
    OwnPlanNoted,
    PersonArrived,
    PersonDeparted,
    PersonScreened,
    PersonWithdrew,
    PlanAgreementNoted,
    PreparationStarted,
    ReadyToTravel,
    ReintegrationStarted,
    ScreeningStarted,
    TravelDocumentKind,
    TravelDocumentRecorded,
    VoluntarinessConfirmed,
)
from shared.messages import Event

Status = Literal[
    "intention", "screening", "applied", "approved", "preparing", "ready_to_travel", "cleared_to_board", "departed",
    "arrived", "reintegrating", "grant_approved", "grant_disbursed", "monitoring", "closing", "closed", "withdrawn",
    "ineligible", "not_departed", "lapsed",
]
Travel = Literal["expected", "withdrawn", "departed", "arrived"]

BEFORE_DEPARTURE: Final[tuple[Status, ...]] = (
    "intention", "screening", "applied", "approved", "preparing", "ready_to_travel", "cleared_to_board",
)
GATED: Final[tuple[Status, ...]] = ("ready_to_travel", "cleared_to_board")
FOLLOWING_GRANTS: Final[tuple[Status, ...]] = ("reintegrating", "grant_approved", "grant_disbursed", "monitoring")
TERMINAL: Final[tuple[Status, ...]] = ("closed", "withdrawn", "ineligible", "not_departed", "lapsed")

_GRANT_LED: Final = frozenset(FOLLOWING_GRANTS)

BEGINNINGS: Final[frozenset[str]] = frozenset({"intention"})
TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    "intention": frozenset({"screening", "departed", "withdrawn", "lapsed"}),
    "screening": frozenset({"applied", "departed", "withdrawn", "ineligible", "lapsed"}),
    "applied": frozenset({"approved", "departed", "withdrawn", "ineligible", "lapsed"}),
    "approved": frozenset({"preparing", "departed", "withdrawn", "lapsed"}),
    "preparing": frozenset({"ready_to_travel", "departed", "withdrawn", "lapsed"}),
    "ready_to_travel": frozenset({"cleared_to_board", "preparing", "departed", "withdrawn"}),
    "cleared_to_board": frozenset({"preparing", "departed", "withdrawn"}),
    "departed": frozenset({"arrived", "not_departed"}),
    "arrived": frozenset({*_GRANT_LED, "closing"}),
    "reintegrating": frozenset({"grant_approved", "grant_disbursed", "monitoring", "closing"}),
    "grant_approved": frozenset({"reintegrating", "grant_disbursed", "monitoring"}),
    "grant_disbursed": frozenset({"reintegrating", "grant_approved", "monitoring", "closing"}),
    "monitoring": frozenset({"reintegrating", "grant_approved", "grant_disbursed", "closing"}),
    "closing": frozenset({"closed", "arrived", *_GRANT_LED}),
    "closed": frozenset(),
    "withdrawn": frozenset(),
    "ineligible": frozenset(),
    "not_departed": frozenset(),
    "lapsed": frozenset(),
}

# One command may state several facts (the last one waited for withdraws, so the case has departed, and as the others
# have arrived it has arrived), but its row is written once: this is what a row may do, for the database to hold.
ROW_TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    status: (
        to | {"arrived"} | _GRANT_LED if "departed" in to else to | _GRANT_LED if status == "departed" else to
    )
    for status, to in TRANSITIONS.items()
}


class IllegalTransition(AssertionError):
    """A fact would move a case along a way that is not declared: a programming error."""


@dataclass(frozen=True, slots=True)
class CasePerson:
    """One person of a case with what their own journey needs; ``declared_by`` is who signed the declaration for them.

    ``confirmed_at`` is when an adult last confirmed, for the present booking, that they still wish to go.
    """

    person_id: UUID
    sex: Sex
    age_group: AgeGroup
    country_of_origin: str
    travel: Travel = "expected"
    screened_at: datetime | None = None
    declared_by: UUID | None = None
    own_plan_id: UUID | None = None
    document: TravelDocumentKind | None = None
    document_valid_until: date | None = None
    confirmed_at: datetime | None = None
    departed_at: datetime | None = None
    arrived_at: datetime | None = None

    @property
    def is_adult(self) -> bool:
        """Whether the person was an adult when the intention was recorded."""
        return self.age_group == "adult"


@dataclass(frozen=True, slots=True)
class Booking:
    """Confirmed seats to the final destination, for these persons."""

    departs_at: datetime
    arrives_at: datetime
    person_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class NotedGrant:
    """How far one grant of the case is, as reintegration last told."""

    grant_id: UUID
    stage: GrantStage


@dataclass(frozen=True, slots=True)
class Case:
    """A return case from an intention to its end.

    ``departs_at``, ``arrives_at`` and ``booked_person_ids`` are the present booking; ``departed_at`` and
    ``arrived_at`` are when the last of its persons did. ``contact_tried_at`` holds the tries since ``last_contact_at``,
    the latest moment at which somebody of the case was certainly in contact with us.
    """

    case_ref: str
    status: Status
    destination_country: str
    principal_id: UUID
    counsellor_id: str
    persons: tuple[CasePerson, ...]
    expressed_at: datetime
    last_contact_at: datetime
    contact_tried_at: tuple[datetime, ...] = ()
    submitted_by: str | None = None
    approved_by: str | None = None
    programme: str | None = None
    receiving_country: str | None = None
    departs_at: datetime | None = None
    arrives_at: datetime | None = None
    booked_person_ids: tuple[UUID, ...] = ()
    cleared_at: datetime | None = None
    times_missed: int = 0
    departed_at: datetime | None = None
    arrived_at: datetime | None = None
    agreed_plan_id: UUID | None = None
    grants: tuple[NotedGrant, ...] = ()
    status_before_closing: Status | None = None
    closure_reason: ClosureReason | None = None

    def person(self, person_id: UUID) -> CasePerson | None:
        """The person of this case under this id, also one who withdrew."""
        return next((person for person in self.persons if person.person_id == person_id), None)

    @property
    def travelling(self) -> tuple[CasePerson, ...]:
        """Those who have neither withdrawn nor left: for them the journey is prepared."""
        return tuple(person for person in self.persons if person.travel == "expected")

    @property
    def gone(self) -> tuple[CasePerson, ...]:
        """Those who have left, arrived or not."""
        return tuple(person for person in self.persons if person.travel in ("departed", "arrived"))

    @property
    def consenting(self) -> tuple[CasePerson, ...]:
        """Those travelling whose own data consent is needed: every adult, and the principal of whatever age."""
        return tuple(
            person for person in self.travelling if person.is_adult or person.person_id == self.principal_id
        )

    @property
    def booking(self) -> Booking | None:
        """The present booking, if there is one."""
        if self.departs_at is None or self.arrives_at is None:
            return None
        return Booking(self.departs_at, self.arrives_at, self.booked_person_ids)


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """What the records of persons say about one person of the case."""

    person_id: UUID
    counselled_at: datetime | None = None
    data_consent: bool = False


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What the persons' records say, and until when everything that happened elsewhere is known here.

    ``followers_caught_up_at`` is the last moment at which every consumer of this service had nothing left to read. A
    shell on a replayed clock hands in the replayed ``now`` while they are caught up. None: not known, so stale.
    """

    persons: tuple[KnownPerson, ...] = ()
    followers_caught_up_at: datetime | None = None

    def of(self, person_id: UUID) -> KnownPerson:
        """What is known of one person; of a stranger, nothing that would let anybody travel."""
        return next((known for known in self.persons if known.person_id == person_id), KnownPerson(person_id))


def standing(grants: Iterable[NotedGrant]) -> Status:
    """The status that a case's grants give it once reintegration has started.

    Live is a grant that has not ended. A paid grant counts as approved, so that a new request beside it does not hide
    that there is a grant; without any grant the case is reintegrating.
    """
    stages = [grant.stage for grant in grants]
    live = [stage for stage in stages if stage != "ended"]
    if not stages:
        return "reintegrating"
    if not live:
        return "monitoring"
    if all(stage == "disbursed" for stage in live):
        return "grant_disbursed"
    if any(stage in ("approved", "disbursed") for stage in live):
        return "grant_approved"
    return "reintegrating"


def with_grant(grants: tuple[NotedGrant, ...], grant_id: UUID, stage: GrantStage) -> tuple[NotedGrant, ...]:
    """The grants with one of them at this stage, in the order in which they became known."""
    noted = NotedGrant(grant_id, stage)
    if any(grant.grant_id == grant_id for grant in grants):
        return tuple(noted if grant.grant_id == grant_id else grant for grant in grants)
    return (*grants, noted)


def evolve(state: Case | None, event: Event) -> Case:
    """The case after one fact; TypeError for a fact that is not a case's or comes out of turn, `IllegalTransition`."""
    if isinstance(event, CaseOpened) and state is None:
        return _opened(event)
    if state is None:
        raise TypeError(f"a case cannot begin with {type(event).__name__}")
    match event:
        case ScreeningStarted():
            return replace(state, status=_moved(state, "screening"))
        case PersonScreened():
            screened = _person(state, event.person_id, screened_at=event.screened_at)
            return _in_contact(screened, event.screened_at)
        case DeclarationSigned():
            declared = _person(state, event.person_id, declared_by=event.signed_by)
            return _in_contact(declared, event.signed_at)
        case ApplicationSubmitted():
            return replace(state, status=_moved(state, "applied"), submitted_by=event.submitted_by)
        case CaseDeclaredIneligible():
            return replace(state, status=_moved(state, "ineligible"))
        case CaseApproved():
            return replace(state, status=_moved(state, "approved"), approved_by=event.approved_by)
        case PreparationStarted():
            return replace(
                state,
                status=_moved(state, "preparing"),
                programme=event.programme,
                receiving_country=event.receiving_country,
            )
        case TravelDocumentRecorded():
            return _person(
                state, event.person_id, document=event.document, document_valid_until=event.valid_until
            )
        case OwnPlanNoted():
            return _covered(state, event)
        case BookingConfirmed():
            return replace(
                _without_booking(state),
                departs_at=event.departs_at,
                arrives_at=event.arrives_at,
                booked_person_ids=event.person_ids,
            )
        case ReadyToTravel():
            return replace(state, status=_moved(state, "ready_to_travel"))
        case VoluntarinessConfirmed():
            confirmed = _person(state, event.person_id, confirmed_at=event.confirmed_at)
            return _in_contact(confirmed, event.confirmed_at)
        case ClearedToBoard():
            return replace(state, status=_moved(state, "cleared_to_board"), cleared_at=event.cleared_at)
        case ClearanceLost():
            return replace(_unconfirmed(state), status=_moved(state, "preparing"))
        case FlightMissed():
            return replace(
                _without_booking(state), status=_moved(state, "preparing"), times_missed=event.times_missed
            )
        case PersonDeparted():
            departed = _person(state, event.person_id, travel="departed", departed_at=event.departed_at)
            # The seat is used: what remains booked is what those need who have not left.
            seats = tuple(seat for seat in state.booked_person_ids if seat != event.person_id)
            return replace(departed, booked_person_ids=seats)
        case CaseDeparted():
            return replace(state, status=_moved(state, "departed"), departed_at=event.departed_at)
        case PersonArrived():
            return _person(state, event.person_id, travel="arrived", arrived_at=event.arrived_at)
        case CaseArrived():
            return replace(state, status=_moved(state, "arrived"), arrived_at=event.arrived_at)
        case CaseNotDeparted():
            stayed = _persons(state, event.person_ids, travel="expected", departed_at=None)
            return replace(stayed, status=_moved(state, "not_departed"), departed_at=None)
        case PersonWithdrew():
            return _withdrew(state, event.person_id)
        case CaseWithdrawn():
            return replace(
                _persons(state, event.person_ids, travel="withdrawn"), status=_moved(state, "withdrawn")
            )
        case ContactTried():
            return replace(state, contact_tried_at=(*state.contact_tried_at, event.tried_at))
        case CaseLapsed():
            return replace(state, status=_moved(state, "lapsed"))
        case PlanAgreementNoted():
            return replace(state, agreed_plan_id=event.plan_id)
        case ReintegrationStarted():
            return replace(state, status=_moved(state, event.status), agreed_plan_id=event.plan_id)
        case GrantStageNoted():
            grants = with_grant(state.grants, event.grant_id, event.stage)
            status = state.status if event.status == state.status else _moved(state, event.status)
            return replace(state, grants=grants, status=status)
        case MonitoringStarted():
            return replace(state, status=_moved(state, "monitoring"))
        case ClosingRequested():
            return replace(
                state,
                status=_moved(state, "closing"),
                status_before_closing=state.status,
                closure_reason=event.reason,
            )
        case ClosingRefused():
            return replace(
                state,
                status=_moved(state, _status_if_not_closing(state)),
                status_before_closing=None,
                closure_reason=None,
            )
        case CaseClosed():
            return replace(state, status=_moved(state, "closed"), status_before_closing=None)
        case _:
            raise TypeError(f"{type(event).__name__} does not apply to a case here")


def _moved(case: Case, to: str) -> Status:
    if to not in TRANSITIONS[case.status]:
        raise IllegalTransition(f"case: {case.status} to {to}")
    return cast("Status", to)


def _opened(event: CaseOpened) -> Case:
    return Case(
        case_ref=event.case_ref,
        status="intention",
        destination_country=event.destination_country,
        principal_id=event.principal_id,
        counsellor_id=event.counsellor_id,
        persons=tuple(
            CasePerson(person.person_id, person.sex, person.age_group, person.country_of_origin)
            for person in event.persons
        ),
        expressed_at=event.expressed_at,
        last_contact_at=event.expressed_at,
    )


def _persons(case: Case, person_ids: Iterable[UUID], **changes: object) -> Case:
    named = frozenset(person_ids)
    return replace(
        case,
        persons=tuple(
            replace(person, **changes) if person.person_id in named else person  # type: ignore[arg-type]
            for person in case.persons
        ),
    )


def _person(case: Case, person_id: UUID, **changes: object) -> Case:
    return _persons(case, (person_id,), **changes)


def _in_contact(case: Case, at: datetime) -> Case:
    last = max(case.last_contact_at, at)
    return replace(
        case,
        last_contact_at=last,
        contact_tried_at=tuple(tried_at for tried_at in case.contact_tried_at if tried_at > last),
    )


def _covered(case: Case, event: OwnPlanNoted) -> Case:
    dropped = [person.person_id for person in case.persons if person.own_plan_id == event.plan_id]
    return _persons(_persons(case, dropped, own_plan_id=None), event.person_ids, own_plan_id=event.plan_id)


def _unconfirmed(case: Case) -> Case:
    everybody = (person.person_id for person in case.persons)
    return replace(_persons(case, everybody, confirmed_at=None), cleared_at=None)


def _without_booking(case: Case) -> Case:
    return replace(_unconfirmed(case), departs_at=None, arrives_at=None, booked_person_ids=())


def _withdrew(case: Case, person_id: UUID) -> Case:
    # A guardian who withdraws takes the signature for the children along: another adult must sign for them anew.
    signed_for = [person.person_id for person in case.persons if person.declared_by == person_id]
    left = _person(_persons(case, signed_for, declared_by=None), person_id, travel="withdrawn", confirmed_at=None)
    if person_id != case.principal_id:
        return left
    going_on = [person for person in left.persons if person.travel != "withdrawn"]
    successor = next((person for person in going_on if person.is_adult), going_on[0])
    return replace(left, principal_id=successor.person_id)


def _status_if_not_closing(case: Case) -> Status:
    if case.status_before_closing == "arrived" or not case.grants:
        return case.status_before_closing or "arrived"
    return standing(case.grants)
