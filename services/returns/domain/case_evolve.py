"""How every fact changes a return case."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.returns.domain.case_aged import aged
from services.returns.domain.case_changes import (
    moved_to,
    unconfirmed,
    with_person,
    with_persons,
    with_screening,
    withdrew,
    without_booking,
)
from services.returns.domain.case_corrected import corrected
from services.returns.domain.case_held import (
    got_to,
    held,
    hold_of,
    lifted,
    no_longer_held,
    stopped_no_more,
)
from services.returns.domain.case_regrouped import regrouped, split_off
from services.returns.domain.case_state import (
    Case,
    CasePerson,
    Evidence,
    Status,
    standing,
    with_grant,
)
from services.returns.domain.case_times import in_time, lands_at, lapsed_in
from services.returns.domain.final_report import report_in
from services.returns.domain.journey_evidence import assistance_in, evidence_in
from services.returns.domain.screening_facts import with_recorded
from services.returns.domain.support import with_support
from services.returns.domain.tickets import with_ticket_cost
from shared.contracts.departures import DepartureConfirmationAsked, DepartureConfirmed, TicketCostRecorded
from shared.contracts.families import CaseSplitOff
from shared.contracts.final_report import FinalReportWritten
from shared.contracts.reopening import ReopeningRefused, ReopeningRequested
from shared.contracts.returns import (
    ApplicationSubmitted,
    ArrivalOverdue,
    BookingConfirmed,
    CaseApproved,
    CaseArrived,
    CaseClosed,
    CaseDeclaredIneligible,
    CaseDeparted,
    CaseLapsed,
    CaseNotDeparted,
    CaseOpened,
    CaseReopened,
    CaseWithdrawn,
    ClearanceLost,
    ClearedToBoard,
    ClosingRefused,
    ClosingRequested,
    ContactTried,
    DeclarationSigned,
    EvidenceRecorded,
    FlightMissed,
    GrantStageNoted,
    HoldLifted,
    HoldPlaced,
    MonitoringStarted,
    OwnPlanNoted,
    PersonArrived,
    PersonDeparted,
    PersonScreened,
    PersonWithdrew,
    PlanAgreementNoted,
    PreparationStarted,
    ReadyToTravel,
    ReceptionArranged,
    ReintegrationStarted,
    ScreeningRecorded,
    ScreeningStarted,
    TransitInterrupted,
    TravelDocumentRecorded,
    VoluntarinessConfirmed,
)
from shared.messages import Event


def evolve(state: Case | None, event: Event) -> Case:
    """The case after one fact; TypeError for a fact that is not a case's or comes out of turn, `IllegalTransition`."""
    return in_time(_changed(state, event))


def _changed(state: Case | None, event: Event) -> Case:
    if isinstance(event, CaseOpened) and state is None:
        return _opened(event)
    if isinstance(event, CaseSplitOff) and state is None:
        return split_off(event)
    if state is None:
        raise TypeError(f"a case cannot begin with {type(event).__name__}")
    match event:
        case ScreeningStarted():
            return replace(state, status=moved_to(state, "screening"))
        case PersonScreened():
            return _in_contact(state, event.screened_at)
        case ScreeningRecorded():
            return _screened(state, event)
        case DeclarationSigned():
            declared = with_person(state, event.person_id, declared_by=event.signed_by)
            return _in_contact(declared, event.signed_at)
        case ApplicationSubmitted():
            return replace(state, status=moved_to(state, "applied"), submitted_by=event.submitted_by)
        case CaseDeclaredIneligible():
            return replace(state, status=moved_to(state, "ineligible"))
        case CaseApproved():
            return replace(state, status=moved_to(state, "approved"), approved_by=event.approved_by)
        case PreparationStarted():
            return replace(
                state,
                status=moved_to(state, "preparing"),
                programme=event.programme,
                receiving_country=event.receiving_country,
            )
        case TravelDocumentRecorded():
            return with_person(
                state, event.person_id, document=event.document, document_valid_until=event.valid_until
            )
        case EvidenceRecorded():
            evidence = evidence_in(event)
            return state if evidence is None else _with_evidence(state, event.person_id, evidence)
        case ReceptionArranged():
            return replace(state, reception_arranged_at=event.arranged_at)
        case OwnPlanNoted():
            return _covered(state, event)
        case BookingConfirmed():
            return replace(
                _assisted(without_booking(state), event),
                departs_at=event.departs_at,
                arrives_at=event.arrives_at,
                booked_person_ids=event.person_ids,
                flight=event.flight,
                needs=event.needs,
                transit_country=event.transit_country,
                transit_visa_needed=event.transit_visa_needed,
                booked_at=event.booked_at,
                times_booked=state.times_booked + 1,
            )
        case ReadyToTravel():
            return replace(state, status=moved_to(state, "ready_to_travel"))
        case VoluntarinessConfirmed():
            confirmed = with_person(state, event.person_id, confirmed_at=event.confirmed_at)
            return _in_contact(confirmed, event.confirmed_at)
        case ClearedToBoard():
            return replace(state, status=moved_to(state, "cleared_to_board"), cleared_at=event.cleared_at, clearance_lapsed_at=None)
        case ClearanceLost():
            lost = replace(unconfirmed(state), status=moved_to(state, "preparing"))
            lapsed_at = lapsed_in(event)
            if lapsed_at is None:
                return lost
            return replace(lost, cleared_at=state.cleared_at, clearance_lapsed_at=lapsed_at)
        case FlightMissed():
            status = state.status if state.status == "preparing" else moved_to(state, "preparing")
            return replace(without_booking(state), status=status, times_missed=event.times_missed)
        case _:
            return _since_departure(state, event)


def _since_departure(state: Case, event: Event) -> Case:
    match event:
        case PersonDeparted():
            departed = with_person(
                state, event.person_id, travel="departed", departed_at=event.departed_at,
                expected_at=lands_at(state, event.departed_at),
            )  # fmt: skip
            # The seat is used: what remains booked is what those need who have not left.
            seats = tuple(seat for seat in state.booked_person_ids if seat != event.person_id)
            last = state.departed_at
            if state.stretch == "departed" and last is not None:
                last = max(last, event.departed_at)
            return replace(departed, booked_person_ids=seats, departed_at=last)
        case CaseDeparted():
            return replace(got_to(state, "departed"), departed_at=event.departed_at)
        case PersonArrived():
            # Whoever is met has left.
            arrived = with_person(state, event.person_id, travel="arrived", arrived_at=event.arrived_at, correction=None)
            return stopped_no_more(arrived, event.arrived_at)
        case CaseArrived():
            return replace(got_to(state, "arrived"), arrived_at=event.arrived_at)
        case ArrivalOverdue():
            return with_persons(state, event.person_ids, overdue_at=event.expected_at)
        case DepartureConfirmationAsked():
            return replace(state, departure_asked_at=event.asked_at)
        case DepartureConfirmed():
            return replace(state, departure_asked_at=None, departure_confirmed_at=event.confirmed_at)
        case CaseNotDeparted():
            stayed = with_persons(state, event.person_ids, travel="expected", departed_at=None, correction=None)
            return replace(without_booking(stayed), status=moved_to(state, "not_departed"), departed_at=None)
        case PlanAgreementNoted():
            return replace(state, agreed_plan_id=event.plan_id)
        case ReintegrationStarted():
            return replace(got_to(state, event.status), agreed_plan_id=event.plan_id)
        case GrantStageNoted():
            noted = replace(state, grants=with_grant(state.grants, event.grant_id, event.stage))
            # Of a held case the status stood there that it had, before grants moved its stretch.
            return noted if event.status in (state.status, state.stretch) else got_to(noted, event.status)
        case MonitoringStarted():
            return got_to(state, "monitoring")
        case FinalReportWritten():
            return replace(state, final_report=report_in(event))
        case ClosingRequested():
            return replace(
                state,
                status=moved_to(state, "closing"),
                status_before_closing=state.status,
                closure_reason=event.reason,
            )
        case ClosingRefused():
            return replace(
                state,
                status=moved_to(state, _status_if_not_closing(state)),
                status_before_closing=None,
                closure_reason=None,
            )
        case CaseClosed():
            return replace(state, status=moved_to(state, "closed"), status_before_closing=None)
        case ReopeningRequested():
            return replace(state, reopening_reason=event.reason)
        case ReopeningRefused():
            return replace(state, reopening_reason=None)
        case CaseReopened():
            status = moved_to(state, standing(state.grants))
            # What is taken up again ends with a report of its own.
            return replace(state, status=status, closure_reason=None, reopening_reason=None, final_report=None)
        case _:
            return _aside(state, event)


def _aside(state: Case, event: Event) -> Case:
    match event:
        case PersonWithdrew():
            return withdrew(state, event.person_id)
        case CaseWithdrawn():
            withdrawn = with_persons(without_booking(state), event.person_ids, travel="withdrawn", withdrew=True)
            ended = no_longer_held(withdrawn)
            return replace(ended, status=moved_to(state, "withdrawn"))
        case ContactTried():
            return replace(state, contact_tried_at=(*state.contact_tried_at, event.tried_at))
        case CaseLapsed():
            return replace(without_booking(state), status=moved_to(state, "lapsed"))
        case HoldPlaced() | TransitInterrupted():
            return held(state, hold_of(event))
        case HoldLifted():
            return lifted(state, (event.hold_id,), event.lifted_at)
        case TicketCostRecorded():
            return replace(state, ticket_costs=with_ticket_cost(state.ticket_costs, event))
        case _:
            if (supports := with_support(state.supports, event)) is not None:
                return replace(state, supports=supports)
            found = corrected(state, event) or regrouped(state, event) or aged(state, event)
            if found is not None:
                return found
            raise TypeError(f"{type(event).__name__} does not apply to a case here")


def _opened(event: CaseOpened) -> Case:
    return Case(
        case_ref=event.case_ref,
        status="intention",
        destination_country=event.destination_country,
        principal_id=event.principal_id,
        counsellor_id=event.counsellor_id,
        persons=tuple(
            CasePerson(
                person.person_id, person.sex, person.age_group, person.country_of_origin, parent_ids=person.parent_ids
            )
            for person in event.persons
        ),
        expressed_at=event.expressed_at,
        last_contact_at=event.expressed_at,
    )


def _in_contact(case: Case, at: datetime) -> Case:
    last = max(case.last_contact_at, at)
    return replace(
        case,
        last_contact_at=last,
        contact_tried_at=tuple(tried_at for tried_at in case.contact_tried_at if tried_at > last),
    )


def _covered(case: Case, event: OwnPlanNoted) -> Case:
    dropped = [person.person_id for person in case.persons if person.own_plan_id == event.plan_id]
    return with_persons(with_persons(case, dropped, own_plan_id=None), event.person_ids, own_plan_id=event.plan_id)


def _assisted(case: Case, event: BookingConfirmed) -> Case:
    persons = (replace(person, assistance=assistance_in(event, person.person_id)) for person in case.persons)
    return replace(case, persons=tuple(persons))


def _with_evidence(case: Case, person_id: UUID, evidence: Evidence) -> Case:
    person = case.person(person_id)
    others = (one for one in person.evidence if one.kind != evidence.kind) if person is not None else ()
    return with_person(case, person_id, evidence=(*others, evidence))


def _screened(case: Case, event: ScreeningRecorded) -> Case:
    return with_screening(case, with_recorded(case.screening_of(event.person_id), event))


def _status_if_not_closing(case: Case) -> Status:
    before = case.status_before_closing
    assert before is not None
    return before if before == "arrived" or not case.grants else standing(case.grants)
