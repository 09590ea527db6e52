"""What the evidence of a journey says and proves, from departure through arrival, and who is shown what of it."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Final, cast
from uuid import UUID

from services.returns.domain.case_state import Booking, Case, CasePerson, Evidence
from services.returns.domain.days import over_at, over_at_home
from shared.actors import Role
from shared.contracts.families import NotSettled, OtherParent, Supervision
from shared.contracts.returns import (
    Assistance,
    BookingConfirmed,
    EvidenceKind,
    EvidenceRecorded,
    FitnessCondition,
    FitnessOutcome,
)
from shared.messages import Concealed

# Whoever books a seat for somebody has to know what is needed there; a flag is enough for others (domain reference 5.4).
_SHOWN_HEALTH: Final = frozenset({Role.MEDICAL, Role.OPERATIONS})
# Between the conditions of one decision, where they stand beside the log.
_AND: Final = ","


def evidence_in(event: EvidenceRecorded) -> Evidence | None:
    """What an event puts on record; None once the person was erased, and with them what it concealed."""
    stated = (event.evidence_kind, event.outcome, event.conditions, event.valid_from, event.valid_until)
    kind, outcome, conditions, valid_from, valid_until = (concealed.value for concealed in stated)
    country = "" if event.country is None else event.country.value
    if kind is None or outcome is None or conditions is None or valid_from is None or valid_until is None or country is None:
        return None
    return Evidence(
        # What stands beside the log this module wrote itself.
        kind=cast("EvidenceKind", kind),
        established_at=event.established_at,
        valid_from=date.fromisoformat(valid_from) if valid_from else None,
        valid_until=date.fromisoformat(valid_until) if valid_until else None,
        outcome=cast("FitnessOutcome | None", outcome or None),
        conditions=cast(
            "tuple[FitnessCondition | Supervision | OtherParent | NotSettled, ...]",
            tuple(conditions.split(_AND)) if conditions else (),
        ),
        country=country or None,
    )


def assistance_in(event: BookingConfirmed, person_id: UUID) -> tuple[Assistance, ...]:
    """The help that a booking holds for one person; nothing where it says nothing, or where that was erased."""
    named = next((one.assistance.value for one in event.assistance if one.person_id == person_id), None)
    return cast("tuple[Assistance, ...]", tuple(named.split(_AND)) if named else ())


def together(named: Collection[str]) -> Concealed:
    """Several codes as they stand beside the log; of none it stands there too, so that nothing is told by its absence."""
    return Concealed.of(_AND.join(named))


def recorded(person_id: UUID, evidence: Evidence) -> EvidenceRecorded:
    """The fact that this is on record for a person, in the same words for each kind."""
    return EvidenceRecorded(
        person_id=person_id,
        evidence_kind=Concealed.of(evidence.kind),
        outcome=Concealed.of(evidence.outcome or ""),
        conditions=together(evidence.conditions),
        established_at=evidence.established_at,
        valid_from=_day(evidence.valid_from),
        valid_until=_day(evidence.valid_until),
        country=Concealed.of(evidence.country or ""),
    )


def visas_said_for_their_country(case: Case) -> Iterator[EvidenceRecorded]:
    """What is stated again before the case's booking goes: that visas from before they said so are for its country between.

    Also of whoever is under way by it, who may turn out not to have left.
    """
    for person in case.persons:
        visa = person.has("transit_visa") if person.travel in ("expected", "departed") else None
        if visa is not None and visa.country is None and case.transit_country is not None:
            yield recorded(person.person_id, replace(visa, country=case.transit_country))


def _day(day: date | None) -> Concealed:
    return Concealed.of(day.isoformat() if day is not None else "")


def is_flagged(person: CasePerson) -> bool:
    """Whether this person may travel only on a decision that they are fit to."""
    return person.has("fitness_asked") is not None or person.has("fitness") is not None


def is_asked(person: CasePerson) -> bool:
    """Whether it was asked if this person is fit to travel, and nothing decided since then."""
    asked, decision = person.has("fitness_asked"), person.has("fitness")
    return asked is not None and (decision is None or decision.established_at < asked.established_at)


def is_fit(person: CasePerson, booking: Booking | None, at: datetime) -> bool:
    """Whether the decision on whatever was asked last lets them travel on the booking's days, and today if left behind."""
    decision = person.has("fitness")
    if decision is None or is_asked(person):
        return False
    return decision.outcome != "unfit" and _covers(decision, booking, at)


def is_assisted(person: CasePerson) -> bool:
    """Whether all that the decision asks of a carrier is booked for this person; medication they carry."""
    decision = person.has("fitness")
    return decision is None or {*decision.conditions} - {"medication"} <= {*person.assistance}


def may_exit(person: CasePerson, booking: Booking | None, at: datetime) -> bool:
    """Whether the authorities recorded what leaving takes, and that holds on the day of departure."""
    recorded = person.has("exit_formalities")
    if recorded is None:
        return False
    leaves = max(booking.departs_at, at) if booking is not None else at
    return recorded.valid_until is None or leaves < over_at_home(recorded.valid_until)


def may_pass(person: CasePerson, booking: Booking | None, at: datetime, through: str | None) -> bool:
    """Whether there is a visa for the country between.

    Earlier visas do not say for which country they are, nor earlier bookings through which they lead; there it is taken
    for the same.
    """
    visa = person.has("transit_visa")
    if visa is None or (visa.country is not None and through is not None and visa.country != through):
        return False
    return _covers(visa, booking, at)


def is_supervised(person: CasePerson, booking: Booking | None, at: datetime) -> bool:
    """Whether it is arranged who looks after a child without an adult from door to door, on the days of the booking."""
    arranged = person.has("supervision")
    return arranged is not None and _covers(arranged, booking, at)


def is_shown_health(roles: Collection[str]) -> bool:
    """Whether somebody with these roles is shown what was decided about anybody's health."""
    return not _SHOWN_HEALTH.isdisjoint(roles)


def seen_by(case: Case, roles: Collection[str]) -> Case:
    """The case as these roles are shown it: of anybody's health most of them learn that a decision is asked for.

    Nor are they told until when the readiness holds, or since when it is gone: that may be the day on which a decision ends.
    """
    if is_shown_health(roles):
        return case
    if case.clearance_lapsed_at is not None:
        case = replace(case, cleared_at=None, clearance_lapsed_at=None)
    persons = tuple(
        replace(person, evidence=_without_health(person.evidence), assistance=()) for person in case.persons
    )
    return replace(case, persons=persons, holds_until=None)


def _covers(evidence: Evidence, booking: Booking | None, at: datetime) -> bool:
    # The first day is one at the place of departure, where it is this day or, late at night, already the next one.
    begins = booking.departs_at if booking is not None else at
    ends = max(booking.arrives_at, at) if booking is not None else at
    begun = evidence.valid_from is None or evidence.valid_from <= begins.date()
    return begun and (evidence.valid_until is None or ends < over_at(evidence.valid_until))


def _without_health(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    asked = [one for one in evidence if one.kind in ("fitness_asked", "fitness")]
    flag = [Evidence("fitness_asked", min(one.established_at for one in asked))] if asked else []
    return (*(one for one in evidence if one not in asked), *flag)
