"""What was recorded wrongly of a journey: one person says so, another one decides, and what follows is undone."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import get_args
from uuid import UUID

import pytest

from services.returns.domain.case_corrections import (
    AskForCorrection,
    CorrectArrival,
    CorrectDeparture,
    RejectCorrection,
)
from services.returns.domain.case_journey import ConfirmArrival, RecordDeparture, RecordNotDeparted
from services.returns.domain.case_reintegration import RequestClosing
from services.returns.domain.case_state import TERMINAL, Case, CaseFacts
from services.returns.domain.case_times import SILENCE_AFTER_LANDING
from services.returns.domain.case_withdrawal import WithdrawCase, WithdrawPerson
from services.returns.domain.gate import gate
from services.returns.domain.screening import Fear
from services.returns.domain.screening_facts import left_uncleared
from services.returns.domain.screening_lines import is_settled
from services.returns.domain.window import state_abroad
from shared.actors import Actor
from shared.contracts.corrections import (
    ArrivalCorrected,
    Correctable,
    CorrectionAsked,
    CorrectionRejected,
    DepartureCorrected,
)
from shared.contracts.returns import (
    CaseArrived,
    CaseClosed,
    CaseDeclaredIneligible,
    CaseDeparted,
    CaseNotDeparted,
    CaseWithdrawn,
    ClearanceLost,
    ClosingRefused,
    ClosingRequested,
    GrantStage,
    GrantStageNoted,
    PersonArrived,
    PersonWithdrew,
    PlanAgreementNoted,
    ReintegrationStarted,
)
from shared.messages import Command, Concealed, Event
from tests.given import NOON, Given
from tests.unit.returns.examples import (
    A_MONTH_LATER,
    AFTER_LANDING,
    APPLIED,
    ARRIVED,
    ARRIVES_AT,
    BEST,
    BOARDED_AT,
    BOOKED,
    CHILD,
    CLEARED,
    COORDINATOR,
    COUNSELLOR,
    DEPARTED,
    DEPARTS_AT,
    DOCUMENTED,
    EVERYTHING_KNOWN,
    FAMILY,
    FATHER,
    GRANT,
    LANDED_AT,
    MOTHER,
    OFFICE,
    OPERATIONS,
    PLAN,
    READY,
    RECEPTION,
    SCREENED_AT,
    after,
    answered,
    booked,
    covered,
    given,
    knowing,
    landed,
    left,
    lost,
    opened,
    signed,
    told,
    without_a_parent,
)

SAID_AT = BOARDED_AT - timedelta(hours=1)
# For a child that is without one of its parents.
CALLED = left_uncleared(CHILD, BOARDED_AT)


def question(person_id: UUID, of: Correctable = "departure", withdrew_at: datetime | None = None) -> CorrectionAsked:
    return CorrectionAsked(
        person_id=person_id, of=of, asked_by=OPERATIONS.person_id, asked_at=AFTER_LANDING, withdrew_at=withdrew_at
    )


def not_left(person_id: UUID) -> DepartureCorrected:
    return DepartureCorrected(person_id=person_id, corrected_by=COORDINATOR.person_id, corrected_at=AFTER_LANDING)


def not_there(person_id: UUID) -> ArrivalCorrected:
    return ArrivalCorrected(person_id=person_id, corrected_by=COORDINATOR.person_id, corrected_at=AFTER_LANDING)


def withdrawn(*person_ids: UUID) -> CaseWithdrawn:
    return CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=person_ids)


# One says so.


def test_a_withdrawal_from_before_boarding_that_comes_later_asks_for_a_correction() -> None:
    one = given(*DEPARTED).when(WithdrawPerson(person_id=FATHER, withdrawn_at=SAID_AT), OPERATIONS, AFTER_LANDING)
    one.then(question(FATHER, withdrew_at=SAID_AT))
    everybody = given(*DEPARTED).when(WithdrawCase(withdrawn_at=SAID_AT), OPERATIONS, AFTER_LANDING)
    everybody.then(*(question(one, withdrew_at=SAID_AT) for one in FAMILY))
    given(*DEPARTED, *everybody.events).when(WithdrawCase(withdrawn_at=SAID_AT), OPERATIONS, AFTER_LANDING).then()
    assert after(*DEPARTED, *everybody.events).status == "departed"


@pytest.mark.parametrize("said_at", [None, BOARDED_AT, AFTER_LANDING])
def test_nobody_withdraws_from_a_journey_that_was_made_whatever_day_they_say(said_at: datetime | None) -> None:
    for order in (WithdrawCase(withdrawn_at=said_at), WithdrawPerson(person_id=MOTHER, withdrawn_at=said_at)):
        given(*DEPARTED).when(order, COUNSELLOR, AFTER_LANDING).refused("departed_already")


def test_whoever_was_met_abroad_has_left_whatever_they_said_before() -> None:
    order = WithdrawPerson(person_id=MOTHER, withdrawn_at=SAID_AT)
    for past in ((*DEPARTED, landed(MOTHER)), ARRIVED):
        given(*past).when(order, COUNSELLOR, AFTER_LANDING).refused("departed_already")
    asked = given(*DEPARTED, question(MOTHER))
    met = asked.when(ConfirmArrival(person_id=MOTHER, arrived_at=LANDED_AT, known_by="met"), OFFICE, AFTER_LANDING)
    mother = after(*asked.past, *met.events).person(MOTHER)
    assert mother is not None and mother.correction is None


def test_of_a_journey_that_was_not_made_nothing_is_asked_any_more() -> None:
    case = after(*DEPARTED, question(MOTHER), CaseNotDeparted(person_ids=FAMILY))
    assert [(person.travel, person.correction) for person in case.persons] == [("expected", None)] * len(FAMILY)


def test_a_withdrawal_cannot_lie_ahead() -> None:
    later = AFTER_LANDING + timedelta(seconds=1)
    given(*DEPARTED).when(WithdrawCase(withdrawn_at=later), COUNSELLOR, AFTER_LANDING).refused("in_the_future")


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=400)])
def test_a_time_that_lies_ahead_stops_nobody_who_has_not_left(ahead: timedelta) -> None:
    one, everybody = WithdrawPerson(person_id=FATHER, withdrawn_at=NOON + ahead), WithdrawCase(withdrawn_at=NOON + ahead)
    given(*APPLIED).when(one, COUNSELLOR).then(PersonWithdrew(person_id=FATHER))
    given(*APPLIED).when(everybody, COUNSELLOR).then(withdrawn(*FAMILY))
    partly = given(*CLEARED, left(MOTHER), left(CHILD))
    stays = (PersonWithdrew(person_id=FATHER), CALLED, CaseDeparted(departed_at=BOARDED_AT))
    for order in (one, everybody):
        later = order.model_copy(update={"withdrawn_at": AFTER_LANDING + ahead})
        partly.when(later, COUNSELLOR, AFTER_LANDING).then(*stays)


def test_when_some_have_left_whoever_has_not_withdraws_at_once_and_the_others_are_asked_about() -> None:
    partly = given(*CLEARED, left(MOTHER), left(CHILD))
    withdrew = partly.when(WithdrawCase(withdrawn_at=SAID_AT), OPERATIONS, AFTER_LANDING)
    withdrew.then(
        question(MOTHER, withdrew_at=SAID_AT), question(CHILD, withdrew_at=SAID_AT), PersonWithdrew(person_id=FATHER), CALLED,
        CaseDeparted(departed_at=BOARDED_AT),
    )  # fmt: skip


def test_of_what_is_not_recorded_nothing_is_wrong() -> None:
    ask = AskForCorrection(person_id=MOTHER, of="departure")
    given(*CLEARED).when(ask, OPERATIONS).refused("nothing_to_correct")
    given(*CLEARED, left(FATHER)).when(ask, OPERATIONS, AFTER_LANDING).refused("nothing_to_correct")
    given(*DEPARTED).when(ask.model_copy(update={"of": "arrival"}), OPERATIONS, AFTER_LANDING).refused("nothing_to_correct")
    given(*DEPARTED, landed(MOTHER)).when(ask, OPERATIONS, AFTER_LANDING).refused("arrival_recorded")
    given(*DEPARTED).when(ask, OPERATIONS, AFTER_LANDING).then(question(MOTHER))


def test_whatever_is_said_of_those_who_left_the_others_are_not_cleared_without_their_consent() -> None:
    partly, doubted = given(*CLEARED, left(FATHER)), given(*CLEARED, left(FATHER), question(FATHER))
    facts = replace(knowing(MOTHER, data_consent=False), followers_caught_up_at=AFTER_LANDING)
    taken = lost("data_consent_missing")
    said: tuple[tuple[Given[Case, CaseFacts], Command, Actor], ...] = (
        (partly, AskForCorrection(person_id=FATHER, of="departure"), OPERATIONS),
        (partly, WithdrawPerson(person_id=FATHER, withdrawn_at=SAID_AT), OPERATIONS),
        (doubted, RejectCorrection(person_id=FATHER), COORDINATOR),
    )
    for past, order, by in said:
        done = past.knowing(facts).when(order, by, AFTER_LANDING)
        assert done.events[-1:] == (taken,), (type(order).__name__, done.refusal)


def test_a_withdrawal_is_heard_where_it_was_asked_already_without_a_reason() -> None:
    asked = given(*DEPARTED, question(FATHER))
    withdraws = WithdrawPerson(person_id=FATHER, withdrawn_at=SAID_AT)
    says = asked.when(withdraws, COUNSELLOR, AFTER_LANDING)
    said = question(FATHER, withdrew_at=SAID_AT).model_copy(update={"asked_by": COUNSELLOR.person_id})
    says.then(said)
    asked.when(WithdrawCase(withdrawn_at=SAID_AT), COUNSELLOR, AFTER_LANDING).then(
        *(said.model_copy(update={"person_id": one}) for one in FAMILY)
    )
    once = given(*asked.past, *says.events)
    once.when(withdraws, COUNSELLOR, AFTER_LANDING).then()
    once.when(AskForCorrection(person_id=FATHER, of="departure"), OPERATIONS, AFTER_LANDING).then()
    once.when(CorrectDeparture(person_id=FATHER), COUNSELLOR, AFTER_LANDING).refused("four_eyes")
    decided = once.when(CorrectDeparture(person_id=FATHER), COORDINATOR, AFTER_LANDING)
    decided.then(not_left(FATHER), CALLED, PersonWithdrew(person_id=FATHER), CaseDeparted(departed_at=BOARDED_AT))


# Another decides.


@pytest.mark.parametrize("of", ["departure", "arrival"])
def test_it_takes_two_and_never_the_same(of: Correctable) -> None:
    past = given(*(DEPARTED if of == "departure" else ARRIVED), question(MOTHER, of))
    decide = CorrectDeparture(person_id=MOTHER) if of == "departure" else CorrectArrival(person_id=MOTHER)
    for order in (decide, RejectCorrection(person_id=MOTHER)):
        past.when(order, OPERATIONS, AFTER_LANDING).refused("four_eyes")
        assert past.when(order, COORDINATOR, AFTER_LANDING).refusal is None
    # Another question, which somebody else asked, does not make it their own.
    also = given(*past.past, question(FATHER, of).model_copy(update={"asked_by": COORDINATOR.person_id}))
    also.when(decide, OPERATIONS, AFTER_LANDING).refused("four_eyes")


def test_nobody_decides_what_nobody_asked() -> None:
    for order in (CorrectDeparture(person_id=MOTHER), RejectCorrection(person_id=MOTHER), CorrectArrival(person_id=MOTHER)):
        given(*DEPARTED).when(order, COORDINATOR, AFTER_LANDING).refused("no_correction_asked")
        given(*DEPARTED, question(FATHER)).when(order, COORDINATOR, AFTER_LANDING).refused("no_correction_asked")
    given(*DEPARTED, question(MOTHER)).when(CorrectArrival(person_id=MOTHER), COORDINATOR).refused("no_correction_asked")


def test_a_record_that_is_right_stands() -> None:
    asked = given(*DEPARTED, question(MOTHER))
    asked.when(RejectCorrection(person_id=MOTHER), COORDINATOR, AFTER_LANDING).then(
        CorrectionRejected(person_id=MOTHER, of="departure", rejected_by=COORDINATOR.person_id)
    )
    rejected = CorrectionRejected(person_id=MOTHER, of="departure", rejected_by=COORDINATOR.person_id)
    assert after(*asked.past, rejected) == after(*DEPARTED)


# Whoever did not leave.


def test_whoever_had_withdrawn_did_not_leave_and_the_others_go_on() -> None:
    asked = given(*DEPARTED, question(FATHER, withdrew_at=SAID_AT))
    decided = asked.when(CorrectDeparture(person_id=FATHER), COORDINATOR, AFTER_LANDING)
    decided.then(not_left(FATHER), CALLED, PersonWithdrew(person_id=FATHER), CaseDeparted(departed_at=BOARDED_AT))
    case = after(*asked.past, *decided.events)
    father = case.person(FATHER)
    assert father is not None
    assert (father.travel, father.departed_at, father.expected_at, father.correction) == ("withdrawn", None, None, None)
    assert (case.status, [one.person_id for one in case.gone]) == ("departed", [MOTHER, CHILD])


def test_with_the_last_of_them_the_case_is_withdrawn() -> None:
    asked = given(*DEPARTED, *(question(one, withdrew_at=SAID_AT) for one in FAMILY))
    told: tuple[Event, ...] = ()
    for person_id in FAMILY:
        told += given(*asked.past, *told).when(CorrectDeparture(person_id=person_id), COORDINATOR, AFTER_LANDING).events
    assert told[-2:] == (not_left(CHILD), withdrawn(CHILD))
    case = after(*asked.past, *told)
    assert (case.status, case.departed_at, case.gone, state_abroad(case)) == ("withdrawn", None, (), "not_coming")


def test_whoever_did_not_leave_and_wishes_to_is_prepared_anew() -> None:
    asked = given(*DEPARTED, question(FATHER))
    decided = asked.when(CorrectDeparture(person_id=FATHER), COORDINATOR, AFTER_LANDING)
    decided.then(not_left(FATHER), CALLED)
    case = after(*asked.past, *decided.events)
    assert (case.status, case.booked_person_ids, case.departed_at, case.cleared_at) == ("preparing", (), None, None)
    assert [one.person_id for one in case.travelling] == [FATHER]
    assert case.arrival_due_at is not None
    stays = given(*asked.past, *decided.events).when(WithdrawPerson(person_id=FATHER), COUNSELLOR, AFTER_LANDING)
    stays.then(PersonWithdrew(person_id=FATHER), CaseDeparted(departed_at=BOARDED_AT))


def test_a_child_recorded_as_gone_alone_waits_again_with_the_others_who_are_cleared_anew() -> None:
    asked = given(*CLEARED, left(CHILD), question(CHILD))
    decided = asked.when(CorrectDeparture(person_id=CHILD), COORDINATOR, AFTER_LANDING)
    decided.then_kinds(DepartureCorrected, ClearanceLost)
    assert after(*asked.past, *decided.events).status == "preparing"


def test_who_withdrew_earlier_and_was_taken_for_gone_has_withdrawn() -> None:
    behind = (*CLEARED, PersonWithdrew(person_id=FATHER), left(MOTHER), left(CHILD), left(FATHER, cleared=False))
    asked = given(*behind, CaseDeparted(departed_at=BOARDED_AT), question(FATHER))
    asked.when(CorrectDeparture(person_id=FATHER), COORDINATOR, AFTER_LANDING).then(not_left(FATHER), CALLED)
    case = after(*asked.past, not_left(FATHER))
    assert (case.status, len(case.gone), case.travelling) == ("departed", 2, ())
    ended = given(*CLEARED, withdrawn(*FAMILY), left(MOTHER, cleared=False), question(MOTHER))
    ended.when(CorrectDeparture(person_id=MOTHER), COORDINATOR, AFTER_LANDING).then(not_left(MOTHER))
    case = after(*ended.past, not_left(MOTHER))
    assert (case.status, [one.travel for one in case.persons]) == ("withdrawn", ["withdrawn"] * 3)


def test_an_end_stays_an_end() -> None:
    refused = CaseDeclaredIneligible(reason=Concealed.of("not_entitled"), person_ids=FAMILY)
    asked = given(*APPLIED, refused, left(CHILD, cleared=False), question(CHILD, withdrew_at=SAID_AT))
    asked.when(CorrectDeparture(person_id=CHILD), COORDINATOR, AFTER_LANDING).then(not_left(CHILD))
    case = after(*asked.past, not_left(CHILD))
    assert case.status == "ineligible" and case.status in TERMINAL
    assert (case.gone, case.arrival_due_at) == ((), None)


def test_a_child_that_is_under_way_alone_once_its_adults_did_not_leave_is_for_protection() -> None:
    unknown = opened(covered(MOTHER, "adult"), covered(FATHER, "adult"), covered(CHILD, "child"))
    cleared = (unknown, *CLEARED[1:-1], without_a_parent(), CLEARED[-1])
    asked = given(*cleared, *DEPARTED[len(CLEARED):], question(MOTHER), question(FATHER))
    # An adult is with it still, and it is settled by what it goes with him.
    one = asked.when(CorrectDeparture(person_id=MOTHER), COORDINATOR, AFTER_LANDING)
    one.then(not_left(MOTHER))
    both = given(*asked.past, *one.events).when(CorrectDeparture(person_id=FATHER), COORDINATOR, AFTER_LANDING)
    both.then(not_left(FATHER), left_uncleared(CHILD, BOARDED_AT))
    case = after(*asked.past, *one.events, *both.events)
    assert (case.status, case.protection_since) == ("preparing", BOARDED_AT)
    assert [alert.causes for alert in case.screening_of(CHILD).alerts] == [("left_uncleared",)]
    assert case.screening_of(CHILD).voluntariness is not None
    # Whoever was called already is not called twice.
    known = given(*asked.past, left_uncleared(CHILD, BOARDED_AT), *one.events)
    known.when(CorrectDeparture(person_id=FATHER), COORDINATOR, AFTER_LANDING).then(not_left(FATHER))


def test_that_somebody_left_without_clearance_is_no_call_for_protection_once_they_did_not_leave() -> None:
    gone = (*READY, left(MOTHER, cleared=False), left_uncleared(MOTHER, BOARDED_AT), question(MOTHER))
    assert after(*gone).protection_since == BOARDED_AT
    assert after(*gone, not_left(MOTHER)).protection_since is None
    # What else protection was called for about them stays.
    afraid = told(MOTHER, Fear(SCREENED_AT, fears_return=True), "fears_return")
    other = after(*READY, afraid, *gone[len(READY):], not_left(MOTHER)).screening_of(MOTHER)
    assert [alert.causes for alert in other.alerts] == [("fears_return",)]


def test_what_somebody_who_had_withdrawn_answered_and_signed_as_if_they_went_goes_with_them() -> None:
    again = (
        left(MOTHER, NOON, cleared=False), told(CHILD, answered(CHILD, answered_by=MOTHER)), told(CHILD, BEST),
        signed(CHILD, MOTHER),
    )  # fmt: skip
    asked = after(*BOOKED, PersonWithdrew(person_id=MOTHER), *again, question(MOTHER))
    assert is_settled(asked, "approved")
    case = after(*BOOKED, PersonWithdrew(person_id=MOTHER), *again, question(MOTHER), not_left(MOTHER))
    mother, child = case.person(MOTHER), case.person(CHILD)
    assert mother is not None and child is not None
    assert (mother.travel, child.declared_by, case.screening_of(CHILD).voluntariness) == ("withdrawn", None, None)
    assert not is_settled(case, "approved")
    assert case.principal_id == FATHER


def test_what_is_booked_for_those_under_way_stays_while_whoever_did_not_leave_is_booked_anew() -> None:
    flies = booked(*FAMILY, assistance=("wheelchair",), helped=FATHER).model_copy(update={"flight": "TK 1024", "needs": ("transport",)})
    gone = (*DOCUMENTED, flies, RECEPTION, *DEPARTED[len(BOOKED):])
    before, case = after(*gone), after(*gone, question(FATHER), not_left(FATHER))
    assert before.flight is not None
    for field in ("departs_at", "arrives_at", "flight", "needs", "booked_at", "reception_arranged_at"):
        assert getattr(case, field) == getattr(before, field), field
    father, mother = case.person(FATHER), case.person(MOTHER)
    assert father is not None and mother is not None
    assert (father.assistance, father.has("exit_formalities")) == ((), None)
    assert mother.has("exit_formalities") is not None
    # No seat is left for whoever stayed, so nothing is ready until there is one.
    assert {"booking_missing", "exit_formalities_missing"} <= {
        line.code for line in gate(case, EVERYTHING_KNOWN, NOON, boarding=False) if not line.met
    }
    # Once nobody is under way, nothing is booked.
    nobody = after(*gone, *(fact for one in FAMILY for fact in (question(one), not_left(one))))
    assert (nobody.status, nobody.booking, nobody.reception_arranged_at) == ("preparing", None, None)


# The father had withdrawn; the others are there, and while their case is being closed he is said to have left after them.
LATE = (
    *CLEARED, PersonWithdrew(person_id=FATHER), left(MOTHER), left(CHILD), CaseDeparted(departed_at=BOARDED_AT), landed(MOTHER),
    landed(CHILD), CaseArrived(arrived_at=LANDED_AT), ClosingRequested(reason="completed"),
    left(FATHER, AFTER_LANDING, cleared=False),
)  # fmt: skip
CLOSED = (*LATE, CaseClosed(reason="completed", person_ids=FAMILY))


@pytest.mark.parametrize("past", [LATE, CLOSED, (*LATE, ClosingRefused())], ids=["being closed", "closed", "open again"])
def test_a_departure_is_corrected_also_while_the_case_is_being_closed_and_after_that(past: tuple[Event, ...]) -> None:
    case = given(*past)
    case.when(AskForCorrection(person_id=FATHER, of="departure"), OPERATIONS, AFTER_LANDING).then(question(FATHER))
    asked = case.given(question(FATHER))
    asked.when(RejectCorrection(person_id=FATHER), COORDINATOR, AFTER_LANDING).then_kinds(CorrectionRejected)
    corrected = asked.when(CorrectDeparture(person_id=FATHER), COORDINATOR, AFTER_LANDING)
    corrected.then(not_left(FATHER))
    before, then = after(*past), after(*asked.past, *corrected.events)
    father = then.person(FATHER)
    assert father is not None
    assert (father.travel, father.departed_at, then.under_way, then.arrival_due_at) == ("withdrawn", None, (), None)
    assert (then.status, then.departed_at, then.arrived_at) == (before.status, BOARDED_AT, LANDED_AT)


def test_it_is_decided_after_the_case_was_closed_what_was_asked_while_it_was_being_closed() -> None:
    asked = given(*LATE, question(FATHER), CLOSED[-1])
    asked.when(CorrectDeparture(person_id=FATHER), COORDINATOR, AFTER_LANDING).then(not_left(FATHER))


def test_a_departure_that_was_taken_back_wrongly_in_a_closed_case_is_recorded_again() -> None:
    corrected = given(*CLOSED, question(FATHER), not_left(FATHER))
    again = corrected.when(RecordDeparture(person_ids=(FATHER,), departed_at=AFTER_LANDING), OPERATIONS, AFTER_LANDING)
    again.then(left(FATHER, AFTER_LANDING, cleared=False), left_uncleared(FATHER, AFTER_LANDING))
    case = after(*corrected.past, *again.events)
    assert (case.status, [one.person_id for one in case.under_way]) == ("closed", [FATHER])
    # Of whoever left before it was closed nothing is added, nor of everybody once they are all gone.
    for past, named in ((corrected, (MOTHER,)), (corrected, (FATHER, MOTHER)), (given(*CLOSED), (FATHER,))):
        past.when(RecordDeparture(person_ids=named, departed_at=BOARDED_AT), OPERATIONS, AFTER_LANDING).refused("case_ended")


def test_of_a_closed_case_nothing_else_is_corrected() -> None:
    case = given(*CLOSED)
    case.when(AskForCorrection(person_id=MOTHER, of="arrival"), OPERATIONS, AFTER_LANDING).refused("case_ended")
    case.when(AskForCorrection(person_id=MOTHER, of="departure"), OPERATIONS, AFTER_LANDING).refused("arrival_recorded")
    met = case.given(landed(FATHER, A_MONTH_LATER))
    met.when(AskForCorrection(person_id=FATHER, of="departure"), OPERATIONS, A_MONTH_LATER).refused("case_ended")


# Whoever has not arrived.


def test_whoever_has_not_arrived_is_awaited_and_missed_again() -> None:
    asked = given(*ARRIVED, question(MOTHER, "arrival"))
    asked.when(CorrectArrival(person_id=MOTHER), COORDINATOR, AFTER_LANDING).then(not_there(MOTHER))
    case = after(*asked.past, not_there(MOTHER))
    assert (case.status, case.arrived_at, state_abroad(case)) == ("departed", None, "departed")
    assert case.arrival_due_at == BOARDED_AT + (ARRIVES_AT - DEPARTS_AT) + SILENCE_AFTER_LANDING
    there = given(*asked.past, not_there(MOTHER)).when(
        ConfirmArrival(person_id=MOTHER, arrived_at=AFTER_LANDING, known_by="call"), OFFICE, AFTER_LANDING
    )
    assert isinstance(there.events[0], PersonArrived)
    assert after(*asked.past, not_there(MOTHER), *there.events).status == "arrived"


def test_once_support_has_begun_an_arrival_is_not_taken_back_here() -> None:
    begun = (*ARRIVED, ReintegrationStarted(plan_id=PLAN, status="reintegrating"))
    ask = AskForCorrection(person_id=MOTHER, of="arrival")
    given(*begun).when(ask, OPERATIONS, AFTER_LANDING).refused("support_began")
    late = given(*ARRIVED, question(MOTHER, "arrival"), begun[-1])
    late.when(CorrectArrival(person_id=MOTHER), COORDINATOR, AFTER_LANDING).refused("support_began")
    late.when(RejectCorrection(person_id=MOTHER), COORDINATOR, AFTER_LANDING).then_kinds(CorrectionRejected)


@pytest.mark.parametrize(
    "promised",
    [PlanAgreementNoted(plan_id=PLAN), *(GrantStageNoted(grant_id=GRANT, stage=one, status="departed") for one in get_args(GrantStage))],
)
def test_an_arrival_on_which_something_was_promised_is_not_taken_back_though_others_are_awaited(promised: Event) -> None:
    there = (*DEPARTED, landed(MOTHER))
    ask = AskForCorrection(person_id=MOTHER, of="arrival")
    assert given(*there).when(ask, OPERATIONS, AFTER_LANDING).refusal is None
    given(*there, promised).when(ask, OPERATIONS, AFTER_LANDING).refused("support_began")
    late = given(*there, question(MOTHER, "arrival"), promised)
    late.when(CorrectArrival(person_id=MOTHER), COORDINATOR, AFTER_LANDING).refused("support_began")


# What waits for it.


def test_nothing_is_settled_for_good_while_it_is_asked_whether_it_is_true() -> None:
    given(*ARRIVED, question(MOTHER, "arrival")).when(RequestClosing(reason="completed"), COORDINATOR).refused("correction_open")
    given(*DEPARTED, question(MOTHER)).when(RecordNotDeparted(), COORDINATOR, A_MONTH_LATER).refused("correction_open")
