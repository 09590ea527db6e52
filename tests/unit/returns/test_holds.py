"""Putting a case on hold: who may, who lifts it, where the case goes on, and that nobody learns why who may not."""

from datetime import timedelta
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from services.returns.domain.case_application import DeclareIneligible, SignDeclaration, StartScreening
from services.returns.domain.case_holds import LiftHold, PutOnHold, RecordTransitInterrupted
from services.returns.domain.case_journey import ConfirmArrival, RecordDeparture, RecordNotDeparted
from services.returns.domain.case_preparation import ClearToBoard, MarkReadyToTravel, RecordTravelDocument
from services.returns.domain.case_reintegration import RequestClosing
from services.returns.domain.case_state import Status
from services.returns.domain.case_withdrawal import (
    LapseCase,
    RecordContactTried,
    WithdrawCase,
    WithdrawPerson,
)
from services.returns.domain.gate import first_unmet, gate
from services.returns.domain.holds import LIFTED_BY, HeldFor, Hold, may_lift, told_to
from services.returns.domain.screening import Alert
from services.returns.domain.screening_facts import left_uncleared
from services.returns.domain.window import state_abroad
from shared.actors import Actor, Role
from shared.contracts.returns import (
    CaseArrived,
    CaseDeparted,
    CaseLapsed,
    CaseWithdrawn,
    ClosingRequested,
    ContactTried,
    GrantStageNoted,
    HoldLifted,
    HoldPlaced,
    HoldReason,
    PersonArrived,
    PersonDeparted,
    PersonWithdrew,
    PlanAgreementNoted,
    ReintegrationStarted,
    TransitInterrupted,
)
from shared.messages import Concealed, Event
from tests.given import NOON, staff
from tests.unit.returns.examples import (
    A_MONTH_LATER,
    AFTER_LANDING,
    APPLIED,
    APPROVED,
    ARRIVED,
    BOARDED_AT,
    BOOKED,
    CHILD,
    CLEARED,
    CLEARED_AT,
    COORDINATOR,
    COUNSELLOR,
    DECLARED,
    DEPARTED,
    DOCUMENTED,
    EVERYTHING_KNOWN,
    FAMILY,
    FATHER,
    GRANT,
    LANDED_AT,
    MOTHER,
    OFFICE,
    OPENED,
    OPERATIONS,
    PLAN,
    PREPARING,
    PROTECTION,
    READY,
    SCREENING,
    SIGNED_AT,
    VALID_UNTIL,
    after,
    given,
    landed,
    left,
    ref,
)

HOLD, OTHER_HOLD = ref(31), ref(32)
REINTEGRATING: tuple[Event, ...] = (*ARRIVED, ReintegrationStarted(plan_id=PLAN, status="reintegrating"))
EVERYWHERE = {
    "intention": OPENED, "screening": SCREENING, "applied": APPLIED, "approved": APPROVED, "preparing": PREPARING,
    "ready_to_travel": READY, "cleared_to_board": CLEARED, "departed": DEPARTED, "arrived": ARRIVED,
    "reintegrating": REINTEGRATING,
}  # fmt: skip
STAFF = {"counsellor": COUNSELLOR, "coordinator": COORDINATOR, "protection": PROTECTION, "operations": OPERATIONS}
REASONS: tuple[HoldReason, ...] = get_args(HoldReason)
STOPPED_AT = BOARDED_AT + timedelta(hours=3)


def held(reason: str = "protection", hold_id: UUID = HOLD, by: Actor = PROTECTION) -> HoldPlaced:
    return HoldPlaced(hold_id=hold_id, reason=Concealed.of(reason), placed_by=by.person_id, placed_at=NOON)


def lifted(hold_id: UUID = HOLD, outcome: str = "resolved") -> HoldLifted:
    return HoldLifted(hold_id=hold_id, outcome=Concealed.of(outcome), lifted_at=NOON)


def stopped(*person_ids: UUID) -> TransitInterrupted:
    return TransitInterrupted(
        hold_id=HOLD, person_ids=person_ids, placed_by=OPERATIONS.person_id, interrupted_at=STOPPED_AT
    )


LIFT = LiftHold(hold_id=HOLD, outcome="resolved")


@pytest.mark.parametrize("by", STAFF)
@pytest.mark.parametrize("reason", REASONS)
def test_whoever_of_staff_sees_that_something_is_wrong_puts_the_case_on_hold(reason: HoldReason, by: str) -> None:
    order = PutOnHold(hold_id=HOLD, reason=reason)
    given(*READY).when(order, STAFF[by]).then(held(reason, by=STAFF[by]))


@pytest.mark.parametrize("status", EVERYWHERE)
def test_a_case_is_held_wherever_it_is_and_goes_on_where_it_was_or_before_the_gate(status: str) -> None:
    on_hold = after(*EVERYWHERE[status], held())
    goes_on_at = "preparing" if status in ("ready_to_travel", "cleared_to_board") else status
    assert (on_hold.status, on_hold.stretch) == ("on_hold", goes_on_at)
    went_on = given(*EVERYWHERE[status], held()).when(LIFT, PROTECTION)
    assert after(*EVERYWHERE[status], held(), *went_on.events).status == goes_on_at


def test_whoever_was_to_board_is_asked_anew_whether_they_wish_to_go() -> None:
    case = after(*CLEARED, held(), lifted())
    assert [person.confirmed_at for person in case.persons] == [None, None, None]
    assert (case.cleared_at, case.clearance_lapsed_at, case.booking is not None) == (CLEARED_AT, NOON, True)


def test_whoever_left_before_the_hold_was_placed_left_with_the_clearance_that_stood() -> None:
    placed_later = held().model_copy(update={"placed_at": BOARDED_AT + timedelta(minutes=5)})
    order = RecordDeparture(person_ids=FAMILY, departed_at=BOARDED_AT)
    went = given(*CLEARED, placed_later).when(order, OPERATIONS, A_MONTH_LATER)
    went.then(*(left(one) for one in FAMILY), CaseDeparted(departed_at=BOARDED_AT))


LIFTED = {
    "protection": {"protection"}, "medical": {"protection", "operations"}, "document": {"coordinator"},
    "legal": {"coordinator"}, "security": {"coordinator"}, "transit": {"protection", "operations"},
}  # fmt: skip


@pytest.mark.parametrize("by", STAFF)
@pytest.mark.parametrize("reason", REASONS)
def test_each_hold_is_lifted_by_those_who_may_and_nobody_else(reason: str, by: str) -> None:
    came = given(*PREPARING, held(reason)).when(LIFT, STAFF[by])
    if by in LIFTED[reason]:
        came.then(lifted())
    else:
        came.refused("hold_of_others")


def test_who_lifts_what_is_said_for_every_reason() -> None:
    assert {reason: set(roles) for reason, roles in LIFTED_BY.items()} == LIFTED
    assert set(LIFTED) == set(REASONS) | {"transit"}


def test_a_case_is_on_hold_while_any_hold_stands() -> None:
    both = (*PREPARING, held("document"), held("medical", OTHER_HOLD))
    assert after(*both, lifted(HOLD)).status == "on_hold"
    assert after(*both, lifted(OTHER_HOLD)).status == "on_hold"
    assert after(*both, lifted(OTHER_HOLD), lifted(HOLD)).status == "preparing"


def test_whoever_may_lift_one_of_two_holds_lifts_that_one_alone() -> None:
    both = given(*PREPARING, held("protection"), held("document", OTHER_HOLD))
    both.when(LIFT, COORDINATOR).refused("hold_of_others")
    both.when(LiftHold(hold_id=OTHER_HOLD, outcome="resolved"), COORDINATOR).then(lifted(OTHER_HOLD))


def test_the_same_hold_is_placed_once_and_lifted_once() -> None:
    order = PutOnHold(hold_id=HOLD, reason="document")
    given(*PREPARING, held("document", by=COUNSELLOR)).when(order, COUNSELLOR).then()
    both = given(*PREPARING, held("document"), held("document", OTHER_HOLD), lifted())
    both.when(LIFT, COORDINATOR).then()
    both.when(order, COUNSELLOR).refused("hold_id_taken")
    both.when(LiftHold(hold_id=ref(33), outcome="resolved"), COORDINATOR).refused("hold_unknown")
    given(*PREPARING, held("document"), lifted()).when(LIFT, COORDINATOR).refused("not_on_hold")


@pytest.mark.parametrize("reason", REASONS)
def test_nobody_learns_by_trying_why_a_case_was_put_on_hold(reason: HoldReason) -> None:
    given(*PREPARING, held("protection")).when(PutOnHold(hold_id=HOLD, reason=reason), COUNSELLOR).refused("hold_id_taken")


@pytest.mark.parametrize(
    "order",
    [StartScreening(), MarkReadyToTravel(), ClearToBoard(), RequestClosing(reason="completed"),
     DeclareIneligible(reason="not_entitled"), LapseCase(reason="no_contact"), RecordNotDeparted()],
    ids=lambda order: type(order).__name__,
)  # fmt: skip
def test_nothing_moves_a_case_on_while_it_is_on_hold_and_the_answer_is_the_same_for_each_reason(order: object) -> None:
    answers = [given(*READY, held(reason)).when(order, COORDINATOR).refusal for reason in REASONS]  # type: ignore[arg-type]
    assert {(answer.code, answer.sentence) for answer in answers if answer is not None} == {
        ("hold_stands", "The case is on hold. It goes on once each hold was lifted by somebody who may lift it.")
    }


def test_nobody_is_ready_to_travel_while_a_hold_stands_and_the_checklist_says_so_alike_for_each_reason() -> None:
    lines = [first_unmet(gate(after(*READY, held(reason)), EVERYTHING_KNOWN, NOON, boarding=False)) for reason in REASONS]
    assert {line.code for line in lines if line is not None} == {"hold_stands"}
    assert len(set(lines)) == 1
    assert first_unmet(gate(after(*BOOKED, held(), lifted()), EVERYTHING_KNOWN, NOON, boarding=False)) is None


def test_what_a_hold_waits_for_is_recorded_while_it_stands() -> None:
    document = RecordTravelDocument(person_id=CHILD, document="laissez_passer", valid_until=VALID_UNTIL)
    signs = SignDeclaration(person_id=CHILD, signed_by=MOTHER, method="signature", language="urd", signed_at=NOON)
    for order in (document, signs, RecordContactTried(tried_at=NOON)):
        assert given(*DOCUMENTED, held("document")).when(order, COUNSELLOR).refusal is None


@pytest.mark.parametrize("status", [status for status in EVERYWHERE if EVERYWHERE[status] in (OPENED, APPLIED, READY, CLEARED)])
@pytest.mark.parametrize("reason", REASONS)
def test_no_hold_stands_against_a_withdrawal(status: str, reason: str) -> None:
    past = (*EVERYWHERE[status], held(reason))
    given(*past).when(WithdrawPerson(person_id=FATHER), COUNSELLOR).then(PersonWithdrew(person_id=FATHER))
    withdrew = given(*past).when(WithdrawCase(), COUNSELLOR)
    withdrew.then(CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=FAMILY))
    case = after(*past, *withdrew.events)
    assert (case.status, case.status_before_hold, case.holds) == ("withdrawn", None, ())


def test_nobody_withdraws_from_a_journey_that_was_made_though_it_is_on_hold() -> None:
    given(*DEPARTED, held()).when(WithdrawCase(), COUNSELLOR).refused("departed_already")


def test_a_departure_that_happened_in_spite_of_a_hold_is_recorded_as_uncleared_and_the_hold_stands() -> None:
    went = given(*CLEARED, held()).when(RecordDeparture(person_ids=FAMILY, departed_at=BOARDED_AT), OPERATIONS, A_MONTH_LATER)
    called = (left_uncleared(one, BOARDED_AT) for one in FAMILY)
    went.then(*(left(one, cleared=False) for one in FAMILY), *called, CaseDeparted(departed_at=BOARDED_AT))
    case = after(*CLEARED, held(), *went.events)
    assert (case.status, case.stretch) == ("on_hold", "departed")
    assert after(*CLEARED, held(), *went.events, lifted()).status == "departed"


def test_whoever_left_before_the_hold_was_placed_is_met_and_the_case_has_arrived_once_it_is_lifted() -> None:
    past = (*DEPARTED, held("security"), landed(MOTHER), landed(FATHER))
    came = given(*past).when(ConfirmArrival(person_id=CHILD, arrived_at=LANDED_AT, known_by="met"), OFFICE, AFTER_LANDING)
    came.then(landed(CHILD), CaseArrived(arrived_at=LANDED_AT))
    assert (after(*past, *came.events).status, after(*past, *came.events).stretch) == ("on_hold", "arrived")
    agreed = (*past, *came.events, PlanAgreementNoted(plan_id=PLAN))
    given(*agreed).when(LIFT, COORDINATOR).then(lifted(), ReintegrationStarted(plan_id=PLAN, status="reintegrating"))


def test_of_a_case_that_was_held_before_grants_moved_it_they_are_seen_once_it_goes_on() -> None:
    noted = GrantStageNoted(grant_id=GRANT, stage="approved", status="on_hold")
    assert after(*REINTEGRATING, held(), noted).stretch == "reintegrating"
    assert after(*REINTEGRATING, held(), noted, lifted()).status == "grant_approved"


def test_a_case_that_is_being_closed_is_not_put_on_hold() -> None:
    closing = given(*REINTEGRATING, ClosingRequested(reason="completed"))
    closing.when(PutOnHold(hold_id=HOLD, reason="legal"), COORDINATOR).refused("being_closed")


def test_a_case_that_has_ended_is_not_put_on_hold() -> None:
    ended = given(*OPENED, CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=FAMILY))
    ended.when(PutOnHold(hold_id=HOLD, reason="legal"), COORDINATOR).refused("case_ended")
    ended.when(LIFT, PROTECTION).refused("case_ended")


def test_silence_while_we_held_the_case_makes_it_lapse_no_sooner() -> None:
    long_after = SIGNED_AT + timedelta(days=40)
    tries = (ContactTried(tried_at=long_after - timedelta(days=9)), ContactTried(tried_at=long_after - timedelta(days=2)))
    lapse = LapseCase(reason="no_contact")
    given(*DECLARED, *tries).when(lapse, COORDINATOR, long_after).then_kinds(CaseLapsed)
    given(*DECLARED, held(), lifted(), *tries).when(lapse, COORDINATOR, long_after).refused("too_early_to_lapse")
    assert given(*DECLARED, held(), lifted(), *tries).when(lapse, COORDINATOR, NOON + timedelta(days=30)).refusal is None


# Who is told why, besides protection, who is told everything, and whoever placed it.


@over(st.sampled_from(sorted(LIFTED_BY)), st.sampled_from(list(Role)), st.booleans())
def test_why_a_case_is_on_hold_is_told_to_whoever_may_lift_it_to_protection_and_to_who_placed_it(
    reason: HeldFor, role: Role, own: bool
) -> None:
    reader = staff("reader", role)
    hold = Hold(HOLD, NOON, reader.person_id if own else "staff:another", reason)
    (told,) = told_to((hold,), reader)
    if own or role == Role.PROTECTION or role in LIFTED_BY[reason] or reason == "transit":
        assert told == hold
    else:
        assert told == Hold(HOLD, NOON, None, None)


def test_a_hold_whose_reason_is_gone_is_for_protection() -> None:
    gone = after(*PREPARING, HoldPlaced(hold_id=HOLD, reason=Concealed(digest="x"), placed_by="staff:x", placed_at=NOON))
    (hold,) = gone.holds
    assert hold.reason is None
    assert [role for role in STAFF if may_lift(hold, {role})] == ["protection"]


def test_of_a_hold_that_was_lifted_the_row_does_not_say_any_more_why_it_was_placed() -> None:
    assert after(*PREPARING, held(), lifted()).holds == (Hold(HOLD, NOON, PROTECTION.person_id, None, NOON),)


@pytest.mark.parametrize("status", EVERYWHERE)
def test_from_outside_a_held_case_looks_like_any_other_that_has_come_as_far(status: Status) -> None:
    goes_on = after(*EVERYWHERE[status], held(), lifted())
    seen = {state_abroad(after(*EVERYWHERE[status], held(reason))) for reason in REASONS}
    assert seen == {state_abroad(goes_on)}
    if status in ("approved", "preparing", "ready_to_travel", "cleared_to_board"):
        assert seen == {"in_preparation"}


# The journey itself.

STOP = RecordTransitInterrupted(hold_id=HOLD, person_ids=FAMILY, interrupted_at=STOPPED_AT)


def test_an_interrupted_journey_holds_the_case_and_goes_on_when_the_hold_is_lifted() -> None:
    given(*DEPARTED).when(STOP, OPERATIONS, AFTER_LANDING).then(stopped(*FAMILY))
    case = after(*DEPARTED, stopped(*FAMILY))
    assert (case.status, case.stretch, state_abroad(case)) == ("on_hold", "departed", "departed")
    given(*DEPARTED, stopped(*FAMILY)).when(LIFT, OPERATIONS).then(lifted())
    assert after(*DEPARTED, stopped(*FAMILY), lifted()).status == "departed"


def test_an_arrival_ends_an_interruption() -> None:
    past = (*DEPARTED, stopped(CHILD), landed(MOTHER), landed(FATHER))
    came = given(*past).when(ConfirmArrival(person_id=CHILD, arrived_at=LANDED_AT, known_by="met"), OFFICE, AFTER_LANDING)
    came.then_kinds(PersonArrived, CaseArrived)
    assert after(*past, *came.events).status == "arrived"
    also_held = (*past, held("legal", OTHER_HOLD), *came.events)
    assert (after(*also_held).status, after(*also_held).stretch) == ("on_hold", "arrived")


def test_an_arrival_ends_the_interruption_of_whoever_left_first_also_while_others_wait_at_home() -> None:
    first = given(*CLEARED, left(MOTHER), left(CHILD), stopped(CHILD))
    came = first.when(ConfirmArrival(person_id=CHILD, arrived_at=LANDED_AT, known_by="met"), OFFICE, AFTER_LANDING)
    came.then(landed(CHILD))
    assert after(*first.past, landed(CHILD)).status == "preparing"
    # Whoever was not stopped ends no interruption of others, and no other hold is lifted by it.
    assert after(*first.past, landed(MOTHER)).status == "on_hold"
    assert after(*first.past, held("legal", OTHER_HOLD), landed(CHILD)).status == "on_hold"
    both = (*DEPARTED, stopped(MOTHER, CHILD), landed(CHILD))
    assert after(*both).status == "on_hold"
    assert after(*both, landed(MOTHER)).status == "departed"


def test_only_who_is_on_the_way_is_stopped_there() -> None:
    given(*CLEARED).when(STOP, OPERATIONS, AFTER_LANDING).refused("not_under_way")
    given(*DEPARTED, landed(CHILD)).when(STOP, OPERATIONS, AFTER_LANDING).refused("not_under_way")
    before = STOP.model_copy(update={"interrupted_at": BOARDED_AT - timedelta(seconds=1)})
    given(*DEPARTED).when(before, OPERATIONS, AFTER_LANDING).refused("interrupted_before_departure")
    given(*DEPARTED).when(STOP, OPERATIONS, NOON).refused("in_the_future")


def test_whoever_left_first_is_stopped_on_the_way_also_while_others_wait_at_home() -> None:
    stop = STOP.model_copy(update={"person_ids": (CHILD,)})
    given(*CLEARED, left(CHILD)).when(stop, OPERATIONS, AFTER_LANDING).then(stopped(CHILD))
    case = after(*CLEARED, left(CHILD), stopped(CHILD))
    assert (case.status, case.stretch) == ("on_hold", "preparing")
    given(*CLEARED, left(CHILD)).when(STOP, OPERATIONS, AFTER_LANDING).refused("not_under_way")
    arrived = (*DEPARTED, landed(CHILD), landed(MOTHER), landed(FATHER))
    given(*arrived).when(STOP, OPERATIONS, AFTER_LANDING).refused("not_under_way")


def test_an_interruption_is_recorded_once_and_also_on_a_case_that_is_held() -> None:
    given(*DEPARTED, stopped(*FAMILY)).when(STOP, OPERATIONS, AFTER_LANDING).then()
    given(*DEPARTED, held("legal", OTHER_HOLD)).when(STOP, OPERATIONS, AFTER_LANDING).then(stopped(*FAMILY))


def test_a_hold_lifted_after_everybody_had_left_one_by_one_leads_on() -> None:
    past = (*CLEARED, held(), left(MOTHER, cleared=False), left(CHILD, cleared=False))
    withdrew = given(*past).when(WithdrawPerson(person_id=FATHER), COUNSELLOR)
    called = left_uncleared(CHILD, BOARDED_AT)
    withdrew.then(PersonWithdrew(person_id=FATHER), called, CaseDeparted(departed_at=BOARDED_AT))
    assert after(*past, *withdrew.events, lifted()).status == "departed"


def test_after_a_hold_the_gate_is_passed_anew() -> None:
    went_on = (*CLEARED, held(), lifted())
    given(*went_on).when(ClearToBoard(), OPERATIONS).refused("wrong_status")
    given(*went_on).when(MarkReadyToTravel(), OPERATIONS).then_kinds(type(READY[-1]))


def test_departures_are_told_as_uncleared_to_protection_for_each_person() -> None:
    went = given(*READY, held()).when(RecordDeparture(person_ids=(MOTHER,), departed_at=BOARDED_AT), OPERATIONS, A_MONTH_LATER)
    went.then(
        PersonDeparted(person_id=MOTHER, departed_at=BOARDED_AT, cleared=False), left_uncleared(MOTHER, BOARDED_AT)
    )
    called = left_uncleared(MOTHER, BOARDED_AT).record_id
    assert after(*READY, held(), *went.events).screening_of(MOTHER).alerts == (Alert(called, BOARDED_AT, ("left_uncleared",)),)
