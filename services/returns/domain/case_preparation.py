"""From approval to the last act that can be refused: documents, plan, booking, readiness, clearance to board."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictBool

from services.returns.domain.case_evolve import evolve
from services.returns.domain.case_guards import (
    also_on_hold,
    facts_are_fresh,
    not_by_the_counsellor,
    only_in,
    traveller,
)
from services.returns.domain.case_state import TERMINAL, Case, CaseFacts, CasePerson
from services.returns.domain.children_under_way import called_for_children
from services.returns.domain.days import home_day
from services.returns.domain.gate import CONFIRMATION_HOLDS, Condition, first_unmet, gate_told_to
from services.returns.domain.given_fields import (
    AlertsId,
    ArrivalNeeds,
    AssistanceOfPersons,
    Flight,
    PersonIds,
    ValidDay,
)
from services.returns.domain.journey_evidence import together, visas_said_for_their_country
from services.returns.domain.of_age import has_guardian, is_adult
from services.returns.domain.other_parent import left_on_this_flight
from services.returns.domain.screening_lines import as_told_to, screening_is_open
from shared.actors import Actor
from shared.contracts.counselling import Country
from shared.contracts.returns import (
    AssistanceBooked,
    BookingConfirmed,
    ClearedToBoard,
    FlightMissed,
    MissedFlightReason,
    OwnPlanNoted,
    PreparationStarted,
    ReadyToTravel,
    TravelDocumentKind,
    TravelDocumentRecorded,
    VoluntarinessConfirmed,
)
from shared.decider import Events, Rule, changing, recording
from shared.errors import RuleViolation
from shared.messages import Command, Context
from shared.moments import Moment, refuse_future


class StartPreparation(Command):
    """Settle the funding programme and the receiving office, and begin to prepare the journey."""

    programme: Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,40}$")]
    receiving_country: Country


class RecordTravelDocument(Command):
    """Record that a person holds a travel document. Its number is kept elsewhere."""

    person_id: UUID
    document: TravelDocumentKind
    valid_until: ValidDay


class RecordOwnPlan(Command):
    """Take note of the own reintegration plan and of the persons whom it covers."""

    plan_id: UUID
    person_ids: tuple[UUID, ...]


class ConfirmBooking(Command):
    """Record confirmed seats to the final destination for exactly those who travel. It replaces an earlier booking.

    For a child that has left by that one and is without a parent now, by nothing that was settled, protection is called.
    """

    departs_at: Moment
    arrives_at: Moment
    destination_country: Country
    person_ids: PersonIds
    flight: Flight | None = None
    needs: ArrivalNeeds = ()
    transit_country: Annotated[
        Country | None,
        Field(description="The country in which they change, if they do; of several one that asks for a visa."),
    ] = None
    transit_visa_needed: Annotated[
        StrictBool | None,
        Field(description="A visa is needed for the country in which they change. As long as nobody says no, it is."),
    ] = None
    assistance: AssistanceOfPersons = ()
    record_id: AlertsId = None


class MarkReadyToTravel(Command):
    """State that the departure checklist is complete. The system checks every line of it."""


class ConfirmVoluntariness(Command):
    """Record that an adult confirmed, within 24 hours before departure, that they still wish to go.

    Where no adult of the case travels, the guardian of each child confirms for it.
    """

    person_id: UUID
    confirmed_at: Moment


class ClearToBoard(Command):
    """Clear everybody who travels to board. The whole checklist is checked again at this moment."""


class RecordMissedFlight(Command):
    """Record that the case did not travel as booked. It goes back to preparation without its booking.

    For a child that has left and is without a parent now, by nothing that was settled, protection is called.
    """

    reason: MissedFlightReason
    record_id: AlertsId = None


def _gate_holds(case: Case, facts: CaseFacts, context: Context) -> None:
    _refuse_unmet(case, facts, context, boarding=False)


def _gate_holds_for_boarding(case: Case, facts: CaseFacts, context: Context) -> None:
    _refuse_unmet(case, facts, context, boarding=True)


def _ready_to_board(case: Case, facts: CaseFacts, context: Context) -> None:
    # Whoever stands at the airport with a case that was ready an hour ago is told what took that away: where a paper did,
    # the flight that has left since is no answer.
    if case.status == "preparing":
        lines = gate_told_to(case, facts, context.now, context.actor, boarding=False)
        _refuse_by(first_unmet(line for line in lines if line.code != "booking_in_the_past") or first_unmet(lines))
    only_in("ready_to_travel")(case, facts, context)


def _refuse_unmet(case: Case, facts: CaseFacts, context: Context, *, boarding: bool) -> None:
    # A refusal goes on record by its code, and must not tell what screening found.
    _refuse_by(first_unmet(gate_told_to(case, facts, context.now, context.actor, boarding=boarding)))


def _refuse_by(unmet: Condition | None) -> None:
    if unmet is not None:
        raise RuleViolation(unmet.code, unmet.sentence)


def _confirmation_is_due(case: Case, _: CaseFacts, context: Context) -> None:
    departs_at = case.departs_at
    if departs_at is None or context.now >= departs_at:
        raise RuleViolation(
            "booking_in_the_past",
            "The booked departure has passed. Operations must record what happened or confirm a new booking.",
        )
    if context.now < departs_at - CONFIRMATION_HOLDS:
        raise _too_early_to_confirm()


def _too_early_to_confirm() -> RuleViolation:
    return RuleViolation(
        "too_early_to_confirm",
        "The last confirmation counts only within 24 hours before departure. Ask the person again on the eve.",
    )


def _start_preparation(case: Case, order: StartPreparation, _: CaseFacts, __: Context) -> Events:
    if order.receiving_country != case.destination_country:
        raise RuleViolation(
            "receiving_country_differs",
            "The receiving office must be the one of the country to which the persons return. Choose that office.",
        )
    return (PreparationStarted(programme=order.programme, receiving_country=order.receiving_country),)


def _record_travel_document(
    case: Case, order: RecordTravelDocument, _: CaseFacts, context: Context
) -> Events:
    person = traveller(case, order.person_id)
    if order.valid_until < home_day(context.now):
        raise RuleViolation(
            "document_expired", "This travel document has expired. Only a valid one can be recorded."
        )
    if (person.document, person.document_valid_until) == (order.document, order.valid_until):
        return ()
    held = TravelDocumentRecorded(
        person_id=order.person_id, document=order.document, valid_until=order.valid_until
    )
    return (held,)


def _record_own_plan(state: Case | None, order: RecordOwnPlan, _: CaseFacts, __: Context) -> Events:
    if state is None or state.status in TERMINAL:
        return ()
    noted = OwnPlanNoted(plan_id=order.plan_id, person_ids=order.person_ids)
    if evolve(state, noted) == state:
        return ()
    return (noted,)


def _confirm_booking(case: Case, order: ConfirmBooking, _: CaseFacts, context: Context) -> Events:
    if order.departs_at <= context.now:
        raise RuleViolation("booking_in_the_past", "This departure has passed. Confirm one that lies ahead.")
    if order.arrives_at <= order.departs_at:
        raise RuleViolation(
            "arrives_before_departure", "The arrival must lie after the departure. Check both times, in UTC."
        )
    if order.destination_country != case.destination_country:
        raise RuleViolation(
            "wrong_destination",
            "The booking must end in the country to which the persons wish to return. Book to that country.",
        )
    if frozenset(order.person_ids) != frozenset(person.person_id for person in case.travelling):
        raise RuleViolation(
            "booking_incomplete",
            "The booking must hold exactly those who travel: nobody left out, and nobody who stays behind.",
        )
    if any(one.person_id not in order.person_ids for one in order.assistance):
        raise RuleViolation("person_not_booked", "Help is booked for somebody who does not travel. Name only who travels.")
    if order.transit_visa_needed and order.transit_country is None:
        raise RuleViolation("transit_country_unknown", "A visa is needed to change. Say in which country they change.")
    booked = BookingConfirmed(
        departs_at=order.departs_at,
        arrives_at=order.arrives_at,
        destination_country=order.destination_country,
        person_ids=order.person_ids,
        flight=order.flight,
        needs=order.needs,
        transit_country=order.transit_country,
        transit_visa_needed=(
            order.transit_country is not None if order.transit_visa_needed is None else order.transit_visa_needed
        ),
        booked_at=context.now,
        assistance=tuple(
            AssistanceBooked(
                person_id=person_id,
                assistance=together([one.kind for one in order.assistance if one.person_id == person_id]),
            )
            for person_id in order.person_ids
        ),
    )
    # The same seats once more are no other booking, for which everything would have to be arranged anew.
    if _booking_in(evolve(case, booked)) == _booking_in(case):
        return ()
    # Whoever is booked anew was not on the flight by which a child of the case has left.
    apart = order.person_ids if any(left_on_this_flight(one, case) for one in case.under_way) else ()
    return (*visas_said_for_their_country(case), booked, *called_for_children(case, apart, order.record_id))


def _booking_in(case: Case) -> tuple[object, ...]:
    helped = tuple(person.assistance for person in case.persons)
    return (
        case.booking, case.flight, case.needs, case.transit_country, case.transit_visa_needed, helped
    )  # fmt: skip


def _mark_ready_to_travel(_: Case, __: MarkReadyToTravel, ___: CaseFacts, ____: Context) -> Events:
    return (ReadyToTravel(),)


def _confirm_voluntariness(
    case: Case, order: ConfirmVoluntariness, _: CaseFacts, context: Context
) -> Events:
    person = traveller(case, order.person_id)
    if not is_adult(person, case):
        refused = _unless_a_guardian_confirms(case, person)
        if refused is not None:
            raise _told_of_age(refused, case, person, context.actor)
    refuse_future(order.confirmed_at, context)
    if case.departs_at is not None and order.confirmed_at < case.departs_at - CONFIRMATION_HOLDS:
        raise _too_early_to_confirm()
    if person.confirmed_at is not None and person.confirmed_at >= order.confirmed_at:
        return ()
    confirmed = VoluntarinessConfirmed(person_id=order.person_id, confirmed_at=order.confirmed_at)
    return (confirmed,)


def _unless_a_guardian_confirms(case: Case, child: CasePerson) -> RuleViolation | None:
    if any(is_adult(one, case) for one in case.travelling):
        # Of whoever was recorded as an adult it is asked besides, whether they are one or not.
        if child.recorded_as_adult:
            return None
        return RuleViolation(
            "only_adults_confirm",
            "A child is heard, but does not confirm for the file. Record the confirmation of the adults who go along.",
        )
    if not has_guardian(child, case):
        return RuleViolation(
            "guardian_not_recorded",
            "For a child on its own its guardian confirms. Protection must record first who that is.",
        )
    return None


def _told_of_age(refused: RuleViolation, case: Case, person: CasePerson, reader: Actor) -> RuleViolation:
    """The refusal as whoever is not shown screening is told it: as without a doubt of an age, or that screening is open."""
    told = as_told_to(case, reader)
    if told is case:
        return refused
    by_record = None if is_adult(person, told) else _unless_a_guardian_confirms(told, person)
    return by_record or screening_is_open()


def _clear_to_board(_: Case, __: ClearToBoard, ___: CaseFacts, context: Context) -> Events:
    return (ClearedToBoard(cleared_at=context.now),)


def _record_missed_flight(case: Case, order: RecordMissedFlight, _: CaseFacts, __: Context) -> Events:
    missed = FlightMissed(reason=order.reason, times_missed=case.times_missed + 1)
    left_behind = [person.person_id for person in case.travelling]
    return (*visas_said_for_their_country(case), missed, *called_for_children(case, left_behind, order.record_id))


def _was_to_leave(case: Case, _: CaseFacts, context: Context) -> None:
    # Once it has passed, time has taken the readiness away and left the booking.
    if case.status == "preparing" and (case.departs_at is None or context.now < case.departs_at):
        raise RuleViolation("no_flight_missed", "No booked departure has passed, so none can have been missed.")


RULES: tuple[Rule[Case, CaseFacts], ...] = (
    changing(StartPreparation, "Start preparation", _start_preparation, only_in("approved")),
    changing(
        RecordTravelDocument,
        "Record a travel document",
        _record_travel_document,
        # A hold may wait for exactly this.
        also_on_hold("approved", "preparing", "ready_to_travel"),
    ),
    recording(RecordOwnPlan, "Take note of the own plan", _record_own_plan),
    changing(ConfirmBooking, "Confirm the booking", _confirm_booking, only_in("preparing")),
    changing(
        MarkReadyToTravel, "Mark as ready to travel", _mark_ready_to_travel, only_in("preparing"), _gate_holds
    ),
    changing(
        ConfirmVoluntariness,
        "Record the last confirmation",
        _confirm_voluntariness,
        only_in("ready_to_travel"),
        _confirmation_is_due,
    ),
    changing(
        ClearToBoard,
        "Clear to board",
        _clear_to_board,
        _ready_to_board,
        not_by_the_counsellor,
        facts_are_fresh,
        _gate_holds_for_boarding,
    ),
    changing(
        RecordMissedFlight,
        "Record a missed flight",
        _record_missed_flight,
        only_in("preparing", "ready_to_travel", "cleared_to_board"),
        _was_to_leave,
    ),
)
