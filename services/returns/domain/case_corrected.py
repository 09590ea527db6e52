"""How a case changes when what was recorded of a journey turns out to be wrong."""

from dataclasses import replace

from services.returns.domain.case_changes import (
    asked_anew,
    unsettled,
    with_person,
    with_screening,
    withdrew,
    without_unused_seats,
)
from services.returns.domain.case_held import got_to, stopped_no_more
from services.returns.domain.case_state import Case, CasePerson, Correction
from services.returns.domain.case_times import lands_at
from services.returns.domain.screening_facts import not_left_uncleared
from shared.contracts.corrections import (
    ArrivalCorrected,
    CorrectionAsked,
    CorrectionRejected,
    DepartureCorrected,
)
from shared.messages import Event


def corrected(case: Case, event: Event) -> Case | None:
    """The case after a fact about a wrong record; None if the event is none."""
    match event:
        case CorrectionAsked():
            question = Correction(event.of, event.asked_by, event.asked_at, event.withdrew_at)
            return with_person(case, event.person_id, correction=question)
        case CorrectionRejected():
            return with_person(case, event.person_id, correction=None)
        case DepartureCorrected():
            return _not_gone(case, event)
        case ArrivalCorrected():
            return _not_there(case, event)
        case _:
            return None


def _not_gone(case: Case, event: DepartureCorrected) -> Case:
    """The case after somebody did not leave: it is prepared anew for whoever is left, if it had departed with them."""
    person = case.person(event.person_id)
    back = with_person(case, event.person_id, travel="expected", departed_at=None, confirmed_at=None, correction=None)
    # Also somebody who may be a child: to ask anew what was settled is the safe side.
    if person is not None and person.recorded_as_adult:
        back = unsettled(back, since=person.departed_at)
    if person is not None:
        back = replace(back, persons=tuple(_not_gone_beside_others(one, back, person) for one in back.persons))
    if person is not None and person.withdrew:
        # What they signed and answered for a child since, as if they went, goes with them again.
        back = withdrew(back, event.person_id)
    back = with_screening(back, not_left_uncleared(back.screening_of(event.person_id)))
    back = stopped_no_more(back, event.corrected_at)
    if case.stretch != "departed":
        # A booking whose seats were all taken by those who turn out not to have left is nobody's.
        return back if back.booked_person_ids else without_unused_seats(back)
    if back.gone and not back.travelling:
        return replace(back, departed_at=max(one.departed_at for one in back.gone if one.departed_at))
    return replace(got_to(without_unused_seats(back), "preparing"), departed_at=None)


def _not_gone_beside_others(one: CasePerson, case: Case, gone: CasePerson) -> CasePerson:
    """The person who did not leave, without what was settled of a journey beside others than go with them now; else as given.

    While they counted as having left it stayed as it was. Who stayed, came or went on apart in that time the case does not
    know, so that it is asked anew wherever anybody ever did.
    """
    if one.person_id != gone.person_id:
        return one
    adults = [other for other in case.persons if other.recorded_as_adult and other.person_id != one.person_id]
    if case.split_from is not None or case.split_into or any(other.travel == "withdrawn" for other in adults):
        return asked_anew(one)
    # Nor did an adult leave who is awaited again, after whose departure it was settled.
    return asked_anew(one, gone.departed_at) if any(other.travel == "expected" for other in adults) else one


def _not_there(case: Case, event: ArrivalCorrected) -> Case:
    """The case after somebody has not arrived and is awaited again."""
    person = case.person(event.person_id)
    left_at = person.departed_at if person is not None else None
    expected_at = lands_at(case, left_at) if left_at is not None else None
    under_way = with_person(
        case, event.person_id, travel="departed", arrived_at=None, expected_at=expected_at, overdue_at=None, correction=None
    )
    return replace(got_to(under_way, "departed"), arrived_at=None) if case.stretch == "arrived" else under_way
