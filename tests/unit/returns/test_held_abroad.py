"""What an office does and sees of a case that is held: the same as if no hold stood."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import pytest

from services.returns.domain.case import CASE
from services.returns.domain.case_departure_asked import AskToConfirmDeparture
from services.returns.domain.case_journey import ConfirmArrival
from services.returns.domain.case_reintegration import (
    RecordDisbursementUndone,
    RecordGrantStage,
    RecordPlanAgreed,
    StartMonitoring,
)
from services.returns.domain.case_state import Case, CaseFacts
from services.returns.policy import POLICY
from services.returns.queries.abroad import for_receiving_office
from shared.actors import Role
from shared.contracts.returns import (
    CaseArrived,
    GrantStageNoted,
    HoldLifted,
    HoldPlaced,
    MonitoringStarted,
    PlanAgreementNoted,
    ReintegrationStarted,
)
from shared.messages import Command, Concealed, Context, Event
from tests.given import NOON, code_of
from tests.unit.returns.examples import (
    A_MONTH_LATER,
    AFTER_LANDING,
    APPROVED,
    ARRIVED,
    CHILD,
    DEPARTED,
    FATHER,
    GRANT,
    LANDED_AT,
    MOTHER,
    OFFICE,
    OPENED,
    PLAN,
    PREPARING,
    REACTION,
    REPORT,
    after,
    given,
    landed,
    ref,
)

HELD = HoldPlaced(hold_id=ref(31), reason=Concealed.of("protection"), placed_by="staff:mirela", placed_at=NOON)
LIFTED = HoldLifted(hold_id=ref(31), outcome=Concealed.of("unfounded"), lifted_at=NOON)
AGREED = RecordPlanAgreed(plan_id=PLAN)
STARTED = ReintegrationStarted(plan_id=PLAN, status="reintegrating")
REINTEGRATING: tuple[Event, ...] = (*ARRIVED, STARTED)
REQUESTED = GrantStageNoted(grant_id=GRANT, stage="requested", status="reintegrating")
WAYS: Final[Mapping[str, tuple[Event, ...]]] = {
    "intention": OPENED, "approved": APPROVED, "preparing": PREPARING, "departed": DEPARTED, "arrived": ARRIVED,
    "some arrived": (*DEPARTED, landed(MOTHER)), "reintegrating": REINTEGRATING, "asked for": (*REINTEGRATING, REQUESTED),
    "monitoring": (*REINTEGRATING, MonitoringStarted()), "reported": (*REINTEGRATING, REPORT),
}  # fmt: skip


def _snake(command: type[Command]) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in command.__name__).lstrip("_")


ORDERS: Final = {
    _snake(rule.command): rule.command for rule in CASE.rules
    if any(row.operation == _snake(rule.command) and row.role == Role.RECEIVING_OFFICE for row in POLICY.rows)
}  # fmt: skip


def possible(case: Case) -> dict[str, str | None]:
    context = Context(OFFICE, A_MONTH_LATER)
    refusals = {name: CASE.refusal(case, order, CaseFacts(), context) for name, order in ORDERS.items()}
    return {name: code_of(refusal) if refusal is not None else None for name, refusal in refusals.items()}


def test_which_orders_are_an_offices() -> None:
    assert ORDERS.keys() == {
        "answer_family_assessment", "ask_to_confirm_departure", "confirm_arrival", "start_monitoring", "write_final_report",
    }  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_what_an_office_may_do_and_is_shown_is_the_same_whether_or_not_the_case_is_held(way: str) -> None:
    on_hold, goes_on = after(*WAYS[way], HELD), after(*WAYS[way], HELD, LIFTED)
    assert possible(on_hold) == possible(goes_on)
    assert for_receiving_office(on_hold) == for_receiving_office(goes_on)


def test_reintegration_starts_also_while_the_case_is_held() -> None:
    started = given(*ARRIVED, HELD).when(AGREED, REACTION)
    started.then(STARTED)
    case = after(*ARRIVED, HELD, *started.events)
    assert (case.status, case.stretch, case.agreed_plan_id) == ("on_hold", "reintegrating", PLAN)
    assert for_receiving_office(case).status == "reintegration_ongoing"
    assert after(*ARRIVED, HELD, *started.events, LIFTED).status == "reintegrating"


def test_a_plan_that_was_noted_first_starts_reintegration_with_the_last_arrival_also_while_the_case_is_held() -> None:
    past = (*DEPARTED, landed(MOTHER), landed(FATHER), PlanAgreementNoted(plan_id=PLAN), HELD)
    came = given(*past).when(ConfirmArrival(person_id=CHILD, arrived_at=LANDED_AT, known_by="met"), OFFICE, AFTER_LANDING)
    came.then(landed(CHILD), CaseArrived(arrived_at=LANDED_AT), STARTED)
    case = after(*past, *came.events)
    assert (case.status, case.stretch) == ("on_hold", "reintegrating")


def test_a_case_that_was_held_before_a_plan_moved_it_moves_on_with_the_next_fact() -> None:
    past = (*ARRIVED, HELD, PlanAgreementNoted(plan_id=PLAN))
    assert after(*past).stretch == "arrived"
    noted = given(*past).when(RecordGrantStage(grant_id=GRANT, stage="approved"), REACTION)
    noted.then(
        GrantStageNoted(grant_id=GRANT, stage="approved", status="arrived"),
        ReintegrationStarted(plan_id=PLAN, status="grant_approved"),
    )
    assert after(*past, *noted.events).stretch == "grant_approved"


def test_grants_move_a_held_case_on_and_back_and_nothing_of_the_hold_stands_in_what_is_noted() -> None:
    past: tuple[Event, ...] = (*REINTEGRATING, HELD)
    orders: tuple[tuple[Command, str], ...] = (
        (RecordGrantStage(grant_id=GRANT, stage="requested"), "reintegrating"),
        (RecordGrantStage(grant_id=GRANT, stage="approved"), "grant_approved"),
        (RecordGrantStage(grant_id=GRANT, stage="disbursed"), "grant_disbursed"),
        (RecordDisbursementUndone(grant_id=GRANT), "grant_approved"),
        (RecordGrantStage(grant_id=GRANT, stage="ended"), "monitoring"),
    )
    for order, stretch in orders:
        noted = given(*past).when(order, REACTION)
        (fact,) = noted.events
        assert isinstance(fact, GrantStageNoted) and fact.status == stretch
        past = (*past, fact)
        case = after(*past)
        assert (case.status, case.stretch, after(*past, LIFTED).status) == ("on_hold", stretch, stretch)
    given(*DEPARTED, HELD).when(RecordGrantStage(grant_id=GRANT, stage="approved"), REACTION).then(
        GrantStageNoted(grant_id=GRANT, stage="approved", status="departed")
    )


def test_an_office_starts_monitoring_on_a_held_case_and_is_refused_for_a_grant_alone() -> None:
    started = given(*REINTEGRATING, HELD).when(StartMonitoring(), OFFICE, A_MONTH_LATER)
    started.then(MonitoringStarted())
    case = after(*REINTEGRATING, HELD, *started.events)
    assert (case.status, case.stretch) == ("on_hold", "monitoring")
    assert after(*REINTEGRATING, HELD, *started.events, LIFTED).status == "monitoring"
    given(*REINTEGRATING, REQUESTED, HELD).when(StartMonitoring(), OFFICE).refused("grants_exist")
    approved = RecordGrantStage(grant_id=GRANT, stage="approved")
    paid_on = given(*REINTEGRATING, REQUESTED, HELD).when(approved, REACTION).events
    # As of any other case with an approved grant, which an office that asks is told in the same words.
    given(*REINTEGRATING, REQUESTED, HELD, *paid_on).when(StartMonitoring(), OFFICE).refused("wrong_status")
    given(*REINTEGRATING, REQUESTED, *paid_on).when(StartMonitoring(), OFFICE).refused("wrong_status")


def test_an_office_asks_whether_they_departed_while_the_case_is_held() -> None:
    at = A_MONTH_LATER + timedelta(days=1)
    asked = given(*DEPARTED, HELD).when(AskToConfirmDeparture(), OFFICE, at).events
    assert asked == given(*DEPARTED).when(AskToConfirmDeparture(), OFFICE, at).events
