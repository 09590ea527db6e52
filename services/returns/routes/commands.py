"""Returns' API: each route gives one command or answers one question."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import APIRouter

from services.returns import queries, wiring
from services.returns.domain.case_application import (
    ApproveCase,
    DeclareIneligible,
    SignDeclaration,
    StartScreening,
    SubmitApplication,
)
from services.returns.domain.case_departure_asked import AskToConfirmDeparture, ConfirmDeparture
from services.returns.domain.case_final_report import WriteFinalReport
from services.returns.domain.case_holds import LiftHold, PutOnHold, RecordTransitInterrupted
from services.returns.domain.case_journey import ConfirmArrival, RecordDeparture, RecordNotDeparted
from services.returns.domain.case_preparation import (
    ClearToBoard,
    ConfirmBooking,
    ConfirmVoluntariness,
    MarkReadyToTravel,
    RecordMissedFlight,
    RecordTravelDocument,
    StartPreparation,
)
from services.returns.domain.case_reintegration import RequestClosing, StartMonitoring
from services.returns.domain.case_reopening import ReopenCase
from services.returns.domain.case_state import BEFORE_DEPARTURE, GATED
from services.returns.domain.case_tickets import RecordTicketCost
from services.returns.domain.case_withdrawal import (
    LapseCase,
    RecordContactTried,
    WithdrawCase,
    WithdrawPerson,
)
from services.returns.domain.gate import first_unmet, gate, gate_told_to
from services.returns.queries.timeline import Timeline, timeline
from services.returns.routes import window
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.errors import NotFound, RuleViolation
from shared.handling import read
from shared.http import Calling, Receipt
from shared.messages import Command
from shared.statistics import First, Last, Statistics, period

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.get("/cases/{case_id}/departure-gate")
async def read_departure_gate(case_id: UUID, call: Calling) -> queries.DepartureGate:
    """The departure gate as a checklist: what holds, what is missing, and whose part that is."""

    async def work(unit: UnitOfWork) -> queries.DepartureGate:
        case = (await read(unit, wiring.CASE, case_id, call.context, reach=call.reach)).state
        facts = await wiring.CASE.facts(unit, case_id, case, None, call.context)
        boarding = case.status in GATED
        waiting = case.stretch in BEFORE_DEPARTURE
        now = call.context.now
        told = gate_told_to(case, facts, now, call.context.actor, boarding=boarding) if waiting else ()
        return queries.DepartureGate(
            case_id=case_id, status=case.status, boarding=boarding,
            open=waiting and first_unmet(gate(case, facts, now, boarding=boarding)) is None, conditions=told,
        )

    found = await call.ask(work)
    await call.on_record(case_id)
    return found


@router.get("/cases/{case_id}/timeline")
async def read_timeline(case_id: UUID, call: Calling) -> Timeline:
    """What happened to the case, oldest first: each fact with when and by whom, without its content."""
    found = await call.ask(lambda unit: timeline(unit, case_id, call.context.actor), log=True)
    if found is None:
        raise NotFound
    await call.on_record(case_id)
    return found


@router.post("/cases/{case_id}/start-screening")
async def start_screening(case_id: UUID, body: StartScreening, call: Calling) -> Receipt:
    """Begins the screening of every person of the case."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/sign-declaration")
async def sign_declaration(case_id: UUID, body: SignDeclaration, call: Calling) -> Receipt:
    """Records one person's signed declaration."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/submit-application")
async def submit_application(case_id: UUID, body: SubmitApplication, call: Calling) -> Receipt:
    """Submits the application for assistance."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/declare-ineligible")
async def declare_ineligible(case_id: UUID, body: DeclareIneligible, call: Calling) -> Receipt:
    """Decides that assistance cannot be given."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/approve")
async def approve_case(case_id: UUID, body: ApproveCase, call: Calling) -> Receipt:
    """Approves the application."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/start-preparation")
async def start_preparation(case_id: UUID, body: StartPreparation, call: Calling) -> Receipt:
    """Settles programme and receiving office, and begins to prepare the journey."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/record-travel-document")
async def record_travel_document(case_id: UUID, body: RecordTravelDocument, call: Calling) -> Receipt:
    """Records that a person holds a travel document."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/confirm-booking")
async def confirm_booking(case_id: UUID, body: ConfirmBooking, call: Calling) -> Receipt:
    """Records confirmed seats for exactly those who travel."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/mark-ready-to-travel")
async def mark_ready_to_travel(case_id: UUID, body: MarkReadyToTravel, call: Calling) -> Receipt:
    """States that the departure checklist is complete, which is checked."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/confirm-voluntariness")
async def confirm_voluntariness(case_id: UUID, body: ConfirmVoluntariness, call: Calling) -> Receipt:
    """Records that an adult still wishes to go, shortly before departure."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/clear-to-board")
async def clear_to_board(case_id: UUID, body: ClearToBoard, call: Calling) -> Receipt:
    """Clears everybody who travels, after the whole checklist was checked again."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/record-missed-flight")
async def record_missed_flight(case_id: UUID, body: RecordMissedFlight, call: Calling) -> Receipt:
    """Records that the case did not travel as booked."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/record-departure")
async def record_departure(case_id: UUID, body: RecordDeparture, call: Calling) -> Receipt:
    """Records who left, cleared or not."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/record-not-departed")
async def record_not_departed(case_id: UUID, body: RecordNotDeparted, call: Calling) -> Receipt:
    """Confirms for good that nobody departed after all."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/ask-to-confirm-departure")
async def ask_to_confirm_departure(case_id: UUID, body: AskToConfirmDeparture, call: Calling) -> Receipt:
    """Asks whether the persons departed; an office that was told of the arrival does so also without consent."""
    return await _ordered_from_abroad(call, case_id, body, window.may_meet)


@router.post("/cases/{case_id}/confirm-departure")
async def confirm_departure(case_id: UUID, body: ConfirmDeparture, call: Calling) -> Receipt:
    """Confirms to an office that has asked that the persons departed as it is recorded."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/record-ticket-cost")
async def record_ticket_cost(case_id: UUID, body: RecordTicketCost, call: Calling) -> Receipt:
    """Records what the tickets of a booking cost, and what came back of it."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/confirm-arrival")
async def confirm_arrival(case_id: UUID, body: ConfirmArrival, call: Calling) -> Receipt:
    """Confirms that a person arrived; an office that was told of the arrival does so also without consent."""
    return await _ordered_from_abroad(call, case_id, body, window.may_meet)


@router.post("/cases/{case_id}/withdraw")
async def withdraw_case(case_id: UUID, body: WithdrawCase, call: Calling) -> Receipt:
    """Records that everybody who has not left withdraws."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/withdraw-person")
async def withdraw_person(case_id: UUID, body: WithdrawPerson, call: Calling) -> Receipt:
    """Records that one person withdraws and stays behind."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/record-contact-tried")
async def record_contact_tried(case_id: UUID, body: RecordContactTried, call: Calling) -> Receipt:
    """Records a try to reach the migrant that did not succeed."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/lapse")
async def lapse_case(case_id: UUID, body: LapseCase, call: Calling) -> Receipt:
    """Ends the case because the migrant could not be reached for long."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/put-on-hold")
async def put_on_hold(case_id: UUID, body: PutOnHold, call: Calling) -> Receipt:
    """Puts the case on hold."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/lift-hold")
async def lift_hold(case_id: UUID, body: LiftHold, call: Calling) -> Receipt:
    """Lifts one hold of the case."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/record-transit-interrupted")
async def record_transit_interrupted(case_id: UUID, body: RecordTransitInterrupted, call: Calling) -> Receipt:
    """Records that persons who left were stopped on the way."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/start-monitoring")
async def start_monitoring(case_id: UUID, body: StartMonitoring, call: Calling) -> Receipt:
    """States that no grant is wanted."""
    return await _ordered_from_abroad(call, case_id, body, window.may_know)


@router.post("/cases/{case_id}/write-final-report")
async def write_final_report(case_id: UUID, body: WriteFinalReport, call: Calling) -> Receipt:
    """Writes the final report, with which the case can be closed."""
    return await _ordered_from_abroad(call, case_id, body, window.may_know)


@router.post("/cases/{case_id}/request-closing")
async def request_closing(case_id: UUID, body: RequestClosing, call: Calling) -> Receipt:
    """Asks to close the case, which happens once reintegration has sealed it."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/reopen")
async def reopen_case(case_id: UUID, body: ReopenCase, call: Calling) -> Receipt:
    """Takes a closed case up again."""
    return await call.order(wiring.CASE, case_id, body)


@router.get("/statistics")
async def read_statistics(first: First, last: Last, call: Calling) -> Statistics:
    """Returns' figures for a period."""
    asked = period(first, last, call.runtime.mission_time_zone)
    found = await call.ask(lambda unit: queries.figures(unit, asked), log=True)
    return Statistics(service="returns", first=asked.first, last=asked.last, time_zone=asked.zone, figures=found)


async def _ordered_from_abroad(
    call: Calling, case_id: UUID, body: Command, may: Callable[[Calling, UUID], Awaitable[None]]
) -> Receipt:
    abroad = call.reach.countries is not None
    if abroad:
        before = await window.answered_before(call, case_id)
        if before is not None:
            return before
        await may(call, case_id)
    try:
        return await call.order(wiring.CASE, case_id, body, shown_as=window.shown_as if abroad else None)
    except RuleViolation as refusal:
        if refusal.code not in ("wrong_status", "case_ended", "hold_stands"):
            raise
        # Which of them it is would tell the exact status: that somebody withdrew, say, or could not be reached.
        raise RuleViolation("not_possible_now", "As this case stands, this is not possible.") from None
