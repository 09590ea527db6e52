"""A child that travels without one of its parents: of whom that is asked, what settles it, what takes it away, who is shown it."""

from dataclasses import replace
from datetime import date, timedelta
from typing import get_args

import pytest

from services.returns.domain.case_other_parent import AskForOtherParent, SettleOtherParent
from services.returns.domain.case_preparation import ClearToBoard, MarkReadyToTravel
from services.returns.domain.case_state import Case, Evidence
from services.returns.domain.case_withdrawal import WithdrawPerson
from services.returns.domain.gate import gate, gate_told_to
from services.returns.domain.journey_evidence import recorded
from services.returns.domain.other_parent import other_parent_seen_by
from shared.contracts.families import (
    CaseSplitOff,
    FamilyJoined,
    FamilySplit,
    GoingOn,
    NotSettled,
    OtherParent,
)
from shared.contracts.returns import (
    BookingConfirmed,
    ClearanceLost,
    EvidenceRecorded,
    FlightMissed,
    PersonWithdrew,
    ReadyToTravel,
)
from shared.messages import Event
from tests.given import NOON
from tests.unit.returns.examples import (
    BEST,
    BOOKED,
    CHILD,
    CLEARED,
    CLEARED_AT,
    CONFIRMED,
    COORDINATOR,
    COUNSELLOR,
    DEPARTS_AT,
    DOCUMENTED,
    EVERYTHING_KNOWN,
    FAMILY,
    FATHER,
    MOTHER,
    OFFICE,
    OPERATIONS,
    PREPARING,
    PROTECTION,
    RECEPTION,
    STRANGER,
    SUBMITTER,
    after,
    booked,
    caught_up,
    covered,
    given,
    left,
    opened,
    ref,
    signed,
    told,
)

DAY = date(2023, 4, 20)
ORDER = SettleOtherParent(person_id=CHILD, settled_by="consent_signed", settled_on=DAY)
ASK = AskForOtherParent(person_id=CHILD, not_settled="consent_withdrawn")
WITHOUT_FATHER: tuple[Event, ...] = (
    *DOCUMENTED, PersonWithdrew(person_id=FATHER), signed(CHILD, MOTHER), told(CHILD, BEST), booked(MOTHER, CHILD), RECEPTION,
)  # fmt: skip


def settled(by: OtherParent = "consent_signed", on: date = DAY) -> EvidenceRecorded:
    return recorded(CHILD, Evidence("other_parent", NOON, on, conditions=(by,)))


def asked(why: NotSettled = "consent_withdrawn") -> EvidenceRecorded:
    return recorded(CHILD, Evidence("other_parent", NOON, conditions=(why,)))


def lines(case: Case) -> list[tuple[bool, object, str]]:
    found = gate(case, EVERYTHING_KNOWN, NOON, boarding=False)
    return [(line.met, line.person_id, line.provider) for line in found if line.code == "other_parent_open"]


def test_it_is_not_asked_where_both_parents_are_known_to_travel() -> None:
    assert lines(after(*BOOKED)) == []
    given(*BOOKED).when(MarkReadyToTravel(), OPERATIONS).then(ReadyToTravel())


def test_a_child_beside_one_parent_is_ready_only_once_it_is_settled() -> None:
    given(*WITHOUT_FATHER).when(MarkReadyToTravel(), OPERATIONS).refused("other_parent_open")
    assert lines(after(*WITHOUT_FATHER)) == [(False, CHILD, "counsellor")]
    given(*WITHOUT_FATHER, settled()).when(MarkReadyToTravel(), OPERATIONS).then(ReadyToTravel())
    assert lines(after(*WITHOUT_FATHER, settled())) == [(True, CHILD, "counsellor")]


@pytest.mark.parametrize("parents", [(), (MOTHER, FATHER, STRANGER), (MOTHER,)], ids=["none", "one_of_three_stays", "one"])
def test_two_adults_count_as_the_parents_only_where_it_is_known_that_they_are_all_of_them(parents: tuple[object, ...]) -> None:
    known = tuple(one for one in (MOTHER, FATHER, STRANGER) if one in parents)
    family = opened(covered(MOTHER, "adult"), covered(FATHER, "adult"), covered(CHILD, "child", *known))
    past = (family, *BOOKED[1:])
    given(*past).when(MarkReadyToTravel(), OPERATIONS).refused("other_parent_open")
    given(*past, settled()).when(MarkReadyToTravel(), OPERATIONS).then(ReadyToTravel())


def test_of_a_child_beside_whom_no_adult_travels_it_is_not_asked() -> None:
    alone = (*DOCUMENTED, PersonWithdrew(person_id=MOTHER), PersonWithdrew(person_id=FATHER))
    assert lines(after(*alone)) == []
    for order in (ORDER, ASK):
        given(*alone).when(order, COUNSELLOR).refused("child_on_its_own")


@pytest.mark.parametrize("by", get_args(OtherParent))
def test_each_way_settles_it_and_the_leaf_says_none_of_them(by: OtherParent) -> None:
    order = ORDER.model_copy(update={"settled_by": by})
    given(*WITHOUT_FATHER).when(order, PROTECTION).then(settled(by))
    given(*WITHOUT_FATHER, settled(by)).when(MarkReadyToTravel(), OPERATIONS).then(ReadyToTravel())
    event = settled(by)
    assert event.conditions.clear() == by
    # Nor the day, which may be that on which a parent died.
    assert event.established_at == NOON
    assert all(getattr(event, name).value is not None for name in ("evidence_kind", "conditions", "valid_from"))


def test_what_protection_decides_only_protection_records_and_takes_back() -> None:
    decision = ORDER.model_copy(update={"settled_by": "protection_decision"})
    back = AskForOtherParent(person_id=CHILD, not_settled="decision_withdrawn")
    for by in (COUNSELLOR, COORDINATOR):
        given(*WITHOUT_FATHER).when(decision, by).refused("protection_decides")
        given(*WITHOUT_FATHER).when(back, by).refused("protection_decides")
    past = (*WITHOUT_FATHER, settled("protection_decision"), ReadyToTravel())
    given(*past).when(back, PROTECTION).then_kinds(EvidenceRecorded, ClearanceLost)


@pytest.mark.parametrize("why", get_args(NotSettled))
def test_once_it_does_not_hold_the_readiness_is_gone_at_once_and_again_settled_it_can_be_ready(why: NotSettled) -> None:
    past = (*WITHOUT_FATHER, settled(), ReadyToTravel())
    order = ASK.model_copy(update={"not_settled": why})
    case = given(*past).when(order, PROTECTION)
    case.then_kinds(EvidenceRecorded, ClearanceLost)
    lost = case.events[-1]
    assert isinstance(lost, ClearanceLost)
    assert lost.reason is not None
    assert (lost.condition, lost.reason.clear()) == ("", "other_parent_open")
    given(*past, *case.events).when(MarkReadyToTravel(), OPERATIONS).refused("other_parent_open")
    given(*past, *case.events).when(ORDER, COUNSELLOR).then(settled())


def test_a_clearance_goes_with_it_and_nobody_is_cleared_without_it() -> None:
    not_both = AskForOtherParent(person_id=CHILD, not_settled="not_both_parents")
    given(*CLEARED).knowing(caught_up(CLEARED_AT)).when(not_both, COUNSELLOR, CLEARED_AT).then_kinds(EvidenceRecorded, ClearanceLost)
    past = (*CONFIRMED, asked("not_both_parents"))
    given(*past).knowing(caught_up(CLEARED_AT)).when(ClearToBoard(), OPERATIONS, CLEARED_AT).refused("other_parent_open")


def test_a_parent_who_stays_behind_takes_the_readiness_away_until_what_that_parent_says_is_on_record() -> None:
    stays = given(*BOOKED, ReadyToTravel()).when(WithdrawPerson(person_id=FATHER), COUNSELLOR)
    assert ClearanceLost in map(type, stays.events)
    past = (*BOOKED, ReadyToTravel(), *stays.events)
    assert lines(after(*past)) == [(False, CHILD, "counsellor")]
    given(*past).when(ORDER, COUNSELLOR).then(settled())


def test_what_was_settled_beside_other_adults_is_asked_anew_and_that_it_is_asked_stays() -> None:
    unknown = opened(covered(MOTHER, "adult"), covered(FATHER, "adult"), covered(CHILD, "child"))
    past = (unknown, *PREPARING[1:], settled())
    child = after(*past).person(CHILD)
    assert child is not None
    assert child.has("other_parent") is not None
    parted = FamilySplit(new_case_id=ref(60), principal_id=FATHER, person_ids=(FATHER,))
    comes = GoingOn(person_id=STRANGER, sex="male", age_group="adult", country_of_origin="PK")
    joined = FamilyJoined(from_case_id=ref(61), persons=(comes,))
    for change in (PersonWithdrew(person_id=FATHER), parted, joined):
        child = after(*past, change).person(CHILD)
        assert child is not None
        assert child.has("other_parent") is None
        child = after(*past, asked("not_both_parents"), change).person(CHILD)
        assert child is not None
        assert child.has("other_parent") is not None
    # Not for a child who comes or goes.
    brother = comes.model_copy(update={"age_group": "child"})
    child = after(*past, joined.model_copy(update={"persons": (brother,)})).person(CHILD)
    assert child is not None
    assert child.has("other_parent") is not None


def test_who_the_parents_are_goes_along_into_another_case_and_what_was_settled_does_not() -> None:
    part = GoingOn(person_id=CHILD, sex="male", age_group="child", country_of_origin="PK", parent_ids=(MOTHER, FATHER))
    begun = CaseSplitOff(
        case_ref="0000-0000-012", from_case_id=ref(60), principal_id=CHILD, persons=(part,), destination_country="PK",
        counsellor_id=COUNSELLOR.person_id, expressed_at=NOON, last_contact_at=NOON, status="preparing",
    )  # fmt: skip
    child = after(begun).person(CHILD)
    assert child is not None
    assert (child.parent_ids, child.evidence) == ((MOTHER, FATHER), ())


def later() -> BookingConfirmed:
    return booked(
        FATHER, CHILD, departs_at=DEPARTS_AT + timedelta(days=3), arrives_at=DEPARTS_AT + timedelta(days=4)
    ).model_copy(update={"booked_at": DEPARTS_AT + timedelta(days=1)})


def test_on_one_flight_both_parents_travel_also_if_one_is_recorded_first_and_for_a_later_one_it_is_asked() -> None:
    assert lines(after(*CLEARED, left(MOTHER))) == []
    missed = (*CLEARED, left(MOTHER), FlightMissed(reason="late", times_missed=1))
    assert lines(after(*missed, later())) == [(False, CHILD, "counsellor")]
    # What was settled before she left is no word of hers on a journey that she does not make.
    before = (*CLEARED, settled(), left(MOTHER), FlightMissed(reason="late", times_missed=1), later())
    assert lines(after(*before)) == [(False, CHILD, "counsellor")]
    since = recorded(CHILD, Evidence("other_parent", DEPARTS_AT + timedelta(days=1), DAY, conditions=("consent_notarised",)))
    assert lines(after(*missed, later(), since)) == [(True, CHILD, "counsellor")]


def test_only_what_happened_to_a_child_of_whom_it_is_asked_can_be_recorded() -> None:
    case = given(*WITHOUT_FATHER)
    case.when(ORDER.model_copy(update={"settled_on": NOON.date() + timedelta(days=1)}), COUNSELLOR).refused("in_the_future")
    case.when(ORDER.model_copy(update={"person_id": MOTHER}), COUNSELLOR).refused("not_a_child")
    case.when(ASK.model_copy(update={"person_id": MOTHER}), COUNSELLOR).refused("not_a_child")
    given(*BOOKED).when(ORDER, COUNSELLOR).refused("both_parents_travel")
    given(opened(covered(MOTHER, "adult"))).when(ORDER, COUNSELLOR).refused("no_child_travels")
    given(*BOOKED, asked("not_both_parents")).when(ORDER, COUNSELLOR).then(settled())


def test_the_same_again_changes_nothing_and_tells_nothing_to_whoever_is_not_shown_it() -> None:
    for order, known in ((ORDER, settled()), (ASK, asked())):
        for by in (COUNSELLOR, PROTECTION):
            given(*WITHOUT_FATHER, known).when(order, by).then()
        for by in (COORDINATOR, SUBMITTER):
            given(*WITHOUT_FATHER, known).when(order, by).then(known)


def test_by_what_it_is_settled_is_shown_to_protection_and_the_counsellor_of_the_case_alone() -> None:
    case = after(*WITHOUT_FATHER, settled("death_certificate"))
    for reader in (PROTECTION, COUNSELLOR):
        assert other_parent_seen_by(case, reader) == case
    for reader in (SUBMITTER, COORDINATOR, OPERATIONS, OFFICE):
        seen = other_parent_seen_by(case, reader)
        child, known = seen.person(CHILD), case.person(CHILD)
        assert child is not None
        assert known is not None
        assert child.has("other_parent") == Evidence("other_parent", NOON)
        assert replace(child, evidence=()) == replace(known, evidence=())
        assert other_parent_seen_by(after(*WITHOUT_FATHER, asked()), reader) == seen


def test_everybody_who_reads_the_checklist_is_told_that_it_is_open() -> None:
    case = after(*WITHOUT_FATHER)
    for reader in (COUNSELLOR, COORDINATOR, OPERATIONS, PROTECTION):
        told_to = gate_told_to(case, EVERYTHING_KNOWN, NOON, reader, boarding=False)
        assert "other_parent_open" in {line.code for line in told_to if not line.met}


def test_a_ready_case_stays_so_while_it_is_settled_another_way() -> None:
    past = (*WITHOUT_FATHER, settled(), ReadyToTravel())
    order = ORDER.model_copy(update={"settled_by": "custody_decision"})
    given(*past).when(order, COUNSELLOR).then(settled("custody_decision"))


def test_a_parent_who_left_days_before_the_booked_flight_is_not_on_it_though_it_was_booked_before() -> None:
    for ahead, on_it in ((timedelta(hours=24), True), (timedelta(hours=24, seconds=1), False), (timedelta(days=4), False)):
        early = booked(*FAMILY).model_copy(update={"booked_at": NOON - timedelta(days=9)})
        past = (*DOCUMENTED, early, RECEPTION, left(FATHER, DEPARTS_AT - ahead))
        assert lines(after(*past)) == ([] if on_it else [(False, CHILD, "counsellor")])
        # What was settled before that is no word of a journey that he does not make with them.
        settled_before = recorded(CHILD, Evidence("other_parent", NOON - timedelta(days=9), DAY, conditions=("consent_signed",)))
        case = after(*DOCUMENTED, early, RECEPTION, settled_before, left(FATHER, DEPARTS_AT - ahead))
        assert lines(case) == [(on_it, CHILD, "counsellor")]
