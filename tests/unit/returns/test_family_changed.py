"""What counselling sets right about a family reaches the case that rests on it: the parents of a child, and its guardian."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.returns.domain.case_family_changed import Guardianship, RecordFamilyChanged
from services.returns.domain.case_preparation import ClearToBoard, ConfirmVoluntariness, MarkReadyToTravel
from services.returns.domain.case_state import Evidence
from services.returns.domain.case_supervision import RecordGuardian
from services.returns.domain.gate import gate
from services.returns.domain.journey_evidence import recorded
from services.returns.domain.screening_facts import left_uncleared
from services.returns.reactions import REACTIONS
from shared.contracts.counselling import (
    CaseGuardianNoted,
    FamilyMember,
    FamilyMemberJoined,
    FamilyMemberLeft,
    GuardianNamed,
    PersonErased,
    Relation,
)
from shared.contracts.families import GuardianEnded, GuardianNoted
from shared.contracts.returns import CaseDeparted, CaseLapsed, ClearanceLost, EvidenceRecorded, PersonWithdrew
from shared.messages import Event, OrderAbout, Received
from tests.given import NOON
from tests.unit.returns.examples import (
    ARRIVED,
    BOARDED_AT,
    BOOKED,
    CHILD,
    CLEARED,
    CLEARED_AT,
    DEPARTED,
    EVERYTHING_KNOWN,
    FAMILY,
    FATHER,
    MOTHER,
    OPENED,
    OPERATIONS,
    PREPARING,
    PROTECTION,
    REACTION,
    READY,
    STRANGER,
    after,
    caught_up,
    given,
    landed,
    left,
    lost,
    ref,
    signed,
    without_a_parent,
)
from tests.unit.returns.test_supervision import CONFIRMED_ALONE, READY_ALONE, alone

CAUSE = Received(subject=ref(77), at=NOON, actor_id="staff:amira")
ASKED = recorded(CHILD, Evidence("other_parent", NOON, conditions=("not_both_parents",)))
GONE = RecordFamilyChanged(recorded_at=NOON, parent_id=FATHER, child_id=FATHER)
ENDED = GuardianEnded(person_id=CHILD, guardian_id=STRANGER)
NO_GUARDIAN = RecordFamilyChanged(recorded_at=NOON, guardians_ended=(Guardianship(guardian_id=STRANGER, child_id=CHILD),))


def order(event: Event) -> OrderAbout:
    (only,) = REACTIONS[type(event)](event, CAUSE)
    assert isinstance(only, OrderAbout)
    return only


def joined(relation: Relation) -> FamilyMemberJoined:
    member = FamilyMember(person_id=STRANGER, relation=relation)
    return FamilyMemberJoined(member=member, reason="left_out_before", principal_id=MOTHER)


@pytest.mark.parametrize("reason", ["separated", "recorded_by_mistake", "died"])
def test_once_a_parent_is_of_the_family_no_more_it_is_asked_by_what_the_child_travels(reason: str) -> None:
    changed = order(FamilyMemberLeft.model_validate({"person_id": FATHER, "reason": reason}))
    assert changed.aggregate == "case"
    assert FATHER in changed.about
    given(*OPENED).when(changed.command, REACTION).then(ASKED)
    given(*READY).when(changed.command, REACTION).then(ASKED, lost("other_parent_open"))
    cleared = given(*CLEARED).knowing(caught_up(CLEARED_AT))
    cleared.when(changed.command, REACTION, CLEARED_AT).then_kinds(EvidenceRecorded, ClearanceLost)
    found = gate(after(*BOOKED, ASKED), EVERYTHING_KNOWN, NOON, boarding=False)
    assert [line.person_id for line in found if line.code == "other_parent_open" and not line.met] == [CHILD]
    given(*BOOKED, ASKED).when(MarkReadyToTravel(), OPERATIONS).refused("other_parent_open")


def test_once_the_child_is_no_child_of_the_family_it_is_asked_and_of_somebody_grown_up_it_is_not() -> None:
    mistaken = order(FamilyMemberLeft(person_id=CHILD, reason="recorded_by_mistake"))
    given(*READY).when(mistaken.command, REACTION).then(ASKED, lost("other_parent_open"))
    given(*READY).when(order(FamilyMemberLeft(person_id=CHILD, reason="grown_up")).command, REACTION).then()


def test_beside_another_spouse_it_is_not_known_who_the_parents_are() -> None:
    changed = order(joined("spouse"))
    assert changed.about == (MOTHER,)
    given(*READY).when(changed.command, REACTION).then(ASKED, lost("other_parent_open"))
    # Whoever is a parent by the record already changes nothing by being recorded again, nor does another principal's spouse.
    again = RecordFamilyChanged(recorded_at=NOON, parent_id=MOTHER, beside_id=FATHER)
    given(*READY).when(again, REACTION).then()
    given(*READY).when(RecordFamilyChanged(recorded_at=NOON, parent_id=STRANGER, beside_id=ref(9)), REACTION).then()
    for relation in ("child", "other_dependant", "guardian"):
        event = joined("spouse")
        other = event.model_copy(update={"member": event.member.model_copy(update={"relation": relation})})
        assert REACTIONS[FamilyMemberJoined](other, CAUSE) == ()
    # The first of these events did not say who is the principal.
    assert REACTIONS[FamilyMemberJoined](joined("spouse").model_copy(update={"principal_id": None}), CAUSE) == ()


def test_told_again_it_changes_nothing_and_what_was_settled_since_stands() -> None:
    given(*READY, ASKED, lost("other_parent_open")).when(GONE, REACTION).then()
    settled = without_a_parent("custody_decision", NOON + timedelta(minutes=1))
    given(*BOOKED, ASKED, settled).when(GONE, REACTION).then()
    given(*BOOKED, ASKED, settled).when(MarkReadyToTravel(), OPERATIONS).then_kinds(type(READY[-1]))


def test_what_was_settled_before_was_settled_of_the_parents_that_were_recorded_and_is_asked_anew() -> None:
    before = without_a_parent("consent_signed", NOON - timedelta(days=1))
    given(*READY, before).when(GONE, REACTION).then(ASKED, lost("other_parent_open"))


def test_where_it_was_never_known_who_the_parents_are_nothing_follows() -> None:
    given(*READY_ALONE).when(RecordFamilyChanged(recorded_at=NOON, parent_id=MOTHER, child_id=CHILD), REACTION).then()
    given().when(GONE, REACTION).then()
    given(*READY).when(RecordFamilyChanged(recorded_at=NOON, parent_id=STRANGER, child_id=STRANGER), REACTION).then()


def test_while_the_child_is_under_way_protection_is_called_once_unless_it_was_settled_by_what_it_travels() -> None:
    called = left_uncleared(CHILD, NOON)
    given(*DEPARTED).when(GONE, REACTION).then(ASKED, called)
    case = after(*DEPARTED, ASKED, called)
    assert case.protection_since == NOON
    given(*DEPARTED, ASKED, called).when(GONE, REACTION).then()
    before = without_a_parent("consent_signed", NOON - timedelta(days=1))
    given(*CLEARED[:-1], before, *DEPARTED[len(CLEARED) - 1 :]).when(GONE, REACTION).then()
    # Whom protection was called for already, it is not called for again; and whoever has arrived is with somebody.
    given(*DEPARTED, left_uncleared(CHILD, NOON - timedelta(hours=1))).when(GONE, REACTION).then(ASKED)
    given(*DEPARTED, landed(CHILD)).when(GONE, REACTION).then()
    given(*ARRIVED).when(GONE, REACTION).then()


def test_of_a_child_under_way_without_an_adult_of_its_case_protection_hears_nothing() -> None:
    gone = (*READY, PersonWithdrew(person_id=MOTHER), PersonWithdrew(person_id=FATHER), left(CHILD, cleared=False), CaseDeparted(departed_at=BOARDED_AT))
    given(*gone).when(GONE, REACTION).then_kinds(EvidenceRecorded)


def test_a_case_that_has_ended_stays_as_it_is() -> None:
    lapsed = CaseLapsed(reason="no_contact", person_ids=FAMILY)
    given(*PREPARING, lapsed).when(GONE, REACTION).then()
    given(*alone(), CaseLapsed(reason="no_contact", person_ids=(CHILD,))).when(NO_GUARDIAN, REACTION).then()


def test_once_somebody_is_guardian_no_more_what_rests_on_them_is_gone() -> None:
    given(*alone()).when(NO_GUARDIAN, REACTION).then(ENDED)
    given(*READY_ALONE).when(NO_GUARDIAN, REACTION).then_kinds(GuardianEnded, ClearanceLost)
    cleared = given(*CONFIRMED_ALONE).knowing(caught_up(CLEARED_AT))
    cleared.when(NO_GUARDIAN, REACTION, CLEARED_AT).then_kinds(GuardianEnded, ClearanceLost)
    case = after(*alone(), ENDED)
    (child,) = case.persons
    found = case.screening_of(CHILD)
    assert (child.guardian_id, child.declared_by, found.voluntariness, found.best_interests) == (None, None, None, None)
    given(*alone(), ENDED).when(NO_GUARDIAN, REACTION).then()
    confirm = ConfirmVoluntariness(person_id=CHILD, confirmed_at=NOON)
    for late in (confirm, ClearToBoard(), MarkReadyToTravel()):
        assert given(*READY_ALONE, ENDED, lost("best_interests_open")).when(late, OPERATIONS).refusal is not None


def test_an_adult_of_the_case_signs_for_the_child_also_as_its_guardian_no_more() -> None:
    by_mother = (GuardianNoted(person_id=CHILD, guardian_id=MOTHER), signed(CHILD, MOTHER))
    ended = GuardianEnded(person_id=CHILD, guardian_id=MOTHER)
    child = after(*BOOKED, *by_mother, ended).person(CHILD)
    assert child is not None
    assert (child.guardian_id, child.declared_by) == (None, MOTHER)


def test_only_the_guardian_of_whom_it_is_told_is_guardian_no_more() -> None:
    for other in (Guardianship(guardian_id=MOTHER, child_id=CHILD), Guardianship(guardian_id=STRANGER, child_id=FATHER)):
        given(*READY_ALONE).when(replace_guardianships(other), REACTION).then()
    everywhere = replace_guardianships(Guardianship(guardian_id=STRANGER))
    given(*READY_ALONE).when(everywhere, REACTION).then_kinds(GuardianEnded, ClearanceLost)


def replace_guardianships(*ended: Guardianship) -> RecordFamilyChanged:
    return NO_GUARDIAN.model_copy(update={"guardians_ended": ended})


@pytest.mark.parametrize(
    ("event", "about"),
    [
        (FamilyMemberLeft(person_id=STRANGER, reason="guardian_ended", guardian_of=(CHILD,)), CHILD),
        (FamilyMemberLeft(person_id=STRANGER, reason="died"), STRANGER),
        (FamilyMemberLeft(person_id=CHILD, reason="recorded_by_mistake", guarded_by=(STRANGER,)), CHILD),
        (GuardianNamed(person_id=STRANGER, guardian_of=(), no_more_of=(CHILD,)), CHILD),
    ],
    ids=["left", "died", "ward_left", "named_for_others"],
)
def test_that_somebody_is_guardian_no_more_is_heard_of_every_way_in_which_it_ends(event: Event, about: object) -> None:
    changed = order(event)
    assert about in changed.about
    given(*READY_ALONE).when(changed.command, REACTION).then_kinds(GuardianEnded, ClearanceLost)


def test_who_was_erased_is_nobodys_guardian() -> None:
    erased = PersonErased(erased_at=NOON, deleted=())
    (changed,) = REACTIONS[PersonErased](erased, replace(CAUSE, subject=STRANGER))
    assert isinstance(changed, OrderAbout)
    assert changed.about == (STRANGER,)
    given(*READY_ALONE).when(changed.command, REACTION).then_kinds(GuardianEnded, ClearanceLost)


def test_whom_counselling_knows_as_no_adult_is_nobodys_guardian_whatever_was_noted() -> None:
    cause = replace(CAUSE, subject=CHILD)
    (declined,) = REACTIONS[CaseGuardianNoted](CaseGuardianNoted(guardian_id=STRANGER, stands=False), cause)
    assert isinstance(declined, OrderAbout)
    assert declined.about == (CHILD,)
    given(*READY_ALONE).when(declined.command, REACTION).then_kinds(GuardianEnded, ClearanceLost)
    # By now somebody else is it.
    (earlier,) = REACTIONS[CaseGuardianNoted](CaseGuardianNoted(guardian_id=MOTHER, stands=False), cause)
    given(*READY_ALONE).when(earlier.command, REACTION).then()
    assert REACTIONS[CaseGuardianNoted](CaseGuardianNoted(guardian_id=STRANGER, stands=True), cause) == ()


def test_a_guardian_who_is_known_here_as_erased_or_as_a_child_of_another_case_is_refused_at_once() -> None:
    order = RecordGuardian(person_id=CHILD, guardian_id=ref(9))
    for facts, code in (
        (replace(EVERYTHING_KNOWN, guardian_erased=True), "guardian_erased"),
        (replace(EVERYTHING_KNOWN, guardian_is_a_child=True), "guardian_is_a_child"),
    ):
        given(*alone()).knowing(facts).when(order, PROTECTION).refused(code)


def test_a_guardian_of_other_children_stays_the_guardian_of_this_one() -> None:
    for event in (
        FamilyMemberLeft(person_id=STRANGER, reason="guardian_ended", guardian_of=(FATHER,)),
        FamilyMemberLeft(person_id=CHILD, reason="grown_up", guarded_by=(STRANGER,)),
    ):
        given(*READY_ALONE).when(order(event).command, REACTION).then()
    assert REACTIONS[GuardianNamed](GuardianNamed(person_id=STRANGER, guardian_of=(CHILD,)), CAUSE) == ()
