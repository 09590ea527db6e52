"""The journey itself: who left, with or without clearance, who arrived, and that nobody left after all."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from services.returns.domain.case_consequences import lost_by_now
from services.returns.domain.case_corrections import no_correction_open
from services.returns.domain.case_evolve import evolve
from services.returns.domain.case_guards import (
    journey_is_not_settled,
    journey_is_not_settled_or_somebody_stayed,
    member,
    only_in,
    open_or_somebody_under_way,
)
from services.returns.domain.case_state import (
    BEFORE_DEPARTURE,
    CLEARANCE_HOLDS,
    TERMINAL,
    Case,
    CaseFacts,
    CasePerson,
)
from services.returns.domain.children_under_way import called_for_children_apart
from services.returns.domain.given_fields import AlertsId, PersonIds
from services.returns.domain.journey_evidence import is_supervised
from services.returns.domain.of_age import is_adult
from services.returns.domain.screening_facts import is_called_for, left_uncleared
from shared.contracts.returns import ArrivalKnownBy, CaseNotDeparted, PersonArrived, PersonDeparted
from shared.decider import Events, Rule, changing
from shared.errors import RuleViolation
from shared.messages import Command, Context
from shared.moments import Moment, refuse_future

SILENCE_BEFORE_NOT_DEPARTED: Final = timedelta(days=30)


class RecordDeparture(Command):
    """Record who boarded and left. A departure that happened is always recorded, cleared or not.

    Name everybody who left together: a child named without an adult counts as having left alone. For a child that left by
    another flight and is without a parent now, by nothing that was settled, protection is called. Of whoever goes on in
    another open case, after they withdrew from this one or it ended, it is recorded there.
    """

    person_ids: PersonIds
    departed_at: Moment
    record_id: AlertsId = None


def who_goes_on_here_no_more(case: Case, order: RecordDeparture) -> tuple[UUID, ...]:
    """Those named of whom the case waits for nothing: who withdrew from it or did not leave with it before it ended.

    They may have begun anew, so that it has to be asked of them, and of nobody else, whether another open case has them.
    """
    ended = case.status in TERMINAL
    return tuple(
        one.person_id for one in case.persons
        if one.person_id in order.person_ids and (one.travel == "withdrawn" or (ended and one.travel == "expected"))
    )  # fmt: skip


class ConfirmArrival(Command):
    """Confirm that a person arrived, and how the receiving office knows."""

    person_id: UUID
    arrived_at: Moment
    known_by: ArrivalKnownBy


class RecordNotDeparted(Command):
    """Confirm that nobody of this case departed after all. This ends the case and can never be taken back."""


def _nobody_arrived(case: Case, _: CaseFacts, __: Context) -> None:
    if any(person.travel == "arrived" for person in case.persons):
        raise RuleViolation(
            "somebody_arrived",
            "The receiving office confirmed the arrival of somebody of this case, so it did depart. Ask that office.",
        )


def _long_enough_ago(case: Case, _: CaseFacts, context: Context) -> None:
    if case.departed_at is None or context.now < case.departed_at + SILENCE_BEFORE_NOT_DEPARTED:
        raise RuleViolation(
            "too_early",
            "Not until 30 days after the recorded departure can it be said that nobody left. Ask the receiving office "
            "again meanwhile.",
        )


def _record_departure(case: Case, order: RecordDeparture, facts: CaseFacts, context: Context) -> Events:
    refuse_future(order.departed_at, context)
    leaving = [member(case, person_id) for person_id in order.person_ids]
    if any(person.travel in ("departed", "arrived") for person in leaving):
        # Of whoever had left a closed case the journey is settled.
        journey_is_not_settled(case, facts, context)
    if case.status == "joined" and any(person.travel == "expected" for person in leaving):
        raise RuleViolation(
            "case_joined",
            "One of these persons goes on in the case with which this one was joined. Record the departure there.",
        )
    if facts.in_another_case:
        raise RuleViolation(
            "in_another_case",
            "One of these persons goes on in another open case. Record the departure there; those who go on here can be named "
            "without them.",
        )
    if any(person.travel in ("departed", "arrived") for person in leaving):
        raise RuleViolation(
            "already_departed",
            "The departure of one of these persons is already recorded. Name only those who are missing.",
        )
    # Who left with clearance is the same whether somebody has looked by now or not, and whoever is recorded first.
    lost = lost_by_now(case, facts, context.now) if case.status == "cleared_to_board" else None
    looked_at = case if lost is None else evolve(case, lost)
    departures = tuple(
        PersonDeparted(
            person_id=person.person_id,
            departed_at=order.departed_at,
            cleared=_is_cleared(looked_at, person, leaving, order),
        )
        for person in leaving
    )
    somebody_waits = any(person.person_id not in order.person_ids for person in case.travelling)
    # Protection is called at once, whoever recorded it and whatever had become of the case.
    called = (
        left_uncleared(one.person_id, one.departed_at, order.record_id)
        for one in departures
        if not one.cleared and not is_called_for(case.screening_of(one.person_id))
    )
    return (
        *((lost,) if lost is not None and somebody_waits else ()), *departures, *called,
        *called_for_children_apart(case, leaving, order.departed_at, order.record_id),
    )  # fmt: skip


def _is_cleared(case: Case, person: CasePerson, leaving: list[CasePerson], order: RecordDeparture) -> bool:
    # A clearance that time took away stood until then, whenever the departure is recorded.
    cleared = case.status == "cleared_to_board" or (
        case.clearance_lapsed_at is not None and case.stretch in BEFORE_DEPARTURE
    )
    if not cleared or case.cleared_at is None or person.travel != "expected":
        return False
    stood_until = min(case.clearance_lapsed_at or order.departed_at, case.cleared_at + CLEARANCE_HOLDS)
    accompanied = (
        is_adult(person, case)
        or any(is_adult(companion, case) and companion.travel == "expected" for companion in leaving)
        or (_was_cleared_alone(case) and is_supervised(person, case.booking, order.departed_at))
    )
    return accompanied and case.cleared_at <= order.departed_at <= stood_until


def _was_cleared_alone(case: Case) -> bool:
    """Whether no adult of the case was to go with whoever this clearance is for.

    Nor one who has left on it since, or withdrew since it was lost and holds a seat of its booking still.
    """
    assert case.cleared_at is not None
    return not any(
        is_adult(person, case)
        and (
            person.travel == "expected"
            or person.person_id in case.booked_person_ids
            or (person.departed_at or case.cleared_at) > case.cleared_at
        )
        for person in case.persons
    )


def _confirm_arrival(case: Case, order: ConfirmArrival, _: CaseFacts, context: Context) -> Events:
    person = member(case, order.person_id)
    if person.travel == "arrived":
        return ()
    if person.travel != "departed" or person.departed_at is None:
        raise RuleViolation(
            "not_departed_yet",
            "No departure of this person is recorded. Operations must record it before the arrival can be confirmed.",
        )
    refuse_future(order.arrived_at, context)
    if order.arrived_at < person.departed_at:
        raise RuleViolation(
            "arrived_before_departure", "The arrival cannot lie before the departure. Check both times, in UTC."
        )
    arrived = PersonArrived(person_id=order.person_id, arrived_at=order.arrived_at, known_by=order.known_by)
    return (arrived,)


def _record_not_departed(case: Case, _: RecordNotDeparted, __: CaseFacts, ___: Context) -> Events:
    return (CaseNotDeparted(person_ids=tuple(person.person_id for person in case.gone)),)


RULES: tuple[Rule[Case, CaseFacts], ...] = (
    changing(RecordDeparture, "Record a departure", _record_departure, journey_is_not_settled_or_somebody_stayed),
    changing(ConfirmArrival, "Confirm an arrival", _confirm_arrival, open_or_somebody_under_way),
    changing(
        RecordNotDeparted,
        "Confirm that nobody departed",
        _record_not_departed,
        only_in("departed"),
        _nobody_arrived,
        no_correction_open,
        _long_enough_ago,
    ),
)
