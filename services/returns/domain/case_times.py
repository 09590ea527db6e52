"""What follows from a case's facts by the passing of time: until when its readiness holds, when an arrival is overdue."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from services.returns.domain.case_state import (
    BEFORE_DEPARTURE,
    CLEARANCE_HOLDS,
    GATED,
    TERMINAL,
    Booking,
    Case,
    CasePerson,
    Evidence,
)
from services.returns.domain.days import over_at, over_at_home
from services.returns.domain.of_age import is_adult
from services.returns.domain.screening import PersonScreening
from shared.contracts.returns import ClearanceLost

SILENCE_AFTER_LANDING: Final = timedelta(hours=24)
SILENCE_WHERE_IT_PRESSES: Final = timedelta(hours=6)
# Where nobody knows what was booked, a journey is taken to last this long.
LONGEST_JOURNEY: Final = timedelta(hours=24)


def in_time(case: Case) -> Case:
    """The case with all that follows from its facts by time alone, and without what its journey needs no more."""
    kept = _without_what_is_over(case)
    if kept.status in TERMINAL and kept.clearance_lapsed_at is not None:
        # Nobody of it can leave with that clearance any more, and when a paper ended is nobody's business.
        kept = replace(kept, cleared_at=None, clearance_lapsed_at=None)
    if not kept.under_way:
        # Whoever came did depart, and where nobody did there is nothing to be asked. As long as one person is missed the
        # question stands, whatever became of the others and of the case.
        kept = replace(kept, departure_asked_at=None, departure_confirmed_at=None)
    return replace(
        kept,
        holds_until=min(_ends(kept), default=None) if kept.status in GATED else None,
        arrival_overdue_at=min((one.overdue_at for one in kept.persons if one.overdue_at is not None), default=None),
        arrival_due_at=min((due for _, due in arrivals_due(kept)), default=None),
        protection_since=min(_waits_for_protection(kept), default=None),
        inquired_since=min(_asked_abroad(kept), default=None),
        correction_since=min(
            (one.correction.asked_at for one in kept.persons if one.correction is not None), default=None
        ),
    )


def lands_at(case: Case, left_at: datetime) -> datetime:
    """When whoever leaves at this moment is expected to land, by the present booking; a late departure is a late arrival."""
    booking = case.booking
    if booking is None or not is_by_booked_flight(booking, left_at):
        return left_at + LONGEST_JOURNEY
    return max(booking.arrives_at, left_at + (booking.arrives_at - booking.departs_at))


def is_by_booked_flight(booking: Booking, left_at: datetime) -> bool:
    """Whether whoever left at this moment may be on the booked flight: days before it they are on another one."""
    return left_at >= booking.departs_at - LONGEST_JOURNEY


def lapsed_in(event: ClearanceLost) -> datetime | None:
    """Since when time had taken the clearance away; None where it was not time, and once that was erased."""
    if event.lapsed is None:
        return event.lapsed_at
    return datetime.fromisoformat(event.lapsed.value) if event.lapsed.value else None


def arrivals_due(case: Case) -> tuple[tuple[CasePerson, datetime], ...]:
    """Everybody under way of whom it was not said yet that they are overdue, and when it has to be."""
    children = any(not is_adult(person, case) for person in case.under_way)
    # Whatever the hold is for, lest the hour at which an arrival is overdue tells which it is.
    held = any(hold.stands for hold in case.holds)
    silence = SILENCE_WHERE_IT_PRESSES if children or held else SILENCE_AFTER_LANDING
    return tuple(
        (person, person.expected_at + silence)
        for person in case.under_way
        if person.expected_at is not None and person.overdue_at is None
    )


def _ends(case: Case) -> Iterator[datetime]:
    if case.status == "cleared_to_board" and case.cleared_at is not None:
        yield case.cleared_at + CLEARANCE_HOLDS
    elif case.departs_at is not None:
        yield case.departs_at
    for person in case.travelling:
        if person.document_valid_until is not None:
            yield over_at(person.document_valid_until)
        for evidence in person.evidence:
            if evidence.valid_until is not None and _is_asked_for(evidence, case):
                yield (over_at_home if evidence.kind == "exit_formalities" else over_at)(evidence.valid_until)


def _is_asked_for(evidence: Evidence, case: Case) -> bool:
    """Whether the readiness rests on this: on a visa or on supervision only where one is needed."""
    if evidence.kind == "supervision":
        return not any(is_adult(person, case) for person in case.travelling)
    return evidence.kind != "transit_visa" or case.transit_visa_needed


def _without_what_is_over(case: Case) -> Case:
    ended = case.status in TERMINAL
    persons = tuple(_awaited_no_more(_needing_no_more(person, ended)) for person in case.persons)
    return replace(case, persons=persons, screening=tuple(_still_screened(case, ended)))


def _still_screened(case: Case, ended: bool) -> Iterator[PersonScreening]:
    for one in case.screening:
        person = case.person(one.person_id)
        if not ended and person is not None and person.travel in ("expected", "departed"):
            yield one
        elif one.alerts:
            # Whoever stays behind or has arrived is protected all the same.
            yield one.without_findings()


def _waits_for_protection(case: Case) -> Iterator[datetime]:
    for one in case.screening:
        yield from (alert.raised_at for alert in one.alerts)
    yield from (hold.placed_at for hold in case.holds if hold.stands and hold.reason == "protection")


def _asked_abroad(case: Case) -> Iterator[datetime]:
    if case.stretch in BEFORE_DEPARTURE:
        for person in case.travelling:
            asked = case.screening_of(person.person_id).family_assessment
            if asked is not None:
                yield asked.asked_at


def _needing_no_more(person: CasePerson, ended: bool) -> CasePerson:
    over = ended or person.travel in ("withdrawn", "arrived")
    return replace(person, evidence=(), assistance=()) if over and (person.evidence or person.assistance) else person


def _awaited_no_more(person: CasePerson) -> CasePerson:
    # Whatever became of the case: whoever left is missed until somebody says that they arrived.
    if person.travel == "departed" or person.expected_at is None:
        return person
    return replace(person, expected_at=None, overdue_at=None)
