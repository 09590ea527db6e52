"""Somebody of a case turns out to be a child, or an adult: what rests on the other is asked anew, and nobody leaves on it."""

from uuid import UUID

import pytest

from services.returns.domain.case_ages import RecordAgeGroup
from services.returns.domain.case_application import SignDeclaration
from services.returns.domain.case_preparation import ClearToBoard, MarkReadyToTravel
from services.returns.domain.case_state import Case, CasePerson
from services.returns.domain.gate import gate
from services.returns.domain.screening import Vulnerability
from services.returns.domain.screening_facts import left_uncleared
from shared.contracts.counselling import AgeGroup
from shared.contracts.families import AgeGroupNoted, FamilyJoined, GoingOn, GuardianEnded, GuardianNoted
from shared.contracts.returns import ClearanceLost, PersonWithdrew
from shared.messages import Event
from tests.given import NOON
from tests.unit.returns.examples import (
    BOARDED_AT,
    CASE_ID,
    CHILD,
    CLEARED,
    CLEARED_AT,
    CONFIRMED,
    DEPARTED,
    EVERYTHING_KNOWN,
    FAMILY,
    FATHER,
    MOTHER,
    OPERATIONS,
    PREPARING,
    PROTECTION,
    REACTION,
    READY,
    SCREENED_AT,
    SIGNED_AT,
    STRANGER,
    after,
    answered,
    caught_up,
    given,
    landed,
    left,
    lost,
    signed,
    told,
)
from tests.unit.returns.test_supervision import READY_ALONE


def noted(person_id: UUID, age_group: AgeGroup, *deciding_ids: UUID) -> AgeGroupNoted:
    return AgeGroupNoted(person_id=person_id, age_group=age_group, deciding_ids=deciding_ids)


def order(person_id: UUID, age_group: AgeGroup) -> RecordAgeGroup:
    return RecordAgeGroup(person_id=person_id, age_group=age_group)


def person(case: Case, person_id: UUID) -> CasePerson:
    found = case.person(person_id)
    assert found is not None
    return found


def unmet(*past: Event) -> set[tuple[str, UUID | None]]:
    return {(line.code, line.person_id) for line in gate(after(*past), EVERYTHING_KNOWN, NOON, boarding=False) if not line.met}


@pytest.mark.parametrize("past", [READY, CONFIRMED, CLEARED], ids=["ready", "confirmed", "cleared"])
def test_nobody_leaves_on_what_an_adult_signed_who_is_a_child(past: tuple[Event, ...]) -> None:
    found = given(*past).knowing(caught_up(CLEARED_AT)).when(order(FATHER, "child"), REACTION, CLEARED_AT)
    found.then(noted(FATHER, "child", MOTHER), lost("voluntariness_not_assessed"))
    case = after(*past, *found.events)
    assert case.status == "preparing"
    assert (case.cleared_at, [one.confirmed_at for one in case.persons]) == (None, [None] * 3)
    assert not person(case, FATHER).recorded_as_adult
    # What he signed for himself and for the child is signed anew, and the mother's stands.
    assert [one.declared_by for one in case.persons] == [MOTHER, None, None]
    given(*past, *found.events).knowing(caught_up(CLEARED_AT)).when(ClearToBoard(), OPERATIONS, CLEARED_AT).refused(
        "screening_not_settled"
    )


def test_of_a_child_all_is_asked_that_is_asked_of_children_and_of_others_beside_it_anew() -> None:
    assert unmet(*READY) == set()
    assert unmet(*READY, noted(FATHER, "child", MOTHER)) == {
        ("voluntariness_not_assessed", FATHER), ("not_heard_alone", FATHER), ("consequences_not_explained", FATHER),
        ("best_interests_open", FATHER), ("best_interests_open", CHILD),
        ("declaration_missing", FATHER), ("declaration_missing", CHILD),
        ("other_parent_open", FATHER),
    }
    case = (*READY, noted(FATHER, "child", MOTHER), lost("declaration_missing"))
    by_himself = SignDeclaration(person_id=FATHER, signed_by=FATHER, method="signature", language="urd", signed_at=SIGNED_AT)
    given(*case).when(by_himself, PROTECTION).refused("guardian_not_in_case")
    by_mother = by_himself.model_copy(update={"signed_by": MOTHER})
    given(*case).when(by_mother, PROTECTION).then(signed(FATHER, MOTHER))


def test_of_an_adult_all_is_asked_that_is_asked_of_adults_and_nobody_stands_up_for_them() -> None:
    case = after(*READY_ALONE, noted(CHILD, "adult", CHILD))
    grown = person(case, CHILD)
    assert (grown.declared_by, grown.guardian_id, grown.parent_ids) == (None, None, ())
    assert {one.kind for one in grown.evidence} == {"exit_formalities"}
    found = case.screening_of(CHILD)
    assert (found.voluntariness, found.best_interests) == (None, None)
    assert found.fear is not None
    given(*READY_ALONE).when(order(CHILD, "adult"), REACTION).then_kinds(GuardianEnded, AgeGroupNoted, ClearanceLost)
    given(*READY_ALONE, noted(CHILD, "adult", CHILD), lost("declaration_missing")).when(MarkReadyToTravel(), OPERATIONS).refused("screening_not_settled")


def test_beside_somebody_who_is_an_adult_after_all_a_child_is_found_anew_to_go_and_on_its_own_no_more() -> None:
    joined = FamilyJoined(
        from_case_id=CASE_ID,
        persons=(GoingOn(person_id=MOTHER, sex="female", age_group="child", country_of_origin="PK"),),
    )
    past = (*READY_ALONE, joined, lost("booking_missing"))
    assert person(after(*past), CHILD).has("supervision") is not None
    case = after(*past, noted(MOTHER, "adult", MOTHER, CHILD))
    assert person(case, CHILD).has("supervision") is None
    assert case.screening_of(CHILD).best_interests is None
    assert case.screening_of(CHILD).voluntariness is not None
    assert person(case, CHILD).declared_by == STRANGER


def test_a_child_is_nobodys_guardian_whether_it_goes_along_or_not() -> None:
    for_mother = (GuardianNoted(person_id=CHILD, guardian_id=MOTHER), told(CHILD, answered(CHILD, answered_by=MOTHER)))
    past = (*PREPARING, *for_mother)
    found = given(*past).when(order(MOTHER, "child"), REACTION)
    ended = GuardianEnded(person_id=CHILD, guardian_id=MOTHER)
    found.then(noted(MOTHER, "child", FATHER), ended)
    case = after(*past, *found.events)
    assert case.screening_of(CHILD).voluntariness is None
    assert person(case, CHILD).guardian_id is None
    away = given(*READY_ALONE).when(order(STRANGER, "child"), REACTION)
    away.then(GuardianEnded(person_id=CHILD, guardian_id=STRANGER), lost("voluntariness_not_assessed"))
    assert person(after(*READY_ALONE, *away.events), CHILD).declared_by is None
    given(*READY_ALONE).when(order(STRANGER, "adult"), REACTION).then()


def test_an_adult_leads_the_case() -> None:
    assert after(*PREPARING).principal_id == MOTHER
    case = after(*PREPARING, noted(MOTHER, "child", FATHER))
    assert case.principal_id == FATHER
    # Where no adult is left nobody takes their place, and all decide.
    none = (*PREPARING, noted(MOTHER, "child", FATHER))
    given(*none).when(order(FATHER, "child"), REACTION).then(noted(FATHER, "child"))
    assert after(*none, noted(FATHER, "child")).principal_id == FATHER
    given(*none, noted(FATHER, "child")).when(order(CHILD, "adult"), REACTION).then(noted(CHILD, "adult", CHILD))


def test_what_is_known_already_or_of_a_stranger_changes_nothing() -> None:
    for person_id, age_group in ((FATHER, "adult"), (CHILD, "child"), (STRANGER, "child")):
        given(*READY).when(RecordAgeGroup.model_validate({"person_id": person_id, "age_group": age_group}), REACTION).then()
    given().when(order(FATHER, "child"), REACTION).then()
    assert after(*READY, noted(STRANGER, "child")) == after(*READY)


def test_whoever_withdrew_is_another_and_nothing_else_is() -> None:
    past = (*PREPARING, PersonWithdrew(person_id=FATHER))
    before, case = after(*past), after(*past, noted(FATHER, "child", MOTHER))
    assert not person(case, FATHER).recorded_as_adult
    assert [one for one in case.persons if one.person_id != FATHER] == [one for one in before.persons if one.person_id != FATHER]
    assert case.screening == before.screening


def test_for_a_child_that_is_under_way_without_an_adult_protection_is_called_once() -> None:
    alone = (*PREPARING, left(FATHER))
    found = given(*alone).when(order(FATHER, "child"), REACTION)
    called = left_uncleared(FATHER, BOARDED_AT)
    found.then(noted(FATHER, "child", MOTHER), called)
    given(*alone, *found.events[1:]).when(order(FATHER, "child"), REACTION).then(noted(FATHER, "child", MOTHER))
    # Beside an adult it is looked after, and once it has arrived its office has met it.
    given(*DEPARTED).when(order(FATHER, "child"), REACTION).then(noted(FATHER, "child", MOTHER))
    given(*alone, landed(FATHER)).when(order(FATHER, "child"), REACTION).then(noted(FATHER, "child", MOTHER))
    # Those who left with whoever turns out to be one are without an adult as well.
    both = given(*DEPARTED, noted(MOTHER, "child", FATHER)).when(order(FATHER, "child"), REACTION)
    both.then(noted(FATHER, "child"), *(left_uncleared(one, BOARDED_AT) for one in FAMILY))


def test_what_was_noted_of_health_and_fear_stands() -> None:
    past = (*READY, told(FATHER, Vulnerability(SCREENED_AT, ("medical",))), noted(FATHER, "child", MOTHER))
    found = after(*past).screening_of(FATHER)
    assert found.vulnerability == Vulnerability(SCREENED_AT, ("medical",))
    assert found.fear is not None


def test_what_a_guardian_signed_and_answered_for_whoever_was_in_doubt_stands() -> None:
    past = (
        *PREPARING, told(FATHER, Vulnerability(SCREENED_AT, ("uasc",))), GuardianNoted(person_id=FATHER, guardian_id=STRANGER),
        signed(FATHER, STRANGER), told(FATHER, answered(FATHER, answered_by=STRANGER)), noted(FATHER, "child", MOTHER),
    )  # fmt: skip
    case = after(*past)
    assert (person(case, FATHER).declared_by, person(case, FATHER).guardian_id) == (STRANGER, STRANGER)
    assert case.screening_of(FATHER).voluntariness is not None
