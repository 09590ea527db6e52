"""What the changes of a case by its facts have in common: its status moves along declared ways, its persons change."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from services.returns.domain.case_state import TRANSITIONS, Case, CasePerson, Evidence, Status
from services.returns.domain.of_age import first_of
from services.returns.domain.other_parent import settles
from services.returns.domain.screening import PersonScreening
from shared.transitions import moved

# What is arranged or reported for one flight, and for another one anew.
_OF_ONE_FLIGHT: Final = frozenset({"exit_formalities", "supervision"})


def moved_to(case: Case, to: str) -> Status:
    """This status, if the case may move to it; else `IllegalTransition`."""
    # An event carries its status as a plain string; only a declared one gets past the table.
    return cast("Status", moved(TRANSITIONS, case.status, to))


def with_persons(case: Case, person_ids: Iterable[UUID], **changes: object) -> Case:
    """The case with these fields of each of these persons changed."""
    named = frozenset(person_ids)
    return replace(
        case,
        persons=tuple(
            replace(person, **changes) if person.person_id in named else person  # type: ignore[arg-type]
            for person in case.persons
        ),
    )


def with_person(case: Case, person_id: UUID, **changes: object) -> Case:
    """The case with these fields of one person changed."""
    return with_persons(case, (person_id,), **changes)


def with_screening(case: Case, screening: PersonScreening) -> Case:
    """The case with this in place of what screening had found about the person."""
    others = (one for one in case.screening if one.person_id != screening.person_id)
    nothing = screening == PersonScreening(screening.person_id)
    return replace(case, screening=tuple(others) if nothing else (*others, screening))


def withdrew(case: Case, person_id: UUID) -> Case:
    """The case without this person, and without what they signed and answered for others; whoever is first goes first."""
    # A guardian who withdraws takes the signature for the children along: another adult must sign for them anew, and
    # answer for them. What was found to be best for a child was found of a journey beside whoever now stays behind.
    signed_for = [person.person_id for person in case.persons if person.declared_by == person_id]
    answered_for = [
        one for one in case.screening if one.voluntariness is not None and one.voluntariness.answered_by == person_id
    ]
    for one in answered_for:
        case = with_screening(case, replace(one, voluntariness=None))
    leaving = case.person(person_id)
    # Also where somebody stays who may be a child: to ask anew is the safe side.
    if leaving is not None and leaving.recorded_as_adult:
        case = unsettled(case)
        for one in case.screening:
            case = with_screening(case, replace(one, best_interests=None))
    left = with_person(
        with_persons(case, signed_for, declared_by=None), person_id, travel="withdrawn", confirmed_at=None, withdrew=True
    )
    going_on = tuple(person for person in left.persons if person.travel != "withdrawn")
    if person_id != case.principal_id or not going_on:
        return left
    return replace(left, principal_id=first_of(going_on).person_id)


def unsettled(case: Case, since: datetime | None = None) -> Case:
    """The case in which it is asked anew by what each child goes without one of its parents, as others go with it now.

    With ``since`` only if that was recorded later. That it was asked for stays: who a child's parents are does not change
    with who travels. By what a child has left stays on record, for as long as it counts as having left.
    """
    persons = (asked_anew(one, since) if one.travel == "expected" else one for one in case.persons)
    return replace(case, persons=tuple(persons))


def asked_anew(child: CasePerson, since: datetime | None = None) -> CasePerson:
    """The child of which it is asked anew by what it goes without one of its parents; with ``since`` as in `unsettled`."""

    def stays(known: Evidence) -> bool:
        return not settles(known) or (since is not None and known.established_at <= since)

    return replace(child, evidence=tuple(filter(stays, child.evidence)))


def unconfirmed(case: Case) -> Case:
    """The case without last confirmations and clearance: everybody is asked anew."""
    everybody = (person.person_id for person in case.persons)
    return replace(with_persons(case, everybody, confirmed_at=None), cleared_at=None, clearance_lapsed_at=None)


def without_booking(case: Case) -> Case:
    """The case without its booking, and without all that was arranged for it: the exit is reported for one flight."""
    anew = unconfirmed(case)
    if case.booking is None:
        return anew
    return replace(
        _without_seats(anew, anew.persons), departs_at=None, arrives_at=None, booked_person_ids=(), flight=None, needs=(),
        transit_country=None, transit_visa_needed=False, booked_at=None, reception_arranged_at=None,
    )  # fmt: skip


def without_unused_seats(case: Case) -> Case:
    """The case whose booking is only that of those who are under way with it; whoever has not left is booked anew."""
    if all(person.travel != "departed" for person in case.persons):
        return without_booking(case)
    return _without_seats(unconfirmed(case), case.travelling)


def _without_seats(case: Case, persons: Iterable[CasePerson]) -> Case:
    named = frozenset(person.person_id for person in persons)
    return replace(
        case,
        booked_person_ids=tuple(seat for seat in case.booked_person_ids if seat not in named),
        persons=tuple(
            replace(
                person, assistance=(), evidence=tuple(one for one in person.evidence if one.kind not in _OF_ONE_FLIGHT)
            )
            if person.person_id in named else person
            for person in case.persons
        ),
    )  # fmt: skip


