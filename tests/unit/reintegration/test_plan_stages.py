"""A plan is drafted, confirmed, shared before arrival, agreed, and completed once every line came to something."""

from dataclasses import replace

import pytest

from services.reintegration.domain.case import Case
from services.reintegration.domain.plan import (
    PLAN,
    AgreePlan,
    ChangeDraft,
    ConfirmDraft,
    DraftPlan,
    RevisePlan,
    SharePlan,
)
from services.reintegration.domain.plan_completion import (
    CompletePlan,
    CompletePlanWithoutHealth,
    OtherwiseSettled,
)
from shared.contracts.plans import (
    LineOutcome,
    PlanCompleted,
    PlanDrafted,
    PlanRevised,
    PlanShared,
    SettledLine,
)
from shared.ledger import conceal
from shared.messages import Concealed, Context, Event
from tests.given import NOON
from tests.unit.reintegration.examples import (
    ARRIVED,
    CASE_ID,
    CHILD,
    COUNSELLOR,
    ENDED,
    NOTED,
    OFFICE,
    PERSON,
    PREPARED,
    ROOM,
    SEALED,
    SHOP,
    STRANGER,
    ref,
)
from tests.unit.reintegration.test_plan import (
    AFTER_ARRIVAL,
    AGREE,
    AGREED_VERSION_2,
    BEFORE_DEPARTURE,
    CARE_LINE,
    KEPT_CARE,
    KEPT_LINES,
    LINES,
    OWN,
    OWN_RECORDED,
    REVISE,
    SHOP_LINE,
)

DRAFT = DraftPlan(case_id=CASE_ID, person_ids=(PERSON, CHILD), lines=LINES)
CHANGE = ChangeDraft(lines=LINES)
DRAFTED = PlanDrafted(case_id=CASE_ID, destination_country="PK", person_ids=(PERSON, CHILD), lines=KEPT_LINES, drafted_at=NOON)
SHARED = PlanShared(case_id=CASE_ID, plan_version=1, shared_at=NOON)
AGREED = AFTER_ARRIVAL.given(OWN_RECORDED, AGREED_VERSION_2)


def completed(*outcomes: LineOutcome) -> PlanCompleted:
    return PlanCompleted(
        case_id=CASE_ID, plan_version=2, completed_at=NOON,
        lines=tuple(
            SettledLine(line_id=line.line_id, person_id=line.person_id, outcome=Concealed.of(outcome))
            for line, outcome in zip((*LINES, CARE_LINE), outcomes, strict=False)
        ),
    )  # fmt: skip


def other(line_id: object, outcome: str = "referred") -> OtherwiseSettled:
    return OtherwiseSettled.model_validate({"line_id": line_id, "outcome": outcome})


def test_a_draft_is_no_version_and_is_changed_until_it_is_confirmed_as_the_own_plan() -> None:
    BEFORE_DEPARTURE.when(DRAFT, COUNSELLOR).then(DRAFTED)
    changed = DRAFTED.model_copy(update={"lines": KEPT_LINES[:1]})
    drafted = BEFORE_DEPARTURE.given(DRAFTED)
    drafted.when(ChangeDraft(lines=(SHOP_LINE,)), COUNSELLOR).then(changed)
    confirmed = OWN_RECORDED.model_copy(update={"lines": KEPT_LINES[:1], "method": "verbal"})
    drafted.given(changed).when(ConfirmDraft(method="verbal"), COUNSELLOR).then(confirmed)
    plan = PLAN.fold((DRAFTED, changed))
    assert plan is not None
    assert (plan.status, plan.plan_version, plan.recorded_at, len(plan.lines)) == ("draft", 0, None, 1)
    plan = PLAN.fold((DRAFTED, changed, confirmed))
    assert plan is not None
    assert (plan.status, plan.plan_version, plan.recorded_at, plan.method) == ("own_plan", 1, NOON, "verbal")


def test_a_draft_covers_everybody_also_whoever_came_to_the_case_since() -> None:
    BEFORE_DEPARTURE.when(DRAFT.model_copy(update={"person_ids": (PERSON,)}), COUNSELLOR).refused("person_not_covered")
    grown = replace(BEFORE_DEPARTURE.facts, case=replace(NOTED, person_ids=(PERSON, CHILD, STRANGER)))
    drafted = BEFORE_DEPARTURE.given(DRAFTED).knowing(grown)
    drafted.when(ConfirmDraft(method="signed"), COUNSELLOR).refused("person_not_covered")
    changed = DRAFTED.model_copy(update={"person_ids": (PERSON, CHILD, STRANGER)})
    drafted.when(ChangeDraft(lines=LINES), COUNSELLOR).then(changed)


def test_a_draft_is_made_before_anybody_arrives_and_agreed_as_the_first_version_after_that() -> None:
    AFTER_ARRIVAL.when(DRAFT, COUNSELLOR).refused("already_arrived")
    drafted = AFTER_ARRIVAL.given(DRAFTED)
    for order in (ChangeDraft(lines=LINES), ConfirmDraft(method="signed")):
        drafted.when(order, COUNSELLOR).refused("already_arrived")
    drafted.when(AGREE, OFFICE).then(AGREED_VERSION_2.model_copy(update={"plan_version": 1}))


@pytest.mark.parametrize("order", [ChangeDraft(lines=LINES), ConfirmDraft(method="signed")])
def test_only_a_draft_is_changed_or_confirmed(order: ChangeDraft | ConfirmDraft) -> None:
    BEFORE_DEPARTURE.given(OWN_RECORDED).when(order, COUNSELLOR).refused("not_a_draft")


def test_a_case_with_a_draft_gets_no_second_plan() -> None:
    with_one = BEFORE_DEPARTURE.knowing(replace(BEFORE_DEPARTURE.facts, case_has_a_plan=True))
    with_one.when(DRAFT, COUNSELLOR).refused("case_has_a_plan")
    BEFORE_DEPARTURE.given(DRAFTED).when(OWN, COUNSELLOR).refused("already_exists")


def test_the_own_plan_is_shared_once_before_anybody_arrives() -> None:
    own = BEFORE_DEPARTURE.given(OWN_RECORDED).knowing(replace(BEFORE_DEPARTURE.facts, case=PREPARED))
    own.when(SharePlan(), COUNSELLOR).then(SHARED)
    own.given(SHARED).when(SharePlan(), COUNSELLOR).refused("already_shared")
    BEFORE_DEPARTURE.given(DRAFTED).when(SharePlan(), COUNSELLOR).refused("still_a_draft")
    AFTER_ARRIVAL.given(OWN_RECORDED).when(SharePlan(), COUNSELLOR).refused("already_arrived")
    AGREED.when(SharePlan(), COUNSELLOR).refused("already_agreed")
    for case, code in ((ENDED, "case_ended"), (SEALED, "case_sealed"), (None, "case_unknown")):
        own.knowing(replace(own.facts, case=case)).when(SharePlan(), COUNSELLOR).refused(code)


def test_no_plan_is_shared_before_its_case_is_approved() -> None:
    BEFORE_DEPARTURE.given(OWN_RECORDED).when(SharePlan(), COUNSELLOR).refused("case_not_approved")


def test_a_shared_plan_waits_for_an_arrival_to_be_agreed() -> None:
    BEFORE_DEPARTURE.given(OWN_RECORDED, SHARED).when(AGREE, OFFICE).refused("not_arrived_yet")
    AFTER_ARRIVAL.given(OWN_RECORDED, SHARED).when(AGREE, OFFICE).then(AGREED_VERSION_2)


def test_a_plan_is_completed_where_a_grant_was_completed_or_it_is_said_what_came_of_each_line() -> None:
    granted = AGREED.knowing(replace(AGREED.facts, granted_lines=frozenset({SHOP})))
    granted.when(CompletePlan(otherwise=(other(ROOM, "other_support"),)), OFFICE).then(completed("granted", "other_support"))
    granted.when(CompletePlan(), OFFICE).refused("line_not_settled")
    AGREED.when(CompletePlan(otherwise=(other(ROOM),)), OFFICE).refused("line_not_settled")
    plan = PLAN.fold((OWN_RECORDED, AGREED_VERSION_2, completed("granted", "other_support")))
    assert plan is not None
    assert (plan.status, plan.completed_at, plan.plan_version) == ("completed", NOON, 2)
    assert [line.outcome for line in plan.lines] == ["granted", "other_support"]


def test_what_a_completed_grant_came_to_is_not_said_otherwise() -> None:
    granted = AGREED.knowing(replace(AGREED.facts, granted_lines=frozenset({SHOP})))
    said = CompletePlan(otherwise=(other(SHOP, "not_needed"), other(ROOM)))
    granted.when(said, OFFICE).then(completed("granted", "referred"))


def test_no_plan_is_completed_while_a_grant_is_under_way() -> None:
    under_way = AGREED.knowing(replace(AGREED.facts, live_lines=frozenset({ROOM})))
    for order in (CompletePlan(otherwise=(other(SHOP), other(ROOM))), CompletePlanWithoutHealth(otherwise=(other(SHOP), other(ROOM)))):
        under_way.when(order, OFFICE).refused("grants_under_way")


def test_a_plan_is_completed_only_as_it_is() -> None:
    for lines, code in (((other(SHOP), other(ref(99))), "line_not_in_plan"), ((other(SHOP), other(SHOP)), "line_twice")):
        AGREED.when(CompletePlan(otherwise=lines), OFFICE).refused(code)
    for before in (AFTER_ARRIVAL.given(OWN_RECORDED), BEFORE_DEPARTURE.given(DRAFTED), BEFORE_DEPARTURE.given(OWN_RECORDED, SHARED)):
        before.when(CompletePlan(), OFFICE).refused("plan_not_agreed")
    done = AGREED.given(completed("referred", "referred"))
    done.when(CompletePlan(), OFFICE).refused("plan_completed")
    done.when(AGREE, OFFICE).refused("already_agreed")


def test_a_sealed_case_may_still_have_its_plan_completed() -> None:
    sealed = AGREED.knowing(replace(AGREED.facts, case=SEALED))
    sealed.when(CompletePlan(otherwise=(other(SHOP), other(ROOM))), COUNSELLOR).then(completed("referred", "referred"))


def test_a_completed_plan_is_taken_up_by_a_new_version() -> None:
    (event,) = AGREED.given(completed("referred", "referred")).when(REVISE, OFFICE).events
    assert isinstance(event, PlanRevised)
    plan = PLAN.fold((OWN_RECORDED, AGREED_VERSION_2, completed("referred", "referred"), event))
    assert plan is not None
    assert (plan.status, plan.plan_version, plan.completed_at) == ("agreed", 3, None)
    assert {line.outcome for line in plan.lines} == {None}


def test_who_is_not_told_of_health_says_nothing_of_what_came_of_its_lines() -> None:
    with_care = AGREED_VERSION_2.model_copy(update={"lines": (*KEPT_LINES, *KEPT_CARE)})
    agreed = AFTER_ARRIVAL.given(OWN_RECORDED, with_care)
    order = CompletePlanWithoutHealth(otherwise=(other(SHOP), other(ROOM)))
    agreed.when(order, OFFICE).then(completed("referred", "referred", "not_told"))
    naming = CompletePlanWithoutHealth(otherwise=(*order.otherwise, other(CARE_LINE.line_id)))
    agreed.when(naming, OFFICE).refused("line_not_in_plan")
    AGREED.when(naming, OFFICE).refused("line_not_in_plan")
    agreed.when(CompletePlan(otherwise=order.otherwise), OFFICE).refused("line_not_settled")


def test_what_came_of_a_line_does_not_stand_in_clear_in_the_event() -> None:
    leaf = conceal(completed("granted", "not_told"))[0].model_dump_json()
    assert "granted" not in leaf
    assert "not_told" not in leaf


def test_of_who_was_erased_it_is_not_said_what_came_of_what() -> None:
    erased = KEPT_LINES[0].model_copy(
        update={"category": KEPT_LINES[0].category.salted("s").model_copy(update={"value": None})}
    )
    agreed = AFTER_ARRIVAL.given(AGREED_VERSION_2.model_copy(update={"lines": (erased, KEPT_LINES[1])}))
    (event,) = agreed.when(CompletePlan(otherwise=(other(ROOM),)), OFFICE).events
    assert isinstance(event, PlanCompleted)
    assert [line.line_id for line in event.lines] == [ROOM]


@pytest.mark.parametrize(
    ("case", "events", "open_to"),
    [
        (NOTED, (DRAFTED,), {"ChangeDraft", "ConfirmDraft"}),
        (NOTED, (OWN_RECORDED,), set()),
        (PREPARED, (OWN_RECORDED,), {"SharePlan"}),
        (NOTED, (OWN_RECORDED, SHARED), set()),
        (ARRIVED, (OWN_RECORDED, SHARED), {"AgreePlan"}),
        (ARRIVED, (OWN_RECORDED, AGREED_VERSION_2), {"RevisePlan", "CompletePlan"}),
        (ARRIVED, (OWN_RECORDED, AGREED_VERSION_2, completed("referred", "referred")), {"RevisePlan"}),
    ],
)
def test_a_page_offers_what_the_stage_of_the_plan_takes(
    case: Case, events: tuple[Event, ...], open_to: set[str]
) -> None:
    state, facts = PLAN.fold(events), replace(AGREED.facts, case=case)
    commands = (ChangeDraft, ConfirmDraft, SharePlan, AgreePlan, RevisePlan, CompletePlan)
    offered = {
        command.__name__ for command in commands if PLAN.refusal(state, command, facts, Context(OFFICE, NOON)) is None
    }
    assert offered == open_to
