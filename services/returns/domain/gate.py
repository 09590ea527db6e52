"""The departure gate: every condition that must hold before anybody travels, each with who can provide it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.returns.domain.case_state import Case, CaseFacts, CasePerson
from services.returns.domain.days import latest_day
from services.returns.domain.journey_evidence import (
    is_assisted,
    is_fit,
    is_flagged,
    is_shown_health,
    is_supervised,
    may_exit,
    may_pass,
)
from services.returns.domain.of_age import as_recorded, is_adult, is_declared, may_go_beside_an_adult
from services.returns.domain.other_parent import is_other_parent_asked, is_other_parent_settled
from services.returns.domain.screening_lines import CODES, is_shown_screening, lines_of
from shared.actors import Actor, Role

CONFIRMATION_HOLDS: Final = timedelta(hours=24)
_OF_HEALTH: Final = frozenset({"fitness_not_decided", "assistance_not_booked"})


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
    # The same words for every hold, and the same colleague to ask: neither tells what it is about.
    "hold_stands": _Wording(
        "No hold stands.",
        "The case is on hold. It goes on once each hold was lifted by somebody who may lift it.",
        Role.COORDINATOR,
    ),
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
    "session_alone_missing": _Wording(
        "This adult was heard alone in an individual session.",
        "An adult is still to be heard alone. A counsellor must hold an individual session in which only this person is named, "
        "with no relative or resident present or interpreting, and record that; or set an earlier record of such a session right.",
        Role.COUNSELLOR,
    ),
    "voluntariness_not_assessed": _Wording(
        "The wish to return is free, informed, and this person can decide.",
        "It is not assessed, or was not found, that somebody's wish to return is free, informed, and theirs to decide. A "
        "counsellor can assess it.",
        Role.COUNSELLOR,
    ),
    "not_heard_alone": _Wording(
        "This person was heard without family in the room and without an interpreter of the family or the centre.",
        "Somebody was not heard alone, or a relative or a resident interpreted. A counsellor must hear them alone, with a "
        "professional interpreter where one is needed.",
        Role.COUNSELLOR,
    ),
    "consequences_not_explained": _Wording(
        "Ways to stay and what leaving means in law were explained.",
        "Ways to stay, or what leaving means in law, were not explained to somebody. A counsellor must explain them.",
        Role.COUNSELLOR,
    ),
    "fear_of_return_open": _Wording(
        "This person was asked and does not fear to return.",
        "Somebody was not asked whether they fear to return, or fears it. Protection can say how to go on.",
        Role.PROTECTION,
    ),
    "vulnerability_not_screened": _Wording(
        "It was screened whether this person is vulnerable.",
        "It was not screened whether somebody is vulnerable. A counsellor can record it.",
        Role.COUNSELLOR,
    ),
    "protection_alert_open": _Wording(
        "No alert about this person is open.",
        "Protection was called for somebody and has not closed that yet.",
        Role.PROTECTION,
    ),
    "trafficking_risk_open": _Wording(
        "The risk of the return was assessed as acceptable.",
        "The risk of somebody's return is not assessed, or not acceptable. Protection assesses it.",
        Role.PROTECTION,
    ),
    "best_interests_open": _Wording(
        "Return is in the best interests of this child; guardian and child agree, and the family is ready.",
        "It is not found that return is in the best interests of a child, or somebody does not agree. Protection can say "
        "what is missing.",
        Role.PROTECTION,
    ),
    # One line for all of these, for whoever is not shown what screening found.
    "screening_not_settled": _Wording(
        "What screening asks of everybody is settled.",
        "What screening asks of somebody is not settled. The counsellor of the case or protection can say what is missing.",
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
        "An adult of the case travels with this child, or it is arranged who looks after it from door to door.",
        "A child would travel without an adult of the case, and it is not on record who goes along, hands it over and receives "
        "it on these days. Protection must decide before the child can go.",
        Role.PROTECTION,
    ),
    "other_parent_open": _Wording(
        "It is settled by what this child travels without one of its parents.",
        "A child travels without one of its parents, or it is not known that both go along, and neither that parent's consent, "
        "a paper on custody nor protection's decision is on record. A counsellor can record one.",
        Role.COUNSELLOR,
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
    "transit_visa_missing": _Wording(
        "A visa for the country between is valid on the journey.",
        "The booking leads through a country that asks for a visa, and somebody has none that is valid on the journey. "
        "Operations can record one.",
        Role.OPERATIONS,
    ),
    "exit_formalities_missing": _Wording(
        "The exit formalities with the Service for Foreigners' Affairs are recorded.",
        "The exit formalities with the Service for Foreigners' Affairs are not recorded, or are over before departure. "
        "Operations can record them.",
        Role.OPERATIONS,
    ),
    "fitness_not_decided": _Wording(
        "A decision says that this person is fit to travel.",
        "It was asked whether somebody is fit to travel, and no decision says so for the days of the journey. A doctor "
        "of the mission must decide.",
        Role.MEDICAL,
    ),
    "assistance_not_booked": _Wording(
        "The help that this person needs on the way is booked.",
        "The booking does not hold all the help that somebody needs on the way. Operations can confirm one that does.",
        Role.OPERATIONS,
    ),
    "health_not_settled": _Wording(
        "What this person's health asks of the journey is settled.",
        "What somebody's health asks of the journey is not settled. Operations know what is missing.",
        Role.OPERATIONS,
    ),
    "reception_not_arranged": _Wording(
        "The receiving office was notified of this booking, and the reception is arranged.",
        "The receiving office was not notified of this booking, or nobody is arranged to meet the persons. Operations can "
        "record it once it is.",
        Role.OPERATIONS,
    ),
    "voluntariness_not_fresh": _Wording(
        "It was confirmed within 24 hours before departure that this person still wishes to go.",
        "It was not confirmed within 24 hours before departure that somebody still wishes to go. Operations can ask the "
        "adults, or the guardian of a child on its own, and record the answer.",
        Role.OPERATIONS,
    ),
}


def gate(case: Case, facts: CaseFacts, at: datetime, *, boarding: bool) -> tuple[Condition, ...]:
    """Every condition for those who still travel, in the order in which a refusal names the first that is unmet.

    ``boarding`` asks in addition for each adult's fresh confirmation, and where no adult travels for each child's. Nobody to travel counts as nobody booked, so
    an empty case never passes.
    """
    return tuple(_conditions(case, facts, at, boarding=boarding))


def gate_told_to(case: Case, facts: CaseFacts, at: datetime, reader: Actor, *, boarding: bool) -> tuple[Condition, ...]:
    """The conditions of a case as somebody is told them.

    Whoever is not shown what was decided about anybody's health is told of it in one line for each person, and whoever is
    not shown what screening found in one line for all of them: by which of them is unmet, or asked for at all, and of
    whom, one could tell what was found. With it goes what is unmet only because somebody may be a child.
    """
    lines = gate(case, facts, at, boarding=boarding)
    if not is_shown_screening(case, reader):
        recorded = as_recorded(case)
        plain = lines if recorded is case else gate(recorded, facts, at, boarding=boarding)
        lines = _in_one_line_for_all(lines, plain, CODES, "screening_not_settled")
    if not is_shown_health(reader.roles):
        lines = _in_one_line(lines, _OF_HEALTH, "fitness_not_decided", "health_not_settled")
    return lines


def _in_one_line(
    lines: tuple[Condition, ...], codes: Collection[str], stands_for: str, neutral: str
) -> tuple[Condition, ...]:
    """The lines with one ``neutral`` for each person in place of these; each of those persons has a ``stands_for``."""
    unmet = {line.person_id for line in lines if line.code in codes and not line.met}
    return tuple(
        _condition(neutral, line.person_id not in unmet, line.person_id) if line.code == stands_for else line
        for line in lines
        if line.code == stands_for or line.code not in codes
    )


def _in_one_line_for_all(
    lines: tuple[Condition, ...], plain: tuple[Condition, ...], codes: Collection[str], neutral: str
) -> tuple[Condition, ...]:
    """The plain lines with a single ``neutral``, which names nobody, in place of these, where the first of them stood.

    It is met if all of these are, and all that the plain ones do not say is unmet.
    """
    first = next((place for place, line in enumerate(plain) if line.code in codes), None)
    if first is None:
        return plain
    met = {(line.code, line.person_id) for line in lines if line.met}
    # What holds by what is known of a person holds; nobody is refused by what is not asked.
    told = [_condition(one.code, one.met or (one.code, one.person_id) in met, one.person_id) for one in plain]
    said = {(line.code, line.person_id) for line in told if not line.met and line.code not in codes}
    settled = all(line.met or (line.code, line.person_id) in said for line in lines)
    others = (line for line in told[first:] if line.code not in codes)
    return (*told[:first], _condition(neutral, settled), *others)


def first_unmet(conditions: Iterable[Condition]) -> Condition | None:
    """The condition that a refusal names, or None if all hold."""
    return next((condition for condition in conditions if not condition.met), None)


def _conditions(case: Case, facts: CaseFacts, at: datetime, *, boarding: bool) -> Iterator[Condition]:
    travelling, booking = case.travelling, case.booking
    adults = [person for person in travelling if is_adult(person, case)]
    children = [person for person in travelling if not is_adult(person, case)]
    # What is asked of an adult stays asked of whoever may be a child.
    recorded = [person for person in travelling if person.recorded_as_adult]
    booked = booking is not None and bool(travelling) and _same_persons(booking.person_ids, travelling)

    yield _condition("hold_stands", case.status != "on_hold")
    yield _condition("approval_missing", case.approved_by not in (None, case.counsellor_id))
    # Whoever may be a child consents for nobody else.
    consenting = case.consenting if adults else travelling
    yield from _of_each(
        "data_consent_missing", consenting, lambda person: facts.of(person.person_id).data_consent
    )
    yield from _of_each(
        "individual_session_missing", recorded, lambda person: facts.of(person.person_id).counselled_at is not None
    )
    # What the assessment says of it is asked apart, below: each is said by somebody else.
    yield from _of_each("session_alone_missing", recorded, lambda person: facts.of(person.person_id).heard_alone)
    for line, person, holds in lines_of(case):
        yield _condition(line.code, holds, person.person_id)
    yield from _of_each("declaration_missing", travelling, lambda person: is_declared(person, case))
    yield from _of_each("own_plan_missing", travelling, lambda person: person.own_plan_id is not None)
    yield from _of_each(
        "child_without_guardian", children, lambda child: bool(adults) or is_supervised(child, booking, at)
    )
    asked = [child for child in children if may_go_beside_an_adult(child, case) and is_other_parent_asked(child, case)]
    yield from _of_each("other_parent_open", asked, lambda child: is_other_parent_settled(child, case))
    yield _condition("booking_missing", booked)
    if booking is not None:
        yield _condition("booking_in_the_past", booking.departs_at > at)
    yield from _of_each("document_missing", travelling, lambda person: person.document is not None)
    # Valid on the day of arrival wherever that is: the zone of the destination is not known here.
    # Whoever was left behind by a booked flight needs one that is valid still.
    needed_until = latest_day(max(booking.arrives_at, at) if booking is not None else at)
    yield from _of_each(
        "document_expires_before_arrival",
        (person for person in travelling if person.document is not None),
        lambda person: person.document_valid_until is not None and person.document_valid_until >= needed_until,
    )
    if case.transit_visa_needed:
        yield from _of_each("transit_visa_missing", travelling, lambda person: may_pass(person, booking, at, case.transit_country))
    yield from _of_each("exit_formalities_missing", travelling, lambda person: may_exit(person, booking, at))
    flagged = [person for person in travelling if is_flagged(person)]
    yield from _of_each("fitness_not_decided", flagged, lambda person: is_fit(person, booking, at))
    yield from _of_each("assistance_not_booked", flagged, is_assisted)
    if booking is not None:
        yield _condition("reception_not_arranged", case.reception_arranged_at is not None)
    if boarding:
        departs_at = booking.departs_at if booking is not None else None
        yield from _of_each(
            "voluntariness_not_fresh", recorded if adults else travelling,
            lambda person: _is_fresh(person.confirmed_at, departs_at, at),
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
