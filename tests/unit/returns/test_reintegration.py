from collections.abc import Sequence
from uuid import UUID

import pytest

from services.returns.domain.case_reintegration import (
    RecordCaseSealed,
    RecordDisbursementUndone,
    RecordGrantStage,
    RecordPlanAgreed,
    RecordSealRefused,
    RequestClosing,
    StartMonitoring,
)
from services.returns.domain.case_state import NotedGrant, standing
from shared.contracts.returns import (
    CaseClosed,
    CaseWithdrawn,
    ClosingRefused,
    ClosingRequested,
    GrantStage,
    GrantStageNoted,
    MonitoringStarted,
    PersonWithdrew,
    PlanAgreementNoted,
    ReintegrationStarted,
)
from shared.messages import Concealed, Event
from tests.unit.returns.examples import (
    A_MONTH_LATER,
    ARRIVED,
    CLEARED,
    COORDINATOR,
    DEPARTED,
    FAMILY,
    GRANT,
    OFFICE,
    OPENED,
    OTHER_GRANT,
    PLAN,
    REACTION,
    REPORT,
    after,
    given,
    landed,
    left,
    ref,
)

REINTEGRATING = (*ARRIVED, ReintegrationStarted(plan_id=PLAN, status="reintegrating"))
MONITORING = (*REINTEGRATING, MonitoringStarted())
CLOSE = RequestClosing(reason="completed")
REQUESTED = ClosingRequested(reason="completed")
CLOSING = (*MONITORING, REQUESTED)
CLOSED = (*CLOSING, CaseClosed(reason="completed", person_ids=FAMILY))


def noted(stage: GrantStage, status: str, grant_id: UUID = GRANT) -> GrantStageNoted:
    return GrantStageNoted(grant_id=grant_id, stage=stage, status=status)


def stage(stage: GrantStage) -> RecordGrantStage:
    return RecordGrantStage(grant_id=GRANT, stage=stage)


@pytest.mark.parametrize(
    ("stages", "status"),
    [
        ((), "reintegrating"),
        (("requested",), "reintegrating"),
        (("approved",), "grant_approved"),
        (("requested", "approved"), "grant_approved"),
        (("approved", "disbursed"), "grant_approved"),
        (("requested", "disbursed"), "grant_approved"),
        (("disbursed",), "grant_disbursed"),
        (("disbursed", "disbursed"), "grant_disbursed"),
        (("disbursed", "ended"), "grant_disbursed"),
        (("ended", "requested"), "reintegrating"),
        (("ended", "approved"), "grant_approved"),
        (("ended",), "monitoring"),
        (("ended", "ended"), "monitoring"),
    ],
)
def test_a_cases_status_follows_from_all_its_grants(stages: Sequence[GrantStage], status: str) -> None:
    grants = [NotedGrant(ref(100 + number), one) for number, one in enumerate(stages)]
    assert standing(grants) == status
    assert standing(reversed(grants)) == status


def test_reintegration_starts_when_the_plan_is_agreed_after_arrival() -> None:
    given(*ARRIVED).when(RecordPlanAgreed(plan_id=PLAN), REACTION).then(
        ReintegrationStarted(plan_id=PLAN, status="reintegrating")
    )


def test_reintegration_starts_at_the_status_that_grants_noted_earlier_give() -> None:
    early = (*ARRIVED, noted("approved", "arrived"))
    started = given(*early).when(RecordPlanAgreed(plan_id=PLAN), REACTION)
    started.then(ReintegrationStarted(plan_id=PLAN, status="grant_approved"))
    assert after(*early, *started.events).status == "grant_approved"


def test_a_plan_agreed_before_everybody_arrived_is_kept_for_then() -> None:
    given(*CLEARED, left(FAMILY[0]), landed(FAMILY[0])).when(RecordPlanAgreed(plan_id=PLAN), REACTION).then(
        PlanAgreementNoted(plan_id=PLAN)
    )


@pytest.mark.parametrize(
    "past",
    [REINTEGRATING, MONITORING, CLOSED, (*DEPARTED, PlanAgreementNoted(plan_id=PLAN))],
    ids=["reintegrating", "monitoring", "closed", "noted before"],
)
def test_a_later_version_of_the_plan_changes_nothing_here(past: tuple[Event, ...]) -> None:
    given(*past).when(RecordPlanAgreed(plan_id=PLAN), REACTION).then()


@pytest.mark.parametrize(
    "order",
    [RecordPlanAgreed(plan_id=PLAN), stage("requested"), RecordCaseSealed(), RecordSealRefused()],
    ids=["plan", "grant", "seal", "refused seal"],
)
def test_a_fact_about_a_case_nobody_knows_changes_nothing(order: RecordPlanAgreed) -> None:
    given().when(order, REACTION).then()


@pytest.mark.parametrize(
    ("past", "order", "fact"),
    [
        (REINTEGRATING, stage("requested"), noted("requested", "reintegrating")),
        (MONITORING, stage("requested"), noted("requested", "reintegrating")),
        ((*REINTEGRATING, noted("requested", "reintegrating")), stage("approved"), noted("approved", "grant_approved")),
        ((*REINTEGRATING, noted("approved", "grant_approved")), stage("disbursed"), noted("disbursed", "grant_disbursed")),
        ((*REINTEGRATING, noted("approved", "grant_approved")), stage("ended"), noted("ended", "monitoring")),
        (
            (*REINTEGRATING, noted("disbursed", "grant_disbursed", OTHER_GRANT)),
            stage("approved"),
            noted("approved", "grant_approved"),
        ),
        ((*REINTEGRATING, noted("ended", "monitoring", OTHER_GRANT)), stage("approved"), noted("approved", "grant_approved")),
    ],
    ids=[
        "a first grant", "a grant after all", "approved", "paid", "cancelled", "back from paid", "back from monitoring",
    ],
)
def test_a_grants_progress_moves_the_case(
    past: tuple[Event, ...], order: RecordGrantStage, fact: GrantStageNoted
) -> None:
    moved = given(*past).when(order, REACTION)
    moved.then(fact)
    assert after(*past, *moved.events).status == fact.status


@pytest.mark.parametrize("known", ["approved", "disbursed", "ended"])
def test_a_grant_never_goes_back_to_an_earlier_stage(known: GrantStage) -> None:
    past = (*REINTEGRATING, noted(known, standing([NotedGrant(GRANT, known)])))
    given(*past).when(stage("requested"), REACTION).then()
    given(*past).when(stage(known), REACTION).then()


@pytest.mark.parametrize(
    ("past", "status"),
    [(OPENED, "intention"), (DEPARTED, "departed"), (ARRIVED, "arrived"), (CLOSING, "closing"), (CLOSED, "closed")],
    ids=["intention", "departed", "arrived", "closing", "closed"],
)
def test_where_the_status_does_not_follow_grants_a_grant_is_only_noted(past: tuple[Event, ...], status: str) -> None:
    given(*past).when(stage("approved"), REACTION).then(noted("approved", status))


def test_a_grant_whose_payment_came_back_is_not_fully_paid_any_more_until_it_is_paid_anew() -> None:
    undone = RecordDisbursementUndone(grant_id=GRANT)
    paid = (*REINTEGRATING, noted("disbursed", "grant_disbursed"))
    given(*paid).when(undone, REACTION).then(noted("approved", "grant_approved"))
    back = (*paid, noted("approved", "grant_approved"))
    assert after(*back).status == "grant_approved"
    given(*back).when(undone, REACTION).then()
    given(*back).when(stage("disbursed"), REACTION).then(noted("disbursed", "grant_disbursed"))


@pytest.mark.parametrize("known", ["requested", "approved", "ended"])
def test_that_a_payment_came_back_tells_nothing_of_a_grant_that_was_not_fully_paid(known: GrantStage) -> None:
    past = (*REINTEGRATING, noted(known, standing([NotedGrant(GRANT, known)])))
    given(*past).when(RecordDisbursementUndone(grant_id=GRANT), REACTION).then()
    given(*REINTEGRATING).when(RecordDisbursementUndone(grant_id=GRANT), REACTION).then()


def test_a_payment_that_comes_back_while_the_case_is_closing_is_noted_and_the_status_waits() -> None:
    closing = (*REINTEGRATING, noted("disbursed", "grant_disbursed"), REPORT, REQUESTED)
    given(*closing).when(RecordDisbursementUndone(grant_id=GRANT), REACTION).then(noted("approved", "closing"))
    assert after(*closing, noted("approved", "closing"), ClosingRefused()).status == "grant_approved"


def test_without_any_grant_the_receiving_office_starts_monitoring() -> None:
    given(*REINTEGRATING).when(StartMonitoring(), OFFICE, A_MONTH_LATER).then(MonitoringStarted())
    assert after(*MONITORING).status == "monitoring"


def test_monitoring_is_not_started_by_hand_beside_a_grant() -> None:
    given(*REINTEGRATING, noted("requested", "reintegrating")).when(StartMonitoring(), OFFICE).refused("grants_exist")


def test_monitoring_does_not_start_before_reintegration() -> None:
    given(*ARRIVED).when(StartMonitoring(), OFFICE).refused("wrong_status")


@pytest.mark.parametrize(
    "past",
    [ARRIVED, REINTEGRATING, MONITORING, (*REINTEGRATING, noted("disbursed", "grant_disbursed"))],
    ids=["arrived", "reintegrating", "monitoring", "paid"],
)
def test_a_case_with_nothing_left_to_pay_can_be_asked_to_close(past: tuple[Event, ...]) -> None:
    given(*past, REPORT).when(CLOSE, COORDINATOR).then(REQUESTED)
    given(*past).when(CLOSE, COORDINATOR).refused("final_report_missing")


@pytest.mark.parametrize(
    "grant",
    [noted("requested", "reintegrating"), noted("approved", "grant_approved")],
    ids=["undecided", "not fully paid"],
)
def test_a_case_does_not_close_over_a_live_grant(grant: GrantStageNoted) -> None:
    given(*REINTEGRATING, grant).when(CLOSE, COORDINATOR).refused("live_grants")


@pytest.mark.parametrize("past", [OPENED, CLEARED, DEPARTED, CLOSING], ids=["intention", "cleared", "departed", "closing"])
def test_a_case_is_not_asked_to_close_out_of_turn(past: tuple[Event, ...]) -> None:
    given(*past).when(CLOSE, COORDINATOR).refused("wrong_status")


def test_a_sealed_case_closes_for_everybody_whose_attempt_it_was() -> None:
    given(*CLOSING).when(RecordCaseSealed(), REACTION).then(CaseClosed(reason="completed", person_ids=FAMILY))


def test_a_closed_case_keeps_its_reason_and_waits_for_nothing() -> None:
    case = after(*CLOSED)
    assert (case.status, case.closure_reason, case.status_before_closing) == ("closed", "completed", None)


def test_a_case_closes_without_ending_the_attempt_of_whoever_withdrew() -> None:
    withdrew = PersonWithdrew(person_id=FAMILY[1])
    given(*CLOSING[:1], withdrew, *two_return(), REQUESTED).when(RecordCaseSealed(), REACTION).then(
        CaseClosed(reason="completed", person_ids=(FAMILY[0], FAMILY[2]))
    )


def two_return() -> tuple[Event, ...]:
    return tuple(
        event
        for event in MONITORING[1:]
        if getattr(event, "person_id", None) != FAMILY[1] and getattr(event, "signed_by", None) != FAMILY[1]
    )


@pytest.mark.parametrize("order", [RecordCaseSealed(), RecordSealRefused()], ids=["sealed", "refused"])
@pytest.mark.parametrize("past", [MONITORING, CLOSED], ids=["monitoring", "closed"])
def test_an_answer_that_nobody_waits_for_changes_nothing(
    past: tuple[Event, ...], order: RecordCaseSealed | RecordSealRefused
) -> None:
    given(*past).when(order, REACTION).then()


@pytest.mark.parametrize(
    "before",
    [ARRIVED, REINTEGRATING, MONITORING, (*REINTEGRATING, noted("disbursed", "grant_disbursed"))],
    ids=["arrived", "reintegrating", "monitoring", "paid"],
)
def test_a_refused_seal_puts_the_case_back_where_it_was(before: tuple[Event, ...]) -> None:
    refused = given(*before, REQUESTED).when(RecordSealRefused(), REACTION)
    refused.then(ClosingRefused())
    case = after(*before, REQUESTED, *refused.events)
    assert case.status == after(*before).status
    assert (case.status_before_closing, case.closure_reason) == (None, None)


def test_a_refused_seal_puts_the_case_where_a_grant_noted_meanwhile_belongs() -> None:
    past = (*CLOSING, noted("approved", "closing"), ClosingRefused())
    assert after(*past).status == "grant_approved"


def test_a_plan_agreed_while_closing_starts_reintegration_when_the_seal_is_refused() -> None:
    agreed = (*ARRIVED, REQUESTED, PlanAgreementNoted(plan_id=PLAN))
    given(*agreed).when(RecordSealRefused(), REACTION).then(
        ClosingRefused(), ReintegrationStarted(plan_id=PLAN, status="reintegrating")
    )


def test_a_plan_agreed_in_a_case_that_has_ended_changes_nothing() -> None:
    ended = CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=FAMILY)
    given(*OPENED, ended).when(RecordPlanAgreed(plan_id=PLAN), REACTION).then()
