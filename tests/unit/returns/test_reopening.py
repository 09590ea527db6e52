"""A closed case is taken up again within a year of the arrival, and can be closed again later."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.returns.domain.case_reintegration import RecordCaseSealed, RecordGrantStage, RequestClosing
from services.returns.domain.case_reopening import (
    RecordAttemptGoesOn,
    RecordAttemptStaysEnded,
    ReopenCase,
    a_year_after,
)
from services.returns.domain.case_state import Status
from shared.contracts.reopening import ReopeningRefused, ReopeningRequested
from shared.contracts.returns import (
    CaseClosed,
    CaseReopened,
    CaseWithdrawn,
    ClosingRequested,
    GrantStage,
    GrantStageNoted,
    PersonArrived,
    PersonDeparted,
    PersonWithdrew,
    ReintegrationStarted,
)
from shared.messages import Concealed, Event
from tests.unit.returns.examples import (
    ARRIVED,
    COORDINATOR,
    EVERYTHING_KNOWN,
    FAMILY,
    GRANT,
    LANDED_AT,
    OPENED,
    PLAN,
    REACTION,
    REPORT,
    after,
    given,
)

CLOSED = (*ARRIVED, ClosingRequested(reason="lost_contact"), CaseClosed(reason="lost_contact", person_ids=FAMILY))
REOPEN = ReopenCase(reason="contact_regained")
ASKED = ReopeningRequested(reason="contact_regained", person_ids=FAMILY)
REOPENED = CaseReopened(reason="contact_regained", person_ids=FAMILY)
LAST_DAY = datetime(LANDED_AT.year + 1, LANDED_AT.month, LANDED_AT.day, LANDED_AT.hour, LANDED_AT.minute, tzinfo=UTC)


def test_a_closed_case_is_taken_up_again_once_counselling_says_that_its_attempt_goes_on() -> None:
    at = LANDED_AT + timedelta(days=200)
    given(*CLOSED).when(REOPEN, COORDINATOR, at).then(ASKED)
    asked = given(*CLOSED, ASKED)
    assert after(*asked.past).status == "closed"
    asked.when(REOPEN, COORDINATOR, at).then()
    asked.when(RecordAttemptGoesOn(person_ids=FAMILY), REACTION).then(REOPENED)
    case = after(*CLOSED, ASKED, REOPENED)
    assert (case.status, case.closure_reason, case.reopening_reason) == ("reintegrating", None, None)


def test_where_counselling_says_no_it_stays_closed_and_can_be_asked_for_again() -> None:
    refused = given(*CLOSED, ASKED).when(RecordAttemptStaysEnded(), REACTION)
    refused.then(ReopeningRefused())
    case = after(*CLOSED, ASKED, *refused.events)
    assert (case.status, case.reopening_reason) == ("closed", None)
    given(*CLOSED, ASKED, *refused.events).when(REOPEN, COORDINATOR, LANDED_AT).then(ASKED)


@pytest.mark.parametrize("past", [OPENED, CLOSED, (*CLOSED, ASKED, REOPENED)], ids=["intention", "not asked", "reopened"])
def test_an_answer_that_nobody_waits_for_changes_nothing(past: tuple[Event, ...]) -> None:
    for answer in (RecordAttemptGoesOn(person_ids=FAMILY), RecordAttemptStaysEnded()):
        given(*past).when(answer, REACTION).then()
        given().when(answer, REACTION).then()


def test_for_some_of_those_who_go_on_a_case_does_not() -> None:
    given(*CLOSED, ASKED).when(RecordAttemptGoesOn(person_ids=FAMILY[1:]), REACTION).then()


def test_a_case_whose_grants_have_ended_goes_on_where_they_left_it() -> None:
    stages: tuple[tuple[GrantStage, Status], ...] = (("disbursed", "grant_disbursed"), ("ended", "monitoring"))
    for stage, status in stages:
        plan = ReintegrationStarted(plan_id=PLAN, status="reintegrating")
        noted = GrantStageNoted(grant_id=GRANT, stage=stage, status=status)
        assert after(*ARRIVED, plan, noted, *CLOSED[len(ARRIVED):], REOPENED).status == status


def test_it_follows_its_grants_and_is_closed_again_later() -> None:
    requested = given(*CLOSED, REOPENED).when(RecordGrantStage(grant_id=GRANT, stage="approved"), REACTION)
    requested.then(GrantStageNoted(grant_id=GRANT, stage="approved", status="grant_approved"))
    # The report that it was closed with before is not about what came since.
    before = (*CLOSED[:-2], REPORT, *CLOSED[-2:], REOPENED)
    given(*before).when(RequestClosing(reason="completed"), COORDINATOR).refused("final_report_missing")
    asked = given(*before, REPORT).when(RequestClosing(reason="completed"), COORDINATOR)
    asked.then(ClosingRequested(reason="completed"))
    given(*before, REPORT, *asked.events).when(RecordCaseSealed(), REACTION).then(
        CaseClosed(reason="completed", person_ids=FAMILY)
    )


def test_only_within_twelve_months_of_the_arrival() -> None:
    given(*CLOSED).when(REOPEN, COORDINATOR, LAST_DAY - timedelta(seconds=1)).then(ASKED)
    given(*CLOSED).when(REOPEN, COORDINATOR, LAST_DAY).refused("too_late_to_reopen")


def test_a_year_after_the_day_that_comes_every_four_years_is_the_day_after_it() -> None:
    assert a_year_after(datetime(2024, 2, 29, 8, tzinfo=UTC)) == datetime(2025, 3, 1, 8, tzinfo=UTC)
    assert a_year_after(datetime(2024, 2, 28, 8, tzinfo=UTC)) == datetime(2025, 2, 28, 8, tzinfo=UTC)


@pytest.mark.parametrize("past", [OPENED, ARRIVED], ids=["intention", "arrived"])
def test_a_case_that_is_not_closed_is_not_taken_up_again(past: tuple[Event, ...]) -> None:
    given(*past).when(REOPEN, COORDINATOR).refused("not_closed")


def test_no_other_ending_is_ever_taken_back() -> None:
    withdrawn = CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=FAMILY)
    given(*OPENED, withdrawn).when(REOPEN, COORDINATOR).refused("case_ended")


def test_nobody_goes_on_in_two_cases_and_nobody_who_was_erased() -> None:
    elsewhere = replace(EVERYTHING_KNOWN, in_another_case=True)
    given(*CLOSED).knowing(elsewhere).when(REOPEN, COORDINATOR, LANDED_AT).refused("attempt_already_active")
    erased = replace(EVERYTHING_KNOWN, anybody_erased=True)
    given(*CLOSED).knowing(erased).when(REOPEN, COORDINATOR, LANDED_AT).refused("person_erased")


def test_whoever_stayed_behind_does_not_go_on() -> None:
    alone = (*ARRIVED, ClosingRequested(reason="completed"), CaseClosed(reason="completed", person_ids=FAMILY[1:]))
    stayed = (alone[0], PersonWithdrew(person_id=FAMILY[0]), *(event for event in alone[1:] if not _of_who_stayed(event)))
    asked = ReopeningRequested(reason="contact_regained", person_ids=FAMILY[1:])
    given(*stayed).when(REOPEN, COORDINATOR, LANDED_AT).then(asked)
    reopened = CaseReopened(reason="contact_regained", person_ids=FAMILY[1:])
    given(*stayed, asked).when(RecordAttemptGoesOn(person_ids=FAMILY[1:]), REACTION).then(reopened)


def _of_who_stayed(event: Event) -> bool:
    return isinstance(event, PersonDeparted | PersonArrived) and event.person_id == FAMILY[0]
