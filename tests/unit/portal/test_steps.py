"""A case as a list of tasks: what is done, what can be done now and by whom, and what stands against it."""

from typing import Any

from services.portal.pages.steps import Step, apart, steps_of


def person(**told: Any) -> dict[str, Any]:
    return {
        "age_group": "adult", "travel": "expected", "declared_by": None, "own_plan_id": None,
        "document": None, "confirmed_at": None, "evidence": [], **told,
    }  # fmt: skip


def case(*persons: dict[str, Any], **told: Any) -> dict[str, Any]:
    return {
        "status": "screening", "persons": persons or (person(),), "final_report": None, "submitted_by": None, "approved_by": None,
        "programme": None, "departs_at": None, "reception_arranged_at": None, "cleared_at": None, "clearance_lapsed_at": None,
        "agreed_plan_id": None, "status_before_hold": None, **told,
    }  # fmt: skip


def action(name: str, reason: str | None = None) -> dict[str, Any]:
    sentence = f"because of {reason}" if reason else None
    return {"name": name, "label": name, "allowed": reason is None, "reason": reason, "sentence": sentence, "step_up": False}


def step(name: str, state: dict[str, Any], *actions: dict[str, Any]) -> Step:
    return next(one for one in steps_of(state, actions) if one.name == name)


def test_a_task_is_in_progress_while_it_is_done_for_some_who_go() -> None:
    both = (person(declared_by="2023"), person())
    assert step("Signed declaration", case(*both)).how == "in progress"
    withdrew = (both[0], person(travel="withdrawn"))
    assert step("Signed declaration", case(*withdrew)).how == "completed"
    assert step("Signed declaration", case(person())).how == "not started"


def test_screening_is_in_progress_until_somebody_applied_whatever_was_found() -> None:
    assert step("Screening", case(status="intention")).how == "not started"
    assert step("Screening", case()).how == "in progress"
    assert step("Screening", case(status="on_hold", status_before_hold="intention")).how == "not started"
    assert step("Screening", case(status="applied", submitted_by="somebody")).how == "completed"


def test_what_can_be_done_now_stands_with_its_task() -> None:
    found = step("Screening", case(), action("assess_voluntariness"), action("approve_case"))
    assert [one["name"] for one in found.actions] == ["assess_voluntariness"]
    assert found.how == "in progress"


def test_what_stands_against_a_task_is_said_and_somebody_elses_part_is_not_called_impossible() -> None:
    barred = step("Application", case(), action("submit_application", "screening_missing"))
    assert (barred.how, barred.why, barred.actions) == ("cannot start yet", "because of screening_missing", ())
    theirs = step("Approval by a colleague", case(), action("approve_case", "not_permitted"))
    assert (theirs.how, theirs.whose, theirs.why) == ("not started", "coordinator", "")


def test_a_child_needs_no_last_confirmation() -> None:
    family = case(person(confirmed_at="2023-05-02T10:00:00Z"), person(age_group="child"))
    assert step("Last confirmation", family).how == "completed"


def test_once_everybody_has_left_nothing_is_to_be_prepared_any_more() -> None:
    left = case(person(travel="departed"), status="departed", departs_at="2023-05-02T10:00:00Z")
    assert step("Screening", left).how == "not needed"
    assert step("Booking", left).how == "completed"
    assert step("Arrival", left, action("confirm_arrival")).how == "not started"


def test_of_a_case_that_ended_early_nothing_is_left_to_do() -> None:
    withdrawn = case(person(travel="withdrawn"), status="withdrawn")
    assert {one.how for one in steps_of(withdrawn, ())} == {"not needed"}


def test_a_withdrawal_belongs_to_no_task() -> None:
    actions = [action("withdraw_case"), action("approve_case")]
    assert [one["name"] for one in apart(actions)] == ["withdraw_case"]
    assert not any(one["name"] == "withdraw_case" for found in steps_of(case(), actions) for one in found.actions)


def test_a_case_that_is_on_hold_has_come_as_far_as_where_it_was_held() -> None:
    held = case(status="on_hold", status_before_hold="monitoring")
    assert step("Grants or monitoring", held).how == "completed"
    assert step("Closing", held).how == "not started"


def test_exit_formalities_are_a_task_until_they_are_recorded_of_everybody() -> None:
    recorded = person(evidence=[{"kind": "exit_formalities"}])
    asked = person(evidence=[{"kind": "fitness_asked"}])
    assert step("Exit formalities", case(recorded, asked)).how == "in progress"
    assert step("Exit formalities", case(recorded)).how == "completed"
    assert step("Exit formalities", case(asked)).how == "not started"


def test_whoever_lost_a_clearance_by_time_is_not_cleared() -> None:
    cleared = case(cleared_at="2023-05-02T10:00:00Z")
    assert step("Cleared to board", cleared).how == "completed"
    assert step("Cleared to board", {**cleared, "clearance_lapsed_at": "2023-05-03T10:00:00Z"}).how == "not started"
