"""What a journey rests on besides documents: fitness to travel, exit formalities, transit visas, a reception arranged."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.returns.domain.case_guards import also_on_hold, traveller
from services.returns.domain.case_state import BEFORE_DEPARTURE, GATED, Case, CaseFacts, Evidence
from services.returns.domain.days import home_day
from services.returns.domain.given_fields import FitnessConditions, PersonIds, ValidDay
from services.returns.domain.journey_evidence import is_asked, recorded
from shared.contracts.counselling import Country
from shared.contracts.returns import EvidenceRecorded, FitnessOutcome, ReceptionArranged
from shared.decider import Events, Rule, changing
from shared.errors import RuleViolation
from shared.messages import Command, Context
from shared.moments import Moment, refuse_future


class FlagForMedical(Command):
    """Ask that it is decided whether a person is fit to travel. Until then they cannot leave; no reason is recorded."""

    person_id: UUID


class RecordFitToTravel(Command):
    """Record the decision whether a person is fit to travel, from which to which day it holds, and on which conditions.

    It takes the place of an earlier decision.
    """

    person_id: UUID
    outcome: FitnessOutcome
    decided_at: Moment
    valid_from: ValidDay
    valid_until: ValidDay
    conditions: FitnessConditions = ()


class RecordExitFormalities(Command):
    """Record that the Service for Foreigners' Affairs has on record that these persons leave, and until when.

    It goes with the present booking, or with the first one that follows; for another flight it is reported anew.
    """

    person_ids: PersonIds
    recorded_at: Moment
    valid_until: Annotated[ValidDay | None, Field(description="The last day on which they may leave, if one was set.")] = None


class RecordTransitVisa(Command):
    """Record that these persons hold a visa for the country in which they change. It counts for that country alone."""

    person_ids: PersonIds
    issued_at: Moment
    valid_from: ValidDay
    valid_until: ValidDay
    transit_country: Annotated[
        Country | None, Field(description="For which country it is; that of the present booking if nothing is said.")
    ] = None


class RecordReceptionArranged(Command):
    """Record that the receiving office was notified of the present booking, and that it is arranged who meets them."""

    arranged_at: Moment


def _is_booked(case: Case, _: CaseFacts, __: Context) -> None:
    if case.booking is None:
        raise RuleViolation("booking_missing", "There is no booking that an office could be told of. Confirm one first.")


def _refuse_unordered(valid_from: date, valid_until: date) -> None:
    if valid_until < valid_from:
        raise RuleViolation("validity_in_wrong_order", "The last day lies before the first. Check both days.")


def _refuse_expired(valid_until: date | None, context: Context) -> None:
    if valid_until is not None and valid_until < home_day(context.now):
        raise RuleViolation("evidence_expired", "This is not valid any more. Only what still holds can be recorded.")


def _flag_for_medical(case: Case, order: FlagForMedical, _: CaseFacts, context: Context) -> Events:
    person = traveller(case, order.person_id)
    if is_asked(person):
        return ()
    flag = Evidence("fitness_asked", context.now)
    return (recorded(person.person_id, flag),)


def _record_fit_to_travel(case: Case, order: RecordFitToTravel, _: CaseFacts, context: Context) -> Events:
    person = traveller(case, order.person_id)
    refuse_future(order.decided_at, context)
    _refuse_unordered(order.valid_from, order.valid_until)
    _refuse_expired(order.valid_until, context)
    if bool(order.conditions) != (order.outcome == "fit_with_conditions"):
        raise RuleViolation(
            "conditions_do_not_fit", "Whoever is fit with conditions has at least one, and nobody else has any."
        )
    known = person.has("fitness")
    if known is not None and order.decided_at < known.established_at:
        raise RuleViolation("decided_since", "A later decision is on record. Only a newer one can take its place.")
    asked = person.has("fitness_asked")
    if asked is not None and order.decided_at < asked.established_at:
        raise RuleViolation(
            "asked_since", "It was asked again after this decision. Only a decision from after that answers the question."
        )
    decision = Evidence(
        "fitness", order.decided_at, order.valid_from, order.valid_until, order.outcome, order.conditions
    )
    if decision == known:
        return ()
    return (recorded(person.person_id, decision),)


def _record_exit_formalities(
    case: Case, order: RecordExitFormalities, _: CaseFacts, context: Context
) -> Events:
    _refuse_expired(order.valid_until, context)
    evidence = Evidence("exit_formalities", order.recorded_at, valid_until=order.valid_until)
    told = _of_each(case, order.person_ids, evidence, context)
    # For the first booking it may have been reported before there was one.
    if told and case.booked_at is not None and case.times_booked > 1 and order.recorded_at < case.booked_at:
        raise RuleViolation(
            "reported_before_booking",
            "This was reported before the present booking was made, so for another flight. Report that they leave by this one.",
        )
    return told


def _record_transit_visa(case: Case, order: RecordTransitVisa, _: CaseFacts, context: Context) -> Events:
    _refuse_unordered(order.valid_from, order.valid_until)
    _refuse_expired(order.valid_until, context)
    country = order.transit_country or case.transit_country
    if country is None:
        raise RuleViolation(
            "transit_country_unknown", "No booking says in which country they change. Say for which country the visa is."
        )
    if case.transit_country not in (None, country):
        raise RuleViolation(
            "transit_country_differs",
            "The present booking leads through another country, and for each person one visa is on record. Confirm the booking "
            "through this country first.",
        )
    evidence = Evidence("transit_visa", order.issued_at, order.valid_from, order.valid_until, country=country)
    return _of_each(case, order.person_ids, evidence, context)


def _record_reception_arranged(
    case: Case, order: RecordReceptionArranged, _: CaseFacts, context: Context
) -> Events:
    refuse_future(order.arranged_at, context)
    if case.booked_at is not None and _was_for_another_booking(case, order.arranged_at, case.booked_at):
        raise RuleViolation(
            "arranged_before_booking",
            "This was arranged before the present booking was made, so for another one. Tell the office of this booking.",
        )
    if case.reception_arranged_at is not None and order.arranged_at <= case.reception_arranged_at:
        return ()
    return (ReceptionArranged(arranged_at=order.arranged_at),)


def _was_for_another_booking(case: Case, arranged_at: datetime, booked_at: datetime) -> bool:
    # Whoever books for the first time in the evening may have told the office in the morning; whatever was arranged before
    # a later booking may have been for an earlier one.
    if case.times_booked > 1:
        return arranged_at < booked_at
    return home_day(arranged_at) < home_day(booked_at)


def _of_each(
    case: Case, person_ids: tuple[UUID, ...], evidence: Evidence, context: Context
) -> Events:
    refuse_future(evidence.established_at, context)

    def new() -> Iterator[EvidenceRecorded]:
        for person_id in person_ids:
            known = traveller(case, person_id).has(evidence.kind)
            of_the_same = known is not None and known.country == evidence.country
            if known is not None and of_the_same and evidence.established_at < known.established_at:
                raise RuleViolation("recorded_since", "A later one is on record. Only a newer one can take its place.")
            if known != evidence:
                yield recorded(person_id, evidence)

    return tuple(new())


# On hold as well: it is by such a record that many a hold comes to be lifted.
RULES: tuple[Rule[Case, CaseFacts], ...] = (
    changing(FlagForMedical, "Ask for a decision on fitness to travel", _flag_for_medical, also_on_hold(*BEFORE_DEPARTURE)),
    changing(
        RecordFitToTravel, "Record a decision on fitness to travel", _record_fit_to_travel, also_on_hold(*BEFORE_DEPARTURE)
    ),
    # As early as a flag, lest what is on record early be known to tell of health.
    changing(
        RecordExitFormalities, "Record the exit formalities", _record_exit_formalities, also_on_hold(*BEFORE_DEPARTURE)
    ),
    changing(RecordTransitVisa, "Record a transit visa", _record_transit_visa, also_on_hold(*BEFORE_DEPARTURE)),
    changing(
        RecordReceptionArranged,
        "Record that the reception is arranged",
        _record_reception_arranged,
        also_on_hold("preparing", *GATED),
        _is_booked,
    ),
)
