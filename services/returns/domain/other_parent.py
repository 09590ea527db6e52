"""By what a child travels without one of its parents: of whom that is asked, what settles it, and who is shown it."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final, get_args
from uuid import UUID

from services.returns.domain.case_state import Case, CasePerson, Evidence
from services.returns.domain.case_times import LONGEST_JOURNEY, is_by_booked_flight
from services.returns.domain.screening_lines import is_shown_screening
from shared.actors import Actor
from shared.contracts.families import OtherParent

_SETTLING: Final = frozenset[str](get_args(OtherParent))


def settles(evidence: Evidence) -> bool:
    """Whether this says by what a child travels without one of its parents, and not that it is asked for."""
    return evidence.kind == "other_parent" and not _SETTLING.isdisjoint(evidence.conditions)


def is_other_parent_asked(child: CasePerson, case: Case) -> bool:
    """Whether it is asked of a child beside whom an adult travels: unless it is known that both of its parents do.

    Whoever knows better than the family's record that they do not has it asked for all the same (domain reference 2.5, 3).
    """
    return _is_asked(child, (one for one in case.persons if one.travel == "expected" or left_on_this_flight(one, case)))


def _is_asked(child: CasePerson, along: Iterable[CasePerson]) -> bool:
    if child.has("other_parent") is not None:
        return True
    return len(child.parent_ids) < 2 or not {one.person_id for one in along}.issuperset(child.parent_ids)


def is_other_parent_settled(child: CasePerson, case: Case) -> bool:
    """Whether it is on record by what a child travels without one of its parents, beside those who go along now."""
    known = child.has("other_parent")
    if known is None or not settles(known):
        return False
    # What was settled of a journey beside adults of the case says nothing of a later one, after they have left. Whoever may
    # be a child may be an adult, too.
    ahead = (one for one in case.gone if one.recorded_as_adult and not left_on_this_flight(one, case))
    return all(one.departed_at is not None and one.departed_at < known.established_at for one in ahead)


def goes_without_a_parent(child: CasePerson, case: Case, staying: Collection[UUID]) -> bool:
    """Whether a child under way turns out to be without a parent, now that these stay, and not by what had been settled.

    Whoever is still to leave may be on its flight. What was settled while one of its parents was to go along is no word of
    that one.
    """
    along = (
        one for one in case.persons
        if one.person_id not in staying and (one.travel == "expected" or left_together(child, one))
    )  # fmt: skip
    if not _is_asked(child, along):
        return False
    known = child.has("other_parent")
    if known is None or not settles(known):
        return True
    # Since somebody withdrew, it is settled by what the child goes without them, also if they were taken for gone.
    return any(one.person_id in child.parent_ids and not one.withdrew for one in case.persons if one.person_id in staying)


def left_together(child: CasePerson, other: CasePerson) -> bool:
    """Whether these two left by one flight; each of a family may be recorded apart."""
    if child.departed_at is None or other.departed_at is None:
        return False
    return abs(child.departed_at - other.departed_at) <= LONGEST_JOURNEY


def left_on_this_flight(person: CasePerson, case: Case) -> bool:
    """Whether somebody left since the present seats were booked; on one flight each of a family may be recorded apart."""
    left_at, booking = person.departed_at, case.booking
    if left_at is None or case.booked_at is None or booking is None:
        return False
    return left_at >= case.booked_at and is_by_booked_flight(booking, left_at)


def other_parent_seen_by(case: Case, reader: Actor) -> Case:
    """The case as a member of staff is shown it: by what it is settled tells of a parent or of protection, so few are told.

    All others are shown that it was looked at, and the checklist says how it stands.
    """
    if is_shown_screening(case, reader):
        return case
    persons = (replace(one, evidence=tuple(_unsaid(known) for known in one.evidence)) for one in case.persons)
    return replace(case, persons=tuple(persons))


def _unsaid(evidence: Evidence) -> Evidence:
    return Evidence("other_parent", evidence.established_at) if evidence.kind == "other_parent" else evidence
