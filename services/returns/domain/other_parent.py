"""By what a child travels without one of its parents: of whom that is asked, what settles it, and who is shown it."""

from dataclasses import replace
from typing import Final, get_args

from services.returns.domain.case_state import Case, CasePerson, Evidence
from services.returns.domain.case_times import is_by_booked_flight
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
    if child.has("other_parent") is not None:
        return True
    along = {one.person_id for one in case.persons if one.travel == "expected" or _left_on_this_flight(one, case)}
    return len(child.parent_ids) < 2 or not along.issuperset(child.parent_ids)


def is_other_parent_settled(child: CasePerson, case: Case) -> bool:
    """Whether it is on record by what a child travels without one of its parents, beside those who go along now."""
    known = child.has("other_parent")
    if known is None or not settles(known):
        return False
    # What was settled of a journey beside adults of the case says nothing of a later one, after they have left.
    ahead = (one for one in case.gone if one.is_adult and not _left_on_this_flight(one, case))
    return all(one.departed_at is not None and one.departed_at < known.established_at for one in ahead)


def _left_on_this_flight(person: CasePerson, case: Case) -> bool:
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
