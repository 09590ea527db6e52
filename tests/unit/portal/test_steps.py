"""A case as a list of tasks: what is done, what can be done now and by whom, and what stands against it."""

from typing import Any

from services.portal.pages.steps import Step, apart, steps_of


def person(**told: Any) -> dict[str, Any]:
    return {
        "age_group": "adult", "travel": "expected", "screened_at": None, "declared_by": None, "own_plan_id": None,
        "document": None, "confirmed_at": None, **told,
    }  # fmt: skip


def case(*persons: dict[str, Any], **told: Any) -> dict[str, Any]:
    return {
        "status": "screening", "persons": persons or (person(),), "submitted_by": None, "approved_by": None,
        "programme": None, "departs_at": None, "cleared_at": None, "agreed_plan_id": None, **told,
    }  # fmt: skip


def action(name: str, reason: str | None = None) -> dict[str, Any]:
    sentence = f"because of {reason}" if reason else None
    return {"name": name, "label": name, "allowed": reason is None, "reason": reason, "sentence": sentence, "step_up": False}


def step(name: str, state: dict[str, Any], *actions: dict[str, Any]) -> Step:
    return next(one for one in steps_of(state, actions) if one.name == name)


def test_a_task_is_in_progress_while_it_is_done_for_some_who_go() -> None:
    both = (person(screened_at="2023-05-02T10:00:00Z"), person())
    assert step("Screening", case(*both)).how == "in progress"
    withdrew = (both[0], person(travel="withdrawn"))
    assert step("Screening", case(*withdrew)).how == "completed"
    assert step("Screening", case(person())).how == "not started"


def test_what_can_be_done_now_stands_with_its_task() -> None:
    found = step("Screening", case(), action("record_screening"), action("approve_case"))
    assert [one["name"] for one in found.actions] == ["record_screening"]
    assert found.how == "not started"


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
