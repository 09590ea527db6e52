"""How every fact changes a return case."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import cast
from uuid import UUID

from services.returns.domain.case_state import (
    TRANSITIONS,
    Case,
    CasePerson,
    Status,
    standing,
    with_grant,
)
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
    ContactTried,
    DeclarationSigned,
    FlightMissed,
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
    TravelDocumentRecorded,
    VoluntarinessConfirmed,
)
from shared.messages import Event
from shared.transitions import moved


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
                flight=event.flight,
                needs=event.needs,
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
            last = state.departed_at
            if state.status == "departed" and last is not None:
                last = max(last, event.departed_at)
            return replace(departed, booked_person_ids=seats, departed_at=last)
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
    # An event carries its status as a plain string; only a declared one gets past the table.
    return cast("Status", moved(TRANSITIONS, case.status, to))


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
    return replace(_unconfirmed(case), departs_at=None, arrives_at=None, booked_person_ids=(), flight=None, needs=())


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
