"""Who stands up for a child in its return case: only somebody registered, of whom returns is answered either way."""

from services.counselling.domain.case_guardian import (
    RecordCaseGuardian,
    RecordCaseGuardianEnded,
    RecordCaseGuardianMoved,
)
from services.counselling.domain.erasure import PersonFacts
from services.counselling.domain.person import PERSON
from services.counselling.reactions import REACTIONS
from shared.contracts.counselling import (
    CaseGuardianNoted,
    ErasureApproved,
    ErasureRequested,
    PersonErased,
    PersonRegistered,
)
from shared.contracts.families import GuardianEnded, GuardianNoted
from shared.ids import uuid7
from shared.messages import Concealed, Order, Received
from tests.given import NOON, Given, staff
from tests.unit.counselling.test_family import FATHER, MOTHER, SON

REACTION = staff("reaction", "service")
CHILD = PersonRegistered(sex="male", country_of_origin="MA", birth_year=Concealed.of("2010"), site="trc_lipa", registered_at=NOON)
CASE, LATER = uuid7(1), uuid7(2)
NOTED = RecordCaseGuardian(guardian_id=MOTHER, case_id=CASE)
STANDS = CaseGuardianNoted(guardian_id=MOTHER, stands=True, case_id=CASE)
DOES_NOT = CaseGuardianNoted(guardian_id=MOTHER, stands=False, case_id=CASE)

child = Given(PERSON, PersonFacts(guardian_registered=True)).given(CHILD)


def test_somebody_registered_stands_up_for_the_child_and_told_again_nothing_changes() -> None:
    child.when(NOTED, REACTION).then(STANDS)
    child.given(STANDS).when(NOTED, REACTION).then()
    found = PERSON.fold((CHILD, STANDS))
    assert found is not None
    assert (found.case_guardian_id, found.case_guardian_of) == (MOTHER, CASE)


def test_in_a_later_case_whoever_stood_up_for_the_child_before_is_noted_anew_and_ends_apart() -> None:
    later = CaseGuardianNoted(guardian_id=MOTHER, stands=True, case_id=LATER)
    child.given(STANDS).when(RecordCaseGuardian(guardian_id=MOTHER, case_id=LATER), REACTION).then(later)
    child.given(STANDS, later).when(RecordCaseGuardianEnded(guardian_id=MOTHER, case_id=CASE), REACTION).then()


def test_whoever_stands_up_for_a_child_goes_along_into_the_case_in_which_it_goes_on() -> None:
    along = RecordCaseGuardianMoved(from_id=CASE, to_id=LATER)
    child.given(STANDS).when(along, REACTION).then(CaseGuardianNoted(guardian_id=MOTHER, stands=True, case_id=LATER))
    # Not whoever did in another case, nor where it was not said in which; and nobody where nobody does.
    child.given(STANDS).when(RecordCaseGuardianMoved(from_id=LATER, to_id=CASE), REACTION).then()
    child.given(CaseGuardianNoted(guardian_id=MOTHER, stands=True)).when(along, REACTION).then()
    child.given(STANDS, DOES_NOT).when(along, REACTION).then()
    Given(PERSON, PersonFacts()).when(along, REACTION).then()


def test_of_nobody_registered_and_of_who_was_erased_returns_is_told_that_they_do_not() -> None:
    child.knowing(PersonFacts()).when(NOTED, REACTION).then(DOES_NOT)


def test_whoever_cannot_be_them_has_taken_the_place_of_an_earlier_one_all_the_same() -> None:
    child.given(CaseGuardianNoted(guardian_id=FATHER, stands=True)).knowing(PersonFacts()).when(NOTED, REACTION).then(DOES_NOT)
    found = PERSON.fold((CHILD, CaseGuardianNoted(guardian_id=FATHER, stands=True), DOES_NOT))
    assert found is not None
    assert found.case_guardian_id is None


def test_nobody_is_kept_for_a_child_whose_guardian_ended_and_an_earlier_one_that_ended_is_no_news() -> None:
    ended = RecordCaseGuardianEnded(guardian_id=MOTHER, case_id=CASE)
    child.given(STANDS).when(ended, REACTION).then(DOES_NOT)
    child.given(CaseGuardianNoted(guardian_id=MOTHER, stands=True)).when(ended, REACTION).then(DOES_NOT)
    child.given(CaseGuardianNoted(guardian_id=FATHER, stands=True)).when(ended, REACTION).then()
    child.when(ended, REACTION).then()
    Given(PERSON, PersonFacts()).when(NOTED, REACTION).then()
    Given(PERSON, PersonFacts()).when(ended, REACTION).then()


def test_with_the_child_it_is_erased_who_stood_up_for_it() -> None:
    asked = ErasureRequested(ground="person_asked", requested_by="staff:dpo", requested_at=NOON)
    approved = ErasureApproved(ground="person_asked", approved_by="staff:chief", approved_at=NOON, services=("counselling",))
    found = PERSON.fold((CHILD, STANDS, asked, approved, PersonErased(erased_at=NOON, deleted=())))
    assert found is not None
    assert found.case_guardian_id is None


def test_returns_is_heard_of_who_is_the_guardian_and_of_who_is_no_more() -> None:
    cause = Received(subject=CASE, at=NOON, actor_id="staff:dana")
    assert REACTIONS[GuardianNoted](GuardianNoted(person_id=SON, guardian_id=MOTHER), cause) == (Order("person", SON, NOTED),)
    assert REACTIONS[GuardianEnded](GuardianEnded(person_id=SON, guardian_id=MOTHER), cause) == (
        Order("person", SON, RecordCaseGuardianEnded(guardian_id=MOTHER, case_id=CASE)),
    )
