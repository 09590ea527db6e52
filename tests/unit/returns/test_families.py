"""A family's case split and joined again: who may part, what goes along, what is asked anew, and what stands against it."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.returns.domain.case_families import (
    JoinFamily,
    RecordFamilyJoined,
    RecordJoinAgreed,
    RecordRegroupingDeclined,
    RecordSplitAgreed,
    RecordSplitOff,
    SplitFamily,
)
from services.returns.domain.case_journey import RecordDeparture
from services.returns.domain.case_state import Case
from services.returns.domain.gate import gate
from services.returns.domain.screening import Vulnerability
from services.returns.domain.window import state_abroad
from shared.actors import Actor
from shared.contracts.families import (
    CaseJoined,
    CaseSplitOff,
    FamilyJoined,
    FamilySplit,
    JoinAsked,
    RegroupingDropped,
    SplitAsked,
)
from shared.contracts.returns import (
    CaseDeparted,
    CaseWithdrawn,
    ClearanceLost,
    EvidenceRecorded,
    HoldPlaced,
    PersonWithdrew,
    ScreeningRecorded,
    TravelDocumentRecorded,
)
from shared.messages import Concealed, Event
from tests.given import NOON, Given, When
from tests.unit.returns.examples import (
    APPROVED,
    BOARDED_AT,
    BOOKED,
    CASE_ID,
    CHILD,
    CLEARED,
    COORDINATOR,
    COUNSELLOR,
    DEPARTED,
    EVERYTHING_KNOWN,
    FAMILY,
    FATHER,
    MOTHER,
    OPENED,
    PREPARING,
    PROTECTION,
    REACTION,
    READY,
    SCREENED,
    SCREENED_AT,
    STRANGER,
    after,
    covered,
    fit,
    flagged,
    given,
    left,
    lost,
    opened,
    ref,
    told,
)

NEW = ref(50)
FATHER_ALONE = SplitFamily(new_case_id=NEW, person_ids=(FATHER,), principal_id=FATHER)
ASKED = SplitAsked(new_case_id=NEW, principal_id=FATHER, person_ids=(FATHER,))
AGREED = RecordSplitAgreed(new_case_id=NEW, person_ids=(FATHER,), principal_id=FATHER)
SPLIT = FamilySplit(new_case_id=NEW, principal_id=FATHER, person_ids=(FATHER,))
BEGINS = RecordSplitOff(from_case_id=CASE_ID, person_ids=(FATHER,), principal_id=FATHER)
ALONE = told(CHILD, Vulnerability(SCREENED_AT, ("separated",)), "separated", record_id=ref(91))
PARTS_OF_THE_CHILD = SplitFamily(new_case_id=NEW, person_ids=(CHILD,), principal_id=CHILD)


def beside(other: Case | None, own_id: UUID, *past: Event) -> Given[Case, object]:
    """The case of this id after these facts, while the other one is as it is."""
    return given(*past).knowing(replace(EVERYTHING_KNOWN, other=other, own_id=own_id))  # type: ignore[return-value]


def begun(*past: Event, begins: RecordSplitOff = BEGINS) -> tuple[Event, ...]:
    """The facts of the case that is split off from one after these facts, of which it was asked."""
    return beside(after(*past), NEW).when(begins, REACTION).events


def agreed(*past: Event) -> When:
    """What counselling's answer comes to in the case that is split, after the other one has begun by it."""
    return beside(after(*begun(*past)), CASE_ID, *past).when(AGREED, REACTION)


@pytest.mark.parametrize("past", [OPENED, SCREENED, APPROVED, PREPARING, BOOKED, READY], ids=lambda past: after(*past).status)
@pytest.mark.parametrize("by", [COUNSELLOR, COORDINATOR])
def test_until_somebody_is_cleared_to_board_it_is_asked_whether_some_may_go_on_apart(past: tuple[Event, ...], by: Actor) -> None:
    given(*past).when(FATHER_ALONE, by).then(ASKED)
    given(*past, ASKED).when(FATHER_ALONE, by).then()
    assert after(*past, ASKED).persons == after(*past).persons


def test_while_it_is_asked_nothing_else_is_asked() -> None:
    other = SplitFamily(new_case_id=ref(51), person_ids=(MOTHER, CHILD), principal_id=MOTHER)
    given(*PREPARING, ASKED).when(other, COUNSELLOR).refused("regrouping_open")


@pytest.mark.parametrize("past", [CLEARED, DEPARTED], ids=["cleared", "departed"])
def test_who_is_cleared_or_has_left_parts_no_more(past: tuple[Event, ...]) -> None:
    given(*past).when(FATHER_ALONE, COUNSELLOR).refused("wrong_status")


def test_nobody_parts_while_the_case_is_held() -> None:
    hold = HoldPlaced(hold_id=ref(60), reason=Concealed.of("protection"), placed_by=PROTECTION.person_id, placed_at=NOON)
    given(*PREPARING, hold).when(FATHER_ALONE, COUNSELLOR).refused("hold_stands")


def test_who_is_alone_in_a_case_has_nobody_to_part_from() -> None:
    given(opened(covered(MOTHER, "adult"))).when(FATHER_ALONE, COUNSELLOR).refused("nobody_to_part")


def test_somebody_stays_and_all_who_part_travel_and_one_of_them_leads() -> None:
    case = given(*PREPARING)
    case.when(SplitFamily(new_case_id=NEW, person_ids=FAMILY, principal_id=MOTHER), COUNSELLOR).refused("nobody_stays")
    case.when(SplitFamily(new_case_id=NEW, person_ids=(STRANGER,), principal_id=STRANGER), COUNSELLOR).refused("person_not_in_case")
    case.when(SplitFamily(new_case_id=NEW, person_ids=(FATHER,), principal_id=MOTHER), COUNSELLOR).refused("principal_not_covered")
    case.when(
        SplitFamily(new_case_id=NEW, person_ids=(FATHER, CHILD), principal_id=CHILD), COUNSELLOR
    ).refused("principal_is_a_child")
    gone = given(*PREPARING, PersonWithdrew(person_id=FATHER))
    gone.when(FATHER_ALONE, COUNSELLOR).refused("person_not_travelling")


def test_a_case_does_not_begin_under_an_id_that_is_taken() -> None:
    beside(after(*OPENED), CASE_ID, *PREPARING).when(FATHER_ALONE, COUNSELLOR).refused("already_exists")


@pytest.mark.parametrize("by", [COUNSELLOR, COORDINATOR, PROTECTION], ids=["counsellor", "coordinator", "protection"])
def test_a_child_is_left_without_an_adult_in_neither_case(by: Actor) -> None:
    given(*PREPARING).when(PARTS_OF_THE_CHILD, by).refused("child_without_guardian")
    parents = SplitFamily(new_case_id=NEW, person_ids=(MOTHER, FATHER), principal_id=MOTHER)
    given(*PREPARING).when(parents, by).refused("child_without_guardian")


def test_of_a_child_that_is_noted_to_be_alone_protection_alone_decides_so_that_no_answer_tells_of_it() -> None:
    case = given(*PREPARING, ALONE)
    for by in (COUNSELLOR, COORDINATOR):
        case.when(PARTS_OF_THE_CHILD, by).refused("child_without_guardian")
    case.when(PARTS_OF_THE_CHILD, PROTECTION).then(SplitAsked(new_case_id=NEW, principal_id=CHILD, person_ids=(CHILD,)))


def test_a_case_is_split_once_counselling_agrees_and_without_those_who_part() -> None:
    agreed(*PREPARING, ASKED).then(SPLIT)
    case = after(*PREPARING, ASKED, SPLIT)
    assert [one.person_id for one in case.persons] == [MOTHER, CHILD]
    assert (case.split_into, case.regrouping_with) == ((NEW,), None)
    given(*PREPARING, ASKED, SPLIT).when(AGREED, REACTION).then()
    given(*PREPARING, ASKED, SPLIT).when(FATHER_ALONE, COUNSELLOR).then()


def test_an_answer_to_nothing_that_is_asked_changes_nothing() -> None:
    given(*PREPARING).when(AGREED, REACTION).then()
    beside(after(*PREPARING), NEW).when(BEGINS, REACTION).then()


def test_if_counselling_says_no_everybody_stays_and_it_may_be_asked_again() -> None:
    declined = RecordRegroupingDeclined(other_case_id=NEW)
    given(*PREPARING, ASKED).when(declined, REACTION).then(RegroupingDropped(other_case_id=NEW))
    given(*PREPARING, ASKED, RegroupingDropped(other_case_id=NEW)).when(FATHER_ALONE, COUNSELLOR).then(ASKED)


@pytest.mark.parametrize(
    "meanwhile",
    [
        PersonWithdrew(person_id=FATHER),
        PersonWithdrew(person_id=MOTHER),
        CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=FAMILY),
        HoldPlaced(hold_id=ref(60), reason=Concealed.of("legal"), placed_by=COUNSELLOR.person_id, placed_at=NOON),
        left(FATHER, cleared=False),
    ],
    ids=["who_parts_withdrew", "the_adult_who_stays_withdrew", "all_withdrew", "held", "left"],
)
def test_what_happens_while_it_is_asked_is_not_undone_and_both_cases_see_it_alike(meanwhile: Event) -> None:
    past = (*PREPARING, ASKED, meanwhile)
    given(*past).when(AGREED, REACTION).then(RegroupingDropped(other_case_id=NEW))
    assert begun(*past) == ()


def test_the_new_case_is_as_far_as_the_one_that_it_was_split_off_from_but_nobody_is_ready() -> None:
    for past, status in ((OPENED, "intention"), (SCREENED, "screening"), (APPROVED, "approved"), (READY, "preparing")):
        case = after(*begun(*past, ASKED))
        before = after(*past)
        assert (case.status, case.split_from, case.principal_id) == (status, CASE_ID, FATHER)
        assert (case.approved_by, case.submitted_by, case.programme, case.counsellor_id, case.expressed_at) == (
            before.approved_by, before.submitted_by, before.programme, before.counsellor_id, before.expressed_at
        )  # fmt: skip
        assert case.case_ref != before.case_ref


def test_screening_documents_plan_and_signatures_go_along_and_booking_and_exit_are_arranged_anew() -> None:
    past = (*BOOKED, flagged(FATHER), fit(FATHER), ASKED)
    events = begun(*past)
    case, before = after(*events), after(*past)
    person, was = case.person(FATHER), before.person(FATHER)
    assert person is not None
    assert was is not None
    assert (person.declared_by, person.own_plan_id, person.document, person.document_valid_until) == (
        was.declared_by, was.own_plan_id, was.document, was.document_valid_until
    )  # fmt: skip
    assert {one.kind for one in person.evidence} == {"fitness_asked", "fitness"}
    assert case.screening_of(FATHER) == before.screening_of(FATHER)
    assert (case.booking, case.reception_arranged_at, person.confirmed_at) == (None, None, None)
    assert {type(event) for event in events} == {CaseSplitOff, TravelDocumentRecorded, EvidenceRecorded, ScreeningRecorded}
    missing = {line.code for line in gate(case, EVERYTHING_KNOWN, NOON, boarding=False) if not line.met}
    assert missing == {"booking_missing", "exit_formalities_missing"}


def test_an_open_alert_goes_along_with_whom_it_is_about_and_stays_with_nobody_else() -> None:
    split = SplitAsked(new_case_id=NEW, principal_id=MOTHER, person_ids=(MOTHER, CHILD))
    both = RecordSplitOff(from_case_id=CASE_ID, person_ids=(MOTHER, CHILD), principal_id=MOTHER)
    events = begun(*PREPARING, ALONE, split, begins=both)
    case = after(*events)
    before = after(*PREPARING, ALONE)
    assert case.screening_of(CHILD).alerts == before.screening_of(CHILD).alerts != ()
    assert case.protection_since == before.protection_since
    parted = after(*PREPARING, ALONE, split, FamilySplit(new_case_id=NEW, principal_id=MOTHER, person_ids=(MOTHER, CHILD)))
    assert parted.protection_since is None
    assert {one.person_id for one in parted.screening} == {FATHER}


def test_what_was_signed_by_who_parts_and_what_is_best_for_a_child_is_asked_anew_in_both_cases() -> None:
    # The father signed for the child, the mother answered for it.
    stays = after(*PREPARING, ASKED, SPLIT)
    child = stays.person(CHILD)
    assert child is not None
    assert child.declared_by is None
    assert stays.screening_of(CHILD).voluntariness is not None
    assert stays.screening_of(CHILD).best_interests is None
    asked = SplitAsked(new_case_id=NEW, principal_id=FATHER, person_ids=(FATHER, CHILD))
    goes = after(*begun(*PREPARING, asked, begins=RecordSplitOff(
        from_case_id=CASE_ID, person_ids=(FATHER, CHILD), principal_id=FATHER
    )))  # fmt: skip
    child = goes.person(CHILD)
    assert child is not None
    assert child.declared_by == FATHER
    assert goes.screening_of(CHILD).voluntariness is None
    assert goes.screening_of(CHILD).best_interests is None


def test_a_principal_who_parts_is_followed_by_another_adult() -> None:
    mother = FamilySplit(new_case_id=NEW, principal_id=MOTHER, person_ids=(MOTHER,))
    assert after(*PREPARING, mother).principal_id == FATHER


def test_who_stays_keeps_their_seats_but_is_not_ready_before_the_office_knows_who_comes() -> None:
    agreed(*READY, ASKED).then_kinds(FamilySplit, ClearanceLost)
    case = after(*READY, ASKED, SPLIT)
    assert set(case.booked_person_ids) == {MOTHER, CHILD}
    assert case.reception_arranged_at is None


def test_whoever_has_not_left_with_the_others_goes_on_apart_and_the_case_has_departed() -> None:
    asked = SplitAsked(new_case_id=NEW, principal_id=MOTHER, person_ids=(MOTHER, CHILD))
    past = (*CLEARED, left(FATHER), lost("consent_missing"), asked)
    told_so = RecordSplitAgreed(new_case_id=NEW, person_ids=(MOTHER, CHILD), principal_id=MOTHER)
    split = FamilySplit(new_case_id=NEW, principal_id=MOTHER, person_ids=(MOTHER, CHILD))
    both = RecordSplitOff(from_case_id=CASE_ID, person_ids=(MOTHER, CHILD), principal_id=MOTHER)
    apart = begun(*past, begins=both)
    beside(after(*apart), CASE_ID, *past).when(told_so, REACTION).then(split, CaseDeparted(departed_at=BOARDED_AT))


def parted() -> tuple[tuple[Event, ...], tuple[Event, ...]]:
    """The facts of both cases after the father has gone on apart."""
    past = (*PREPARING, ASKED)
    return (*past, SPLIT), begun(*past)


JOIN = JoinFamily(into_case_id=NEW)


def test_who_parted_joins_again_and_their_own_case_ends_with_it() -> None:
    stayed, apart = parted()
    back = JoinFamily(into_case_id=CASE_ID)
    asked = JoinAsked(into_case_id=CASE_ID, person_ids=(FATHER,))
    beside(after(*stayed), NEW, *apart).when(back, COUNSELLOR).then(asked)
    taken_in = beside(after(*apart, asked), CASE_ID, *stayed).when(
        RecordFamilyJoined(from_case_id=NEW, person_ids=(FATHER,)), REACTION
    )
    assert isinstance(taken_in.events[0], FamilyJoined)
    whole = after(*stayed, *taken_in.events)
    joined = CaseJoined(into_case_id=CASE_ID, person_ids=(FATHER,))
    told_so = RecordJoinAgreed(into_case_id=CASE_ID, person_ids=(FATHER,))
    beside(whole, NEW, *apart, asked).when(told_so, REACTION).then(joined)
    ended = after(*apart, asked, joined)
    assert {one.person_id for one in whole.persons} == set(FAMILY)
    assert (ended.status, ended.joined_into, ended.screening) == ("joined", CASE_ID, ())
    assert state_abroad(ended) == "not_coming"
    # The child signs and is heard anew where the father signed for it, and what is best for it is found anew.
    assert whole.screening_of(FATHER) == after(*PREPARING).screening_of(FATHER)
    assert whole.screening_of(CHILD).best_interests is None


def test_it_is_joined_only_with_a_case_of_the_same_family_that_is_open_and_no_further() -> None:
    stayed, apart = parted()
    given(*PREPARING).when(JOIN, COUNSELLOR).refused("never_split")
    beside(after(*PREPARING), NEW, *apart).when(JoinFamily(into_case_id=ref(77)), COUNSELLOR).refused("not_of_this_family")
    gone = CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=(FATHER,))
    beside(after(*apart, gone), CASE_ID, *stayed).when(JOIN, COUNSELLOR).refused("other_case_not_open")
    early = begun(*SCREENED, ASKED)
    beside(after(*PREPARING), NEW, *early).when(JoinFamily(into_case_id=CASE_ID), COUNSELLOR).refused("not_as_far")


def test_who_withdraws_while_joining_is_asked_stays_withdrawn_and_both_cases_stay() -> None:
    stayed, apart = parted()
    asked = JoinAsked(into_case_id=NEW, person_ids=(MOTHER, CHILD))
    past = (*stayed, asked, PersonWithdrew(person_id=CHILD))
    told_so = RecordJoinAgreed(into_case_id=NEW, person_ids=(MOTHER, CHILD))
    beside(after(*apart), CASE_ID, *past).when(told_so, REACTION).then(RegroupingDropped(other_case_id=NEW))
    beside(after(*past), NEW, *apart).when(
        RecordFamilyJoined(from_case_id=CASE_ID, person_ids=(MOTHER, CHILD)), REACTION
    ).then()


def test_the_departure_of_who_goes_on_in_another_case_is_recorded_there() -> None:
    stayed, apart = parted()
    joined = CaseJoined(into_case_id=CASE_ID, person_ids=(FATHER,))
    departure = RecordDeparture(person_ids=(FATHER,), departed_at=NOON)
    given(*apart, JoinAsked(into_case_id=CASE_ID, person_ids=(FATHER,)), joined).when(departure, COUNSELLOR).refused("case_joined")
    given(*stayed).when(departure, COUNSELLOR).refused("person_not_in_case")
