"""Children under way beside whom somebody turns out not to go: for whoever has nobody, or no word of a parent, protection is called."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from services.returns.domain.case_state import Case, CasePerson
from services.returns.domain.case_times import LONGEST_JOURNEY
from services.returns.domain.journey_evidence import is_supervised
from services.returns.domain.of_age import is_adult
from services.returns.domain.other_parent import goes_without_a_parent, left_together
from services.returns.domain.screening_facts import is_called_for, left_uncleared
from shared.contracts.returns import ScreeningRecorded
from shared.messages import Event


def called_for_children(case: Case, staying: Collection[UUID], record_id: UUID | None = None) -> tuple[ScreeningRecorded, ...]:
    """Calls protection for each child under way that turns out to travel without these persons, where nothing provides for that.

    The case is as it was before: by what was settled and arranged then it is judged. A child with whom no adult left is to
    be looked after by somebody else; one that is beside an adult is without a parent only by what had been settled.
    """
    if not any(one.recorded_as_adult for one in case.persons if one.person_id in staying):
        return ()
    return tuple(
        left_uncleared(child.person_id, child.departed_at, record_id)
        for child in case.under_way
        if child.departed_at is not None
        and not is_adult(child, case)
        and child.person_id not in staying
        and not is_called_for(case.screening_of(child.person_id))
        and not _is_provided_for(child, child.departed_at, case, staying)
    )


def called_for_children_apart(
    case: Case, leaving: Collection[CasePerson], left_at: datetime, record_id: UUID | None = None
) -> tuple[ScreeningRecorded, ...]:
    """Calls protection for each child under way with which these were to go, who leave at this moment and by another flight.

    The case is as it was before. Whoever withdrew, missed the flight or was booked anew was taken for staying then.
    """
    if not any(one.travel == "expected" and one.person_id in case.booked_person_ids for one in leaving):
        return ()
    apart = {
        child.person_id
        for child in case.under_way
        if child.departed_at is not None
        and abs(left_at - child.departed_at) > LONGEST_JOURNEY
        and (case.booked_at is None or child.departed_at >= case.booked_at)
    }
    called = called_for_children(case, [one.person_id for one in leaving], record_id)
    return tuple(one for one in called if one.person_id in apart)


def called_for_a_child(person: CasePerson, case: Case) -> tuple[Event, ...]:
    """Calls protection for somebody under way who turns out to be a child, and for each child that left with them.

    The case is as it is known now. Who left beside an adult or is looked after on the way is not called for.
    """
    return tuple(
        left_uncleared(child.person_id, child.departed_at)
        for child in case.under_way
        if child.departed_at is not None
        and not is_adult(child, case)
        and left_together(child, person)
        and not is_called_for(case.screening_of(child.person_id))
        and not any(is_adult(one, case) for one in case.gone if left_together(child, one))
        and not is_supervised(child, case.booking, child.departed_at)
    )


def _is_provided_for(child: CasePerson, left_at: datetime, case: Case, staying: Collection[UUID]) -> bool:
    beside = (one for one in case.gone if one.person_id not in staying and left_together(child, one))
    if any(is_adult(one, case) for one in beside):
        return not goes_without_a_parent(child, case, staying)
    return is_supervised(child, case.booking, left_at)
