"""The final report: when it is written, by whom it is read, and that it is of one piece."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from services.returns.domain.case_final_report import WriteFinalReport
from services.returns.domain.final_report import Findings, report_seen_by, written
from shared.contracts.returns import (
    CaseClosed,
    CaseReopened,
    CaseWithdrawn,
    ClosingRequested,
    HoldPlaced,
    ReintegrationStarted,
)
from shared.messages import Concealed, Event
from tests.given import NOON
from tests.unit.returns.examples import (
    AFTER_LANDING,
    ARRIVED,
    BOOKED,
    COORDINATOR,
    COUNSELLOR,
    DEPARTED,
    FAMILY,
    OFFICE,
    OPENED,
    OPERATIONS,
    PLAN,
    PROTECTION,
    REPORT,
    after,
    given,
    ref,
)

REINTEGRATING = (*ARRIVED, ReintegrationStarted(plan_id=PLAN, status="reintegrating"))
CLOSED = (*REINTEGRATING, REPORT, ClosingRequested(reason="completed"), CaseClosed(reason="completed", person_ids=FAMILY))
TODAY = NOON.date()


def write(**answers: Any) -> WriteFinalReport:
    as_usual: dict[str, Any] = {
        "report_id": ref(95), "final_meeting": "held_in_person", "met_on": TODAY, "contributed_to": ("income", "health"),
        "plan_outcome": "reached", "partner_feedback": "positive", "follow_up": "done",
    }  # fmt: skip
    return WriteFinalReport(**{**as_usual, **answers})


@pytest.mark.parametrize("past", [ARRIVED, REINTEGRATING], ids=["arrived", "reintegrating"])
def test_a_report_is_written_once_somebody_has_arrived_and_says_by_whom_and_when(past: tuple[Event, ...]) -> None:
    given(*past).when(write(), OFFICE).then(REPORT)
    report = after(*past, REPORT).final_report
    assert report is not None
    assert (report.written_by, report.written_at) == (OFFICE.person_id, NOON)
    assert report.findings == Findings("held_in_person", TODAY, ("health", "income"), "reached", "positive", "done")


def test_a_hold_does_not_stand_against_a_report() -> None:
    held = HoldPlaced(
        hold_id=ref(31), reason=Concealed.of("legal"), placed_by=COORDINATOR.person_id, placed_at=AFTER_LANDING
    )
    given(*REINTEGRATING, held).when(write(), COUNSELLOR).then_kinds(type(REPORT))


@pytest.mark.parametrize("past", [OPENED, BOOKED, DEPARTED], ids=lambda past: after(*past).status)
def test_nothing_is_reported_of_a_return_that_has_not_been(past: tuple[Event, ...]) -> None:
    given(*past).when(write(), COORDINATOR).refused("wrong_status")


def test_what_a_case_was_closed_with_stays_and_what_is_taken_up_again_needs_a_report_of_its_own() -> None:
    given(*CLOSED).when(write(report_id=ref(96)), COORDINATOR).refused("case_ended")
    ended = CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=FAMILY)
    given(*BOOKED, ended).when(write(), COORDINATOR).refused("case_ended")
    reopened = after(*CLOSED, CaseReopened(reason="support_goes_on", person_ids=FAMILY))
    assert (after(*CLOSED).final_report is not None, reopened.final_report) == (True, None)


def test_a_later_report_takes_the_place_of_the_former_and_the_same_one_changes_nothing() -> None:
    past = given(*REINTEGRATING, REPORT)
    past.when(write(), OFFICE).then()
    past.when(write(plan_outcome="not_reached"), OFFICE).refused("report_id_taken")
    later = past.when(write(report_id=ref(96), plan_outcome="not_reached"), COORDINATOR)
    report = after(*REINTEGRATING, REPORT, *later.events).final_report
    assert report is not None and report.findings is not None
    assert (report.written_by, report.findings.plan_outcome) == (COORDINATOR.person_id, "not_reached")


def test_a_meeting_has_a_day_that_has_come_and_where_there_was_none_there_is_no_day() -> None:
    past = given(*REINTEGRATING)
    past.when(write(met_on=None), OFFICE).refused("meeting_without_day")
    past.when(write(final_meeting="not_held"), OFFICE).refused("meeting_without_day")
    past.when(write(met_on=TODAY + timedelta(days=1)), OFFICE).refused("in_the_future")
    past.when(write(final_meeting="not_held", met_on=None), OFFICE).then_kinds(type(REPORT))


def test_support_contributed_to_something_or_to_nothing() -> None:
    given(*REINTEGRATING).when(write(contributed_to=("income", "nothing")), OFFICE).refused("contributions_do_not_fit")
    given(*REINTEGRATING).when(write(contributed_to=("nothing",)), OFFICE).then_kinds(type(REPORT))
    for wrong in ((), ("income", "income")):
        with pytest.raises(ValidationError):
            write(contributed_to=wrong)


def test_what_a_report_says_stands_in_no_leaf_and_is_shown_to_those_who_care() -> None:
    assert [name for name, value in REPORT if isinstance(value, Concealed)] == ["findings"]
    report = after(*REINTEGRATING, REPORT).final_report
    for reader, told in ((COUNSELLOR, True), (COORDINATOR, True), (PROTECTION, True), (OPERATIONS, False)):
        seen = report_seen_by(report, reader.roles)
        assert seen is not None and (seen.findings is not None) is told
    assert report_seen_by(None, OPERATIONS.roles) is None


def test_of_persons_who_were_erased_it_stays_known_that_there_was_a_report() -> None:
    bare = REPORT.model_copy(update={"findings": Concealed(digest="0")})
    report = after(*REINTEGRATING, bare).final_report
    assert report is not None and (report.written_by, report.findings) == (OFFICE.person_id, None)


def test_a_report_says_what_it_was_told() -> None:
    findings = Findings("not_held", None, ("nothing",), "no_plan", "not_given", "too_early")
    report = after(*REINTEGRATING, written(ref(97), findings, OFFICE.person_id, NOON)).final_report
    assert report is not None and report.findings == findings
