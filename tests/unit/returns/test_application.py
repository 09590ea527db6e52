from datetime import timedelta
from uuid import UUID

import pytest

from services.returns.domain.case_application import (
    ApproveCase,
    DeclareIneligible,
    RecordIntention,
    SignDeclaration,
    StartScreening,
    SubmitApplication,
)
from services.returns.domain.case_ref import case_ref
from shared.contracts.returns import (
    ApplicationSubmitted,
    CaseApproved,
    CaseDeclaredIneligible,
    PersonWithdrew,
    ScreeningStarted,
)
from shared.errors import NotFound
from shared.messages import Command, Concealed
from tests.given import NOON
from tests.unit.returns.examples import (
    APPLIED,
    APPROVED,
    CASE_ID,
    CHILD,
    COORDINATOR,
    COUNSELLOR,
    DECLARED,
    EXPRESSED_AT,
    FAMILY,
    FATHER,
    MOTHER,
    OPENED,
    PREPARING,
    REACTION,
    SCREENED,
    SCREENING,
    SIGNED_AT,
    STRANGER,
    SUBMITTER,
    after,
    covered,
    given,
    knowing,
    left,
    opened,
    screened,
    signed,
)

INTENTION = RecordIntention(
    case_ref=case_ref(CASE_ID),
    principal_id=MOTHER,
    persons=(covered(MOTHER, "adult"), covered(FATHER, "adult"), covered(CHILD, "child", MOTHER, FATHER)),
    destination_country="PK",
    counsellor_id=COUNSELLOR.person_id,
    expressed_at=EXPRESSED_AT,
)


def declaration(person_id: UUID, signed_by: UUID) -> SignDeclaration:
    return SignDeclaration(
        person_id=person_id, signed_by=signed_by, method="signature", language="urd", signed_at=SIGNED_AT
    )


def test_an_expressed_intention_opens_a_case() -> None:
    given().when(INTENTION, REACTION).then(*OPENED)


def test_an_intention_that_comes_again_changes_nothing() -> None:
    given(*SCREENING).when(INTENTION, REACTION).then()


def test_nothing_can_be_ordered_on_a_case_that_does_not_exist() -> None:
    assert isinstance(given().when(StartScreening(), COUNSELLOR).refusal, NotFound)


def test_screening_starts_once_every_adult_has_agreed_to_data_processing() -> None:
    given(*OPENED).when(StartScreening(), COUNSELLOR).then(ScreeningStarted())


def test_screening_does_not_start_while_an_adults_data_consent_is_missing() -> None:
    unwilling = given(*OPENED).knowing(knowing(FATHER, data_consent=False))
    unwilling.when(StartScreening(), COUNSELLOR).refused("data_consent_missing")


def test_a_child_alone_is_not_screened_without_its_own_data_consent() -> None:
    alone = given(opened(covered(CHILD, "child"))).knowing(knowing(CHILD, data_consent=False))
    alone.when(StartScreening(), COUNSELLOR).refused("data_consent_missing")


def test_a_childs_data_consent_is_not_asked_beside_an_adult() -> None:
    family = given(*OPENED).knowing(knowing(CHILD, data_consent=False))
    family.when(StartScreening(), COUNSELLOR).then(ScreeningStarted())


def test_screening_starts_only_once() -> None:
    given(*SCREENING).when(StartScreening(), COUNSELLOR).refused("wrong_status")


def test_an_adult_signs_the_own_declaration() -> None:
    given(*SCREENED).when(declaration(MOTHER, MOTHER), COUNSELLOR).then(signed(MOTHER, MOTHER))


def test_an_adult_of_the_case_signs_for_a_child() -> None:
    given(*SCREENED).when(declaration(CHILD, FATHER), COUNSELLOR).then(signed(CHILD, FATHER))


def test_nobody_signs_for_an_adult() -> None:
    given(*SCREENED).when(declaration(MOTHER, FATHER), COUNSELLOR).refused("adult_signs_in_person")


@pytest.mark.parametrize("signed_by", [STRANGER, CHILD], ids=["a stranger", "the child"])
def test_only_an_adult_of_the_case_signs_for_a_child(signed_by: UUID) -> None:
    given(*SCREENED).when(declaration(CHILD, signed_by), COUNSELLOR).refused("guardian_not_in_case")


def test_a_parent_who_withdrew_does_not_sign_for_a_child() -> None:
    without_father = given(*SCREENED, PersonWithdrew(person_id=FATHER))
    without_father.when(declaration(CHILD, FATHER), COUNSELLOR).refused("guardian_not_in_case")


def test_a_guardian_who_withdraws_takes_the_signature_for_the_child_along() -> None:
    without_father = after(*DECLARED, PersonWithdrew(person_id=FATHER)).person(CHILD)
    assert without_father is not None
    assert without_father.declared_by is None


def test_the_other_parent_can_sign_for_the_child_after_approval_too() -> None:
    without_father = given(*PREPARING, PersonWithdrew(person_id=FATHER))
    without_father.when(declaration(CHILD, MOTHER), COUNSELLOR).then(signed(CHILD, MOTHER))


def test_a_declaration_that_comes_again_changes_nothing() -> None:
    given(*DECLARED).when(declaration(CHILD, FATHER), COUNSELLOR).then()


def test_a_declaration_of_somebody_outside_the_case_is_refused() -> None:
    given(*SCREENED).when(declaration(STRANGER, STRANGER), COUNSELLOR).refused("person_not_in_case")


def test_a_declaration_cannot_be_recorded_before_it_was_signed() -> None:
    given(*SCREENED).when(declaration(MOTHER, MOTHER), COUNSELLOR, SIGNED_AT - timedelta(seconds=1)).refused(
        "in_the_future"
    )


def test_nobody_signs_before_screening_began() -> None:
    given(*OPENED).when(declaration(MOTHER, MOTHER), COUNSELLOR).refused("wrong_status")


def test_a_complete_application_is_submitted() -> None:
    given(*DECLARED).when(SubmitApplication(), SUBMITTER).then(ApplicationSubmitted(submitted_by=SUBMITTER.person_id))


@pytest.mark.parametrize("missing", FAMILY)
def test_no_application_without_everybodys_screening(missing: UUID) -> None:
    past = [event for event in DECLARED if event not in screened(missing)]
    given(*past).when(SubmitApplication(), SUBMITTER).refused("screening_incomplete")


@pytest.mark.parametrize("missing", FAMILY)
def test_no_application_without_everybodys_declaration(missing: UUID) -> None:
    past = [event for event in DECLARED if getattr(event, "signed_by", None) is None or event.person_id != missing]  # type: ignore[attr-defined]
    given(*past).when(SubmitApplication(), SUBMITTER).refused("declaration_missing")


def test_whoever_withdrew_does_not_hold_up_the_application() -> None:
    past = [event for event in DECLARED if event not in (*screened(FATHER), signed(FATHER, FATHER), signed(CHILD, FATHER))]
    without_father = given(*past, signed(CHILD, MOTHER), PersonWithdrew(person_id=FATHER))
    without_father.when(SubmitApplication(), SUBMITTER).then_kinds(ApplicationSubmitted)


def test_an_application_is_submitted_only_once() -> None:
    given(*APPLIED).when(SubmitApplication(), SUBMITTER).refused("wrong_status")


@pytest.mark.parametrize("past", [SCREENING, APPLIED], ids=["screening", "applied"])
def test_a_coordinator_can_decide_that_assistance_cannot_be_given(past: tuple[ScreeningStarted, ...]) -> None:
    given(*past).when(DeclareIneligible(reason="not_entitled"), COORDINATOR).then(
        CaseDeclaredIneligible(reason=Concealed.of("not_entitled"), person_ids=FAMILY)
    )


def test_the_counsellor_does_not_decide_on_eligibility_alone() -> None:
    given(*APPLIED).when(DeclareIneligible(reason="not_entitled"), COUNSELLOR).refused("four_eyes")


def test_an_approved_case_cannot_be_declared_ineligible() -> None:
    given(*APPROVED).when(DeclareIneligible(reason="not_entitled"), COORDINATOR).refused("wrong_status")


def test_a_case_of_which_somebody_left_cannot_be_declared_ineligible() -> None:
    given(*APPLIED, left(FATHER, NOON, cleared=False)).when(
        DeclareIneligible(reason="not_entitled"), COORDINATOR
    ).refused("departed_already")


def test_a_coordinator_approves_the_application() -> None:
    given(*APPLIED).when(ApproveCase(), COORDINATOR).then(CaseApproved(approved_by=COORDINATOR.person_id))


@pytest.mark.parametrize("by", [COUNSELLOR, SUBMITTER], ids=["the counsellor", "who submitted"])
def test_neither_the_counsellor_nor_who_submitted_approves(by: object) -> None:
    given(*APPLIED).when(ApproveCase(), by).refused("four_eyes")  # type: ignore[arg-type]


def test_nothing_is_approved_before_it_was_applied_for() -> None:
    given(*DECLARED).when(ApproveCase(), COORDINATOR).refused("wrong_status")


@pytest.mark.parametrize("order", [StartScreening(), SubmitApplication(), ApproveCase()])
def test_nothing_goes_on_in_a_case_that_has_ended(order: Command) -> None:
    ended = CaseDeclaredIneligible(reason=Concealed.of("not_entitled"), person_ids=FAMILY)
    given(*APPLIED, ended).when(order, COORDINATOR).refused("case_ended")
