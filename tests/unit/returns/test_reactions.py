from uuid import UUID

import pytest

from services.returns.domain.case import CASE
from services.returns.domain.case_ages import RecordAgeGroup
from services.returns.domain.case_application import RecordIntention
from services.returns.domain.case_preparation import RecordOwnPlan
from services.returns.domain.case_ref import case_ref
from services.returns.domain.case_reintegration import (
    RecordCaseSealed,
    RecordDisbursementUndone,
    RecordGrantStage,
    RecordPlanAgreed,
    RecordSealRefused,
)
from services.returns.domain.person import PERSON, RecordConsent, RecordCounselled, RecordSessionAmended
from services.returns.reactions import REACTIONS
from shared.contracts.attempts import DisbursementUndone
from shared.contracts.counselling import (
    AgeGroup,
    BirthYearCorrected,
    ConsentGiven,
    ConsentWithdrawn,
    IntentionExpressed,
    SessionHeld,
)
from shared.contracts.noted_cases import CaseSealed, SealRefused
from shared.contracts.plans import OwnPlanRecorded, PlanAgreed
from shared.contracts.reintegration import (
    GrantApproved,
    GrantCancelled,
    GrantCompleted,
    GrantDisbursed,
    GrantRejected,
    GrantRequested,
)
from shared.contracts.returns import GrantStage
from shared.contracts.sessions import (
    Interpreter,
    InterpreterKind,
    Present,
    SessionAmended,
    SessionType,
)
from shared.messages import Concealed, Event, Order, OrderAbout, Received
from shared.money import Money
from tests.given import NOON
from tests.unit.returns.examples import (
    CASE_ID,
    CHILD,
    COUNSELLOR,
    EXPRESSED_AT,
    FAMILY,
    FATHER,
    MOTHER,
    covered,
    ref,
)

SUBJECT = ref(77)
CAUSE = Received(subject=SUBJECT, at=NOON, actor_id=COUNSELLOR.person_id)
MONEY = Money.model_validate({"amount": "900.00", "currency": "EUR"})


def session(
    session_type: SessionType, *person_ids: UUID, present: tuple[Present, ...] = (), interpreter: Interpreter = "none",
    interpreter_kind: InterpreterKind | None = None,
) -> SessionHeld:
    return SessionHeld(
        session_type=session_type, modality="in_person", site="trc_usivak", language="urd", interpreter=interpreter,
        person_ids=person_ids, counsellor_id=COUNSELLOR.person_id, held_at=EXPRESSED_AT, topics=("asylum",),
        outcome="follow_up", present=present, interpreter_kind=interpreter_kind,
    )


def amended(of: SessionHeld) -> SessionAmended:
    return SessionAmended(
        session_type=of.session_type, person_ids=of.person_ids, present=of.present, interpreter=of.interpreter,
        interpreter_kind=of.interpreter_kind, reason="misunderstood",
    )


def orders(event: Event) -> tuple[Order | OrderAbout, ...]:
    return REACTIONS[type(event)](event, CAUSE)


def test_everybody_in_an_individual_session_is_counselled_in_the_order_of_their_ids() -> None:
    counselled = RecordCounselled(session_id=SUBJECT, held_at=EXPRESSED_AT)
    assert orders(session("individual", FATHER, MOTHER, FATHER)) == (
        Order("person", MOTHER, counselled),
        Order("person", FATHER, counselled),
    )


@pytest.mark.parametrize(
    ("of", "alone"),
    [
        (session("individual", MOTHER, present=("alone",)), True),
        (session("individual", MOTHER, present=("lawyer", "social_worker")), True),
        (session("individual", MOTHER, present=("alone",), interpreter="phone", interpreter_kind="professional"), True),
        (session("individual", MOTHER), False),
        (session("individual", MOTHER, present=("not_known",)), False),
        (session("individual", MOTHER, present=("spouse",)), False),
        (session("individual", MOTHER, present=("lawyer", "child")), False),
        (session("individual", MOTHER, present=("guardian",)), False),
        (session("individual", MOTHER, present=("resident",)), False),
        (session("individual", MOTHER, present=("others",)), False),
        (session("individual", MOTHER, FATHER, present=("alone",)), False),
        (session("individual", MOTHER, present=("alone",), interpreter="in_person", interpreter_kind="family"), False),
        (session("individual", MOTHER, present=("alone",), interpreter="in_person", interpreter_kind="resident"), False),
        (session("individual", MOTHER, present=("alone",), interpreter="in_person", interpreter_kind="not_known"), False),
        (session("individual", MOTHER, present=("alone",), interpreter="in_person"), False),
        (session("legal_information", MOTHER, present=("alone",)), False),
    ],
)  # fmt: skip
def test_only_who_is_named_alone_without_anybody_of_theirs_there_or_interpreting_was_heard_alone(of: SessionHeld, alone: bool) -> None:
    if of.session_type == "individual":
        assert {order.command for order in orders(of)} == {RecordCounselled(session_id=SUBJECT, held_at=EXPRESSED_AT, alone=alone)}
    assert orders(amended(of)) == tuple(
        Order("person", person_id, RecordSessionAmended(session_id=SUBJECT, alone=alone)) for person_id in sorted(of.person_ids)
    )


def test_legal_information_is_no_individual_counselling() -> None:
    assert orders(session("legal_information", MOTHER)) == ()


def test_a_session_with_somebody_anonymous_counsels_nobody_known() -> None:
    assert orders(session("individual")) == ()


def test_a_given_consent_is_noted_of_its_person_with_the_country_of_a_transfer() -> None:
    given = ConsentGiven(
        consent="transfer", text_version="2023-1", language="urd", method="signature", given_at=EXPRESSED_AT,
        recipient="receiving_office", recipient_country="PK", purpose="reintegration",
    )
    assert orders(given) == (
        Order("person", SUBJECT, RecordConsent(consent="transfer", active=True, recipient_country="PK")),
    )


def test_a_consent_taken_back_is_noted_of_its_person() -> None:
    assert orders(ConsentWithdrawn(consent="data", withdrawn_at=NOON)) == (
        Order("person", SUBJECT, RecordConsent(consent="data", active=False)),
    )


def test_an_intention_begins_a_case_under_its_own_id() -> None:
    persons = (covered(MOTHER, "adult"), covered(CHILD, "child"))
    expressed = IntentionExpressed(
        session_id=ref(31), principal_id=MOTHER, persons=persons, destination_country="PK",
        counsellor_id=COUNSELLOR.person_id, expressed_at=EXPRESSED_AT,
    )
    assert orders(expressed) == (
        Order(
            "case",
            SUBJECT,
            RecordIntention(
                case_ref=case_ref(SUBJECT), principal_id=MOTHER, persons=persons, destination_country="PK",
                counsellor_id=COUNSELLOR.person_id, expressed_at=EXPRESSED_AT,
            ),
        ),
    )


def test_an_own_plan_is_noted_of_its_case() -> None:
    plan = OwnPlanRecorded(case_id=CASE_ID, destination_country="PK", person_ids=FAMILY, lines=())
    assert orders(plan) == (Order("case", CASE_ID, RecordOwnPlan(plan_id=SUBJECT, person_ids=FAMILY)),)


def test_an_agreed_plan_is_noted_of_its_case() -> None:
    agreed = PlanAgreed(
        case_id=CASE_ID, destination_country="PK", person_ids=FAMILY, plan_version=2, lines=(), agreed_on=NOON.date()
    )
    assert orders(agreed) == (Order("case", CASE_ID, RecordPlanAgreed(plan_id=SUBJECT)),)


GRANT_FACTS: list[tuple[Event, GrantStage]] = [
    (
        GrantRequested(
            case_id=CASE_ID, person_id=MOTHER, plan_id=ref(2), plan_line_id=ref(21),
            category=Concealed.of("business"), modality="in_kind_vendor", money=MONEY, tranches=(),
            requested_by="staff:sana", requested_at=NOON, counsellor_id=COUNSELLOR.person_id, destination_country="PK",
        ),
        "requested",
    ),
    (
        GrantApproved(
            case_id=CASE_ID, fund_id=ref(3), money=MONEY, approved_by="staff:ivo", approved_at=NOON, request_version=1
        ),
        "approved",
    ),
    (GrantDisbursed(case_id=CASE_ID), "disbursed"),
    (GrantCompleted(case_id=CASE_ID), "ended"),
    (GrantRejected(case_id=CASE_ID, reason="not_feasible", rejected_by="staff:ivo"), "ended"),
    (GrantCancelled(case_id=CASE_ID, reason="not_needed", released=MONEY), "ended"),
]


def test_a_payment_that_came_back_is_noted_of_the_case_of_its_grant() -> None:
    undone = RecordDisbursementUndone(grant_id=SUBJECT)
    assert orders(DisbursementUndone(case_id=CASE_ID)) == (Order("case", CASE_ID, undone),)


@pytest.mark.parametrize(("event", "stage"), GRANT_FACTS, ids=lambda value: getattr(value, "kind", value))
def test_how_far_a_grant_is_is_noted_of_its_case(event: Event, stage: GrantStage) -> None:
    assert orders(event) == (Order("case", CASE_ID, RecordGrantStage(grant_id=SUBJECT, stage=stage)),)


def test_a_seal_is_noted_of_the_case_that_was_sealed() -> None:
    assert orders(CaseSealed()) == (Order("case", SUBJECT, RecordCaseSealed()),)


def test_a_refused_seal_is_noted_of_the_case_that_stays_open() -> None:
    assert orders(SealRefused(live_grants=1)) == (Order("case", SUBJECT, RecordSealRefused()),)


def test_every_order_of_a_reaction_is_one_that_its_aggregate_takes_in_any_state() -> None:
    recorded = (
        RecordIntention, RecordOwnPlan, RecordPlanAgreed, RecordGrantStage, RecordDisbursementUndone, RecordCaseSealed, RecordSealRefused,
    )
    assert {CASE.rule(command).on for command in recorded} == {"any"}
    assert {PERSON.rule(command).on for command in (RecordCounselled, RecordSessionAmended, RecordConsent)} == {"any"}


@pytest.mark.parametrize("age_group", ["adult", "child"])
def test_a_corrected_year_of_birth_concerns_every_case_with_this_person_where_it_makes_a_child_or_an_adult(
    age_group: AgeGroup,
) -> None:
    corrected = BirthYearCorrected(birth_year=Concealed.of("2010"), reason="document_seen", age_group=age_group)
    order = RecordAgeGroup(person_id=SUBJECT, age_group=age_group)
    assert REACTIONS[BirthYearCorrected](corrected, CAUSE) == (OrderAbout("case", (SUBJECT,), order),)
    unchanged = corrected.model_copy(update={"age_group": None})
    assert REACTIONS[BirthYearCorrected](unchanged, CAUSE) == ()
