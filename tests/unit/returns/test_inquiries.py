"""A family assessment: who is asked about, when, and what an answer comes to."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.returns.domain.case_families import RecordSplitOff
from services.returns.domain.case_inquiry import AnswerFamilyAssessment, AskForFamilyAssessment, inquiries_of
from services.returns.domain.case_preparation import MarkReadyToTravel
from services.returns.domain.gate import gate
from services.returns.domain.screening import FamilyAnswer, FamilyAssessment
from services.returns.domain.screening_facts import found
from shared.contracts.families import SplitAsked
from shared.contracts.returns import CaseWithdrawn, HoldPlaced, PersonWithdrew, ScreeningRecorded
from shared.messages import Concealed
from tests.given import NOON
from tests.unit.returns.examples import (
    APPROVED,
    BOOKED,
    CASE_ID,
    CHILD,
    DEPARTED,
    EVERYTHING_KNOWN,
    FAMILY,
    MOTHER,
    OFFICE,
    OPENED,
    PROTECTION,
    SCREENED,
    after,
    given,
    ref,
)
from tests.unit.returns.test_families import NEW, begun

INQUIRY = ref(70)
ASK = AskForFamilyAssessment(inquiry_id=INQUIRY, person_id=CHILD)
ASKED = found(INQUIRY, CHILD, FamilyAssessment(NOON, NOON, INQUIRY), ())
LATER = NOON + timedelta(days=3)
ANSWER = AnswerFamilyAssessment(
    inquiry_id=INQUIRY, assessed_on=date(2023, 5, 4), family_found=True, ready_to_receive=True, family_agrees=True,
    housing="enough", livelihood="not_enough", school="good", medical_care="not_known",
)
SAID = FamilyAnswer(date(2023, 5, 4), True, True, True, "enough", "not_enough", "good", "not_known")
ANSWERED = found(INQUIRY, CHILD, FamilyAssessment(LATER, NOON, INQUIRY, SAID), ())


def test_about_a_child_that_waits_for_its_departure_the_office_abroad_is_asked_once_at_a_time() -> None:
    for past in (SCREENED, APPROVED):
        given(*past).when(ASK, PROTECTION).then(ASKED)
    given(*SCREENED, ASKED).when(ASK, PROTECTION).then()
    again = AskForFamilyAssessment(inquiry_id=ref(71), person_id=CHILD)
    given(*SCREENED, ASKED).when(again, PROTECTION).refused("inquiry_open")
    given(*SCREENED, ASKED, ANSWERED).when(again, PROTECTION, LATER).then(
        found(ref(71), CHILD, FamilyAssessment(LATER, LATER, ref(71)), ())
    )
    given(*SCREENED).when(AskForFamilyAssessment(inquiry_id=INQUIRY, person_id=MOTHER), PROTECTION).refused("not_a_child")
    given(*OPENED).when(ASK, PROTECTION).refused("wrong_status")
    given(*DEPARTED).when(ASK, PROTECTION).refused("wrong_status")


def test_the_office_answers_what_it_is_asked_and_the_same_again_changes_nothing() -> None:
    given(*SCREENED, ASKED).when(ANSWER, OFFICE, LATER).then(ANSWERED)
    given(*SCREENED, ASKED, ANSWERED).when(ANSWER, OFFICE, LATER).then()
    other = ANSWER.model_copy(update={"housing": "good"})
    given(*SCREENED, ASKED, ANSWERED).when(other, OFFICE, LATER).refused("inquiry_answered")
    given(*SCREENED, ASKED).when(ANSWER.model_copy(update={"inquiry_id": ref(71)}), OFFICE, LATER).refused("inquiry_unknown")
    given(*SCREENED, ASKED).when(ANSWER.model_copy(update={"assessed_on": date(2023, 5, 9)}), OFFICE, LATER).refused("in_the_future")
    given(*SCREENED).when(ANSWER, OFFICE, LATER).refused("nothing_asked")
    case = after(*SCREENED, ASKED, ANSWERED)
    known = case.screening_of(CHILD).family_assessment
    assert known is not None
    assert (known.answer, known.asked_at) == (SAID, NOON)


def test_neither_question_nor_answer_stands_in_a_leaf() -> None:
    for event in (ASKED, ANSWERED):
        assert isinstance(event, ScreeningRecorded)
        assert event.part.value == "family_assessment"
        assert set(type(event).model_fields) == set(ScreeningRecorded.model_fields)


def test_about_whoever_stays_nothing_is_asked_any_more() -> None:
    withdrawn = CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=FAMILY)
    assert after(*SCREENED, ASKED).inquired_since == NOON
    for ending in (PersonWithdrew(person_id=CHILD), withdrawn):
        case = after(*SCREENED, ASKED, ending)
        assert (case.inquired_since, list(inquiries_of(case))) == (None, [])
    given(*SCREENED, ASKED, PersonWithdrew(person_id=CHILD)).when(ANSWER, OFFICE, LATER).refused("nothing_asked")


def test_what_is_asked_about_a_child_goes_along_when_its_family_parts() -> None:
    asked = SplitAsked(new_case_id=NEW, principal_id=MOTHER, person_ids=(MOTHER, CHILD))
    both = RecordSplitOff(from_case_id=CASE_ID, person_ids=(MOTHER, CHILD), principal_id=MOTHER)
    case = after(*begun(*SCREENED, ASKED, asked, begins=both))
    assert [one.inquiry_id for _, one in inquiries_of(case)] == [INQUIRY]
    assert case.inquired_since == NOON


@pytest.mark.parametrize("no", ["family_found", "ready_to_receive", "family_agrees"])
def test_a_no_of_the_family_calls_protection_and_holds_the_case(no: str) -> None:
    answer = ANSWER.model_copy(update={no: False})
    events = given(*APPROVED, ASKED).when(answer, OFFICE, LATER).events
    case = after(*APPROVED, ASKED, *events)
    assert case.status == "on_hold"
    assert [alert.causes for alert in case.screening_of(CHILD).alerts] == [("family_not_ready",)]
    assert [(hold.reason, hold.placed_by) for hold in case.holds] == [("protection", OFFICE.person_id)]
    given(*APPROVED, ASKED, *events).when(answer, OFFICE, LATER).then()


def test_nobody_travels_while_a_family_that_was_asked_about_has_not_answered_or_said_no() -> None:
    no = replace(SAID, ready_to_receive=False)
    refused = found(INQUIRY, CHILD, FamilyAssessment(LATER, NOON, INQUIRY, no), ())
    for past, is_open in (((ASKED,), True), ((ASKED, refused), True), ((ASKED, ANSWERED), False), ((), False)):
        case = after(*BOOKED, *past)
        lines = gate(case, EVERYTHING_KNOWN, NOON, boarding=False)
        assert [line.person_id for line in lines if not line.met] == ([CHILD] if is_open else [])
    given(*BOOKED, ASKED).when(MarkReadyToTravel(), PROTECTION).refused("best_interests_open")


def test_a_question_has_an_id_under_which_nothing_else_stands() -> None:
    held = HoldPlaced(hold_id=INQUIRY, reason=Concealed.of("protection"), placed_by=PROTECTION.person_id, placed_at=NOON)
    given(*SCREENED, held).when(ASK, PROTECTION).refused("record_id_taken")
