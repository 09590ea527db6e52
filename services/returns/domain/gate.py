"""The departure gate: every condition that must hold before anybody travels, each with who can provide it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from services.returns.domain.case_state import Case, CaseFacts, CasePerson
from shared.actors import Role

CONFIRMATION_HOLDS: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of the departure checklist: whether it holds, in words, and whose part it is if it does not.

    ``code`` is the refusal's code while it is unmet; ``person_id`` is None where it concerns the whole case.
    """

    code: str
    met: bool
    sentence: str
    person_id: UUID | None
    provider: Role


@dataclass(frozen=True, slots=True)
class _Wording:
    holds: str
    lacks: str
    provider: Role


_WORDINGS: Final[Mapping[str, _Wording]] = {
    "approval_missing": _Wording(
        "Somebody other than the counsellor has approved the case.",
        "Nobody other than the counsellor has approved the case. A coordinator can approve it.",
        Role.COORDINATOR,
    ),
    "data_consent_missing": _Wording(
        "The consent to data processing stands.",
        "A consent to data processing is missing or was taken back. A counsellor can ask for it.",
        Role.COUNSELLOR,
    ),
    "individual_session_missing": _Wording(
        "This adult was heard in an individual session.",
        "An adult has not been heard in an individual session. A counsellor must hold and record one.",
        Role.COUNSELLOR,
    ),
    "voluntariness_not_assessed": _Wording(
        "Screening is complete and found the wish to return voluntary.",
        "Somebody's voluntariness has not been assessed. A counsellor must complete the screening.",
        Role.COUNSELLOR,
    ),
    "declaration_missing": _Wording(
        "The declaration is signed.",
        "A declaration is not signed. Adults sign their own, and an adult of the case signs for a child.",
        Role.COUNSELLOR,
    ),
    "own_plan_missing": _Wording(
        "An own reintegration plan covers this person.",
        "No own reintegration plan covers everybody. A counsellor can record it with the migrant.",
        Role.COUNSELLOR,
    ),
    "child_without_guardian": _Wording(
        "An adult of the case travels with this child.",
        "A child would travel without an adult of the case. Protection must decide before the child can go.",
        Role.PROTECTION,
    ),
    "booking_missing": _Wording(
        "The booking holds exactly those who travel.",
        "There is no booking for exactly those who travel. Operations can confirm one.",
        Role.OPERATIONS,
    ),
    "booking_in_the_past": _Wording(
        "The booked departure lies ahead.",
        "The booked departure has passed. Operations must record what happened or confirm a new booking.",
        Role.OPERATIONS,
    ),
    "document_missing": _Wording(
        "A travel document is recorded.",
        "A travel document is missing. A counsellor can record it once the consular post has issued it.",
        Role.COUNSELLOR,
    ),
    "document_expires_before_arrival": _Wording(
        "The travel document is valid on arrival.",
        "A travel document will have expired on arrival. A counsellor can record a renewed one.",
        Role.COUNSELLOR,
    ),
    "voluntariness_not_fresh": _Wording(
        "This adult confirmed within 24 hours before departure that they still wish to go.",
        "An adult has not confirmed within 24 hours before departure that they still wish to go. Operations can ask "
        "them and record the answer.",
        Role.OPERATIONS,
    ),
}


def gate(case: Case, facts: CaseFacts, at: datetime, *, boarding: bool) -> tuple[Condition, ...]:
    """Every condition for those who still travel, in the order in which a refusal names the first that is unmet.

    ``boarding`` asks in addition for each adult's fresh confirmation. Nobody to travel counts as nobody booked, so
    an empty case never passes.
    """
    return tuple(_conditions(case, facts, at, boarding=boarding))


def first_unmet(conditions: Iterable[Condition]) -> Condition | None:
    """The condition that a refusal names, or None if all hold."""
    return next((condition for condition in conditions if not condition.met), None)


def latest_day(at: datetime) -> date:
    """The latest calendar day that it can be anywhere at this moment (UTC+14)."""
    return (at + timedelta(hours=14)).date()


def _conditions(case: Case, facts: CaseFacts, at: datetime, *, boarding: bool) -> Iterator[Condition]:
    travelling, booking = case.travelling, case.booking
    adults = [person for person in travelling if person.is_adult]
    children = [person for person in travelling if not person.is_adult]
    booked = booking is not None and bool(travelling) and _same_persons(booking.person_ids, travelling)

    yield _condition("approval_missing", case.approved_by not in (None, case.counsellor_id))
    yield from _of_each(
        "data_consent_missing", case.consenting, lambda person: facts.of(person.person_id).data_consent
    )
    yield from _of_each(
        "individual_session_missing", adults, lambda person: facts.of(person.person_id).counselled_at is not None
    )
    yield from _of_each(
        "voluntariness_not_assessed", travelling, lambda person: person.screened_at is not None
    )
    yield from _of_each("declaration_missing", travelling, lambda person: person.declared_by is not None)
    yield from _of_each("own_plan_missing", travelling, lambda person: person.own_plan_id is not None)
    yield from _of_each("child_without_guardian", children, lambda _: bool(adults))
    yield _condition("booking_missing", booked)
    if booking is not None:
        yield _condition("booking_in_the_past", booking.departs_at > at)
    yield from _of_each("document_missing", travelling, lambda person: person.document is not None)
    # Valid on the day of arrival wherever that is: the zone of the destination is not known here.
    needed_until = latest_day(booking.arrives_at if booking is not None else at)
    yield from _of_each(
        "document_expires_before_arrival",
        (person for person in travelling if person.document is not None),
        lambda person: person.document_valid_until is not None and person.document_valid_until >= needed_until,
    )
    if boarding:
        departs_at = booking.departs_at if booking is not None else None
        yield from _of_each(
            "voluntariness_not_fresh", adults, lambda person: _is_fresh(person.confirmed_at, departs_at, at)
        )


def _is_fresh(confirmed_at: datetime | None, departs_at: datetime | None, at: datetime) -> bool:
    if confirmed_at is None or departs_at is None:
        return False
    return departs_at - CONFIRMATION_HOLDS <= confirmed_at <= min(at, departs_at)


def _same_persons(person_ids: Iterable[UUID], persons: Iterable[CasePerson]) -> bool:
    return frozenset(person_ids) == frozenset(person.person_id for person in persons)


def _of_each(
    code: str, persons: Iterable[CasePerson], met: Callable[[CasePerson], bool]
) -> Iterator[Condition]:
    return (_condition(code, met(person), person.person_id) for person in persons)


def _condition(code: str, met: bool, person_id: UUID | None = None) -> Condition:
    wording = _WORDINGS[code]
    return Condition(code, met, wording.holds if met else wording.lacks, person_id, wording.provider)
