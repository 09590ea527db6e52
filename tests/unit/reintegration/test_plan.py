"""A plan covers everybody before departure and is agreed, version after version, after arrival."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.reintegration.domain.case import Case
from services.reintegration.domain.plan import (
    PLAN,
    AgreeFirstPlan,
    AgreePlan,
    AgreePlanWithoutHealth,
    Line,
    Plan,
    PlanFacts,
    PlannedLine,
    RecordOwnPlan,
)
from shared.contracts.reintegration import CaseEndNoted, GrantCategory, OwnPlanRecorded, PlanAgreed, PlanLine
from shared.errors import NotFound, RuleViolation
from shared.messages import Command, Concealed, Context, Event
from shared.money import Money
from shared.transitions import IllegalTransition, moved
from tests.given import NOON, Given
from tests.unit.reintegration.examples import (
    ARRIVED,
    CASE_ID,
    CHILD,
    COUNSELLOR,
    ENDED,
    NOTED,
    OFFICE,
    PERSON,
    ROOM,
    SEALED,
    SHOP,
    STRANGER,
    TODAY,
    eur,
    ref,
)

SHOP_LINE = PlannedLine(
    line_id=SHOP, person_id=PERSON, dimension="economic", category="business", planned=eur("1500.00")
)
ROOM_LINE = PlannedLine(
    line_id=ROOM, person_id=CHILD, dimension="social", category="housing", planned=eur("0.00")
)
CARE_LINE = PlannedLine(
    line_id=ref(23), person_id=PERSON, dimension="social", category="medical", planned=eur("300.00")
)
TALK_LINE = CARE_LINE.model_copy(update={"line_id": ref(24), "category": "psychosocial"})
LINES = (SHOP_LINE, ROOM_LINE)
KEPT_CARE = (
    PlanLine(
        line_id=CARE_LINE.line_id, person_id=PERSON, dimension="social", category=Concealed.of("medical"),
        planned=eur("300.00"),
    ),
)  # fmt: skip
KEPT_LINES = (
    PlanLine(
        line_id=SHOP,
        person_id=PERSON,
        dimension="economic",
        category=Concealed.of("business"),
        planned=eur("1500.00"),
    ),
    PlanLine(
        line_id=ROOM,
        person_id=CHILD,
        dimension="social",
        category=Concealed.of("housing"),
        planned=eur("0.00"),
    ),
)
OWN = RecordOwnPlan(case_id=CASE_ID, person_ids=(PERSON, CHILD), lines=LINES)
AGREE = AgreePlan(lines=LINES, agreed_on=TODAY)
AGREE_WITHOUT_HEALTH = AgreePlanWithoutHealth(lines=(SHOP_LINE,), agreed_on=TODAY)
AGREE_FIRST = AgreeFirstPlan(case_id=CASE_ID, person_ids=(PERSON, CHILD), lines=LINES, agreed_on=TODAY)
OWN_RECORDED = OwnPlanRecorded(
    case_id=CASE_ID,
    destination_country="PK",
    person_ids=(PERSON, CHILD),
    lines=KEPT_LINES,
    recorded_at=NOON,
)
AGREED_VERSION_2 = PlanAgreed(
    case_id=CASE_ID,
    destination_country="PK",
    person_ids=(PERSON, CHILD),
    plan_version=2,
    lines=KEPT_LINES,
    agreed_on=TODAY,
)
BEFORE_DEPARTURE = Given(PLAN, PlanFacts(case=NOTED, case_has_a_plan=False, today=TODAY))
AFTER_ARRIVAL = Given(PLAN, PlanFacts(case=ARRIVED, case_has_a_plan=False, today=TODAY))


def test_the_own_plan_is_recorded_before_departure_for_every_person_of_the_case() -> None:
    BEFORE_DEPARTURE.when(OWN, COUNSELLOR).then(OWN_RECORDED)


def test_after_arrival_the_plan_is_agreed_as_its_next_version() -> None:
    AFTER_ARRIVAL.given(OWN_RECORDED).when(AGREE, OFFICE).then(AGREED_VERSION_2)


def test_a_plan_is_agreed_again_as_a_further_version_with_other_lines() -> None:
    fewer = AGREE.model_copy(update={"lines": (SHOP_LINE,)})
    third = AGREED_VERSION_2.model_copy(update={"plan_version": 3, "lines": KEPT_LINES[:1]})
    AFTER_ARRIVAL.given(OWN_RECORDED, AGREED_VERSION_2).when(fewer, OFFICE).then(third)
    plan = PLAN.fold((OWN_RECORDED, AGREED_VERSION_2, third))
    assert plan is not None
    assert (plan.plan_version, plan.line(ROOM)) == (3, None)


def test_a_case_that_travelled_without_an_own_plan_gets_its_first_one_after_arrival() -> None:
    first = AGREED_VERSION_2.model_copy(update={"plan_version": 1})
    AFTER_ARRIVAL.when(AGREE_FIRST, OFFICE).then(first)
    plan = PLAN.fold((first,))
    assert plan is not None
    assert (plan.status, plan.plan_version, plan.person_ids) == ("agreed", 1, (PERSON, CHILD))


def test_a_report_counts_a_plan_by_its_first_recording_and_its_first_agreement() -> None:
    later = AGREED_VERSION_2.model_copy(update={"plan_version": 3, "agreed_on": TODAY + timedelta(days=90)})
    plan = PLAN.fold((OWN_RECORDED, AGREED_VERSION_2, later))
    assert plan is not None
    assert (plan.recorded_at, plan.first_agreed_on, plan.agreed_on) == (NOON, TODAY, later.agreed_on)
    travelled_without = PLAN.fold((AGREED_VERSION_2, later))
    assert travelled_without is not None
    assert (travelled_without.recorded_at, travelled_without.first_agreed_on) == (None, TODAY)


def test_an_own_plan_that_leaves_a_person_out_is_refused() -> None:
    BEFORE_DEPARTURE.when(
        OWN.model_copy(update={"person_ids": (PERSON,), "lines": (SHOP_LINE,)}), COUNSELLOR
    ).refused("person_not_covered")


def test_a_plan_cannot_cover_somebody_outside_the_case() -> None:
    BEFORE_DEPARTURE.when(
        OWN.model_copy(update={"person_ids": (PERSON, CHILD, STRANGER)}), COUNSELLOR
    ).refused("not_in_the_case")


def test_a_plan_names_nobody_twice() -> None:
    BEFORE_DEPARTURE.when(OWN.model_copy(update={"person_ids": (PERSON, CHILD, PERSON)}), COUNSELLOR).refused(
        "person_twice"
    )


def _with_lines(*lines: PlannedLine) -> list[tuple[Given[Plan, PlanFacts], Command]]:
    return [
        (BEFORE_DEPARTURE, OWN.model_copy(update={"lines": lines})),
        (AFTER_ARRIVAL.given(OWN_RECORDED), AGREE.model_copy(update={"lines": lines})),
        (AFTER_ARRIVAL, AGREE_FIRST.model_copy(update={"lines": lines})),
    ]


@pytest.mark.parametrize(
    ("given", "command"), _with_lines(SHOP_LINE, ROOM_LINE.model_copy(update={"line_id": SHOP}))
)
def test_two_lines_of_a_plan_cannot_share_an_id(given: Given[Plan, PlanFacts], command: Command) -> None:
    given.when(command, OFFICE).refused("line_twice")


@pytest.mark.parametrize(
    ("given", "command"), _with_lines(SHOP_LINE.model_copy(update={"person_id": STRANGER}))
)
def test_a_line_is_for_somebody_whom_the_plan_covers(given: Given[Plan, PlanFacts], command: Command) -> None:
    given.when(command, OFFICE).refused("line_for_a_stranger")


@pytest.mark.parametrize(
    ("given", "command"),
    _with_lines(
        SHOP_LINE,
        ROOM_LINE.model_copy(update={"planned": Money(amount=Decimal("1.00"), currency="BAM")}),
    ),
)
def test_a_plan_is_in_one_currency(given: Given[Plan, PlanFacts], command: Command) -> None:
    given.when(command, OFFICE).refused("currencies_differ")


@pytest.mark.parametrize(
    ("given", "command"), _with_lines(SHOP_LINE.model_copy(update={"planned": eur("1.005")}))
)
def test_a_plan_is_in_amounts_that_can_be_paid(given: Given[Plan, PlanFacts], command: Command) -> None:
    given.when(command, OFFICE).refused("finer_than_paid")


@pytest.mark.parametrize(
    ("case", "code"), [(None, "case_unknown"), (ENDED, "case_ended"), (SEALED, "case_sealed")]
)
def test_nothing_is_planned_in_a_case_that_is_unknown_ended_or_sealed(case: Case | None, code: str) -> None:
    plans = Given(PLAN, PlanFacts(case=case, case_has_a_plan=False, today=TODAY))
    plans.when(OWN, COUNSELLOR).refused(code)
    plans.given(OWN_RECORDED).when(AGREE, OFFICE).refused(code)
    plans.when(AGREE_FIRST, OFFICE).refused(code)


def test_an_own_plan_is_refused_once_somebody_has_arrived() -> None:
    AFTER_ARRIVAL.when(OWN, COUNSELLOR).refused("already_arrived")


def test_nothing_is_agreed_before_anybody_has_arrived() -> None:
    BEFORE_DEPARTURE.given(OWN_RECORDED).when(AGREE, OFFICE).refused("not_arrived_yet")
    BEFORE_DEPARTURE.when(AGREE_FIRST, OFFICE).refused("not_arrived_yet")


def test_a_case_has_one_plan() -> None:
    for given, command in ((BEFORE_DEPARTURE, OWN), (AFTER_ARRIVAL, AGREE_FIRST)):
        given.knowing(replace(given.facts, case_has_a_plan=True)).when(command, OFFICE).refused(
            "case_has_a_plan"
        )


def test_a_plan_that_nobody_looked_for_is_taken_to_exist() -> None:
    BEFORE_DEPARTURE.knowing(PlanFacts(case=NOTED)).when(OWN, COUNSELLOR).refused("case_has_a_plan")


@pytest.mark.parametrize("command", [OWN, AGREE_FIRST])
def test_a_plan_is_recorded_once_under_its_id(command: Command) -> None:
    AFTER_ARRIVAL.given(OWN_RECORDED).when(command, OFFICE).refused("already_exists")


def test_a_plan_that_does_not_exist_cannot_be_agreed() -> None:
    AFTER_ARRIVAL.when(AGREE, OFFICE).refused(NotFound().code)


@pytest.mark.parametrize(
    ("given", "command"), [(AFTER_ARRIVAL.given(OWN_RECORDED), AGREE), (AFTER_ARRIVAL, AGREE_FIRST)]
)
def test_a_plan_is_not_agreed_on_a_day_to_come(given: Given[Plan, PlanFacts], command: Command) -> None:
    tomorrow = TODAY + timedelta(days=1)
    given.when(command.model_copy(update={"agreed_on": tomorrow}), OFFICE).refused("in_the_future")


@pytest.mark.parametrize(
    ("given", "command"), [(AFTER_ARRIVAL.given(OWN_RECORDED), AGREE), (AFTER_ARRIVAL, AGREE_FIRST)]
)
def test_a_plan_is_not_agreed_on_a_day_before_the_arrival(
    given: Given[Plan, PlanFacts], command: Command
) -> None:
    earliest_where_clocks_are_behind = command.model_copy(update={"agreed_on": date(2023, 4, 19)})
    given.when(earliest_where_clocks_are_behind, OFFICE).then_kinds(PlanAgreed)
    given.when(
        earliest_where_clocks_are_behind.model_copy(update={"agreed_on": date(2023, 4, 18)}), OFFICE
    ).refused("agreed_before_arrival")


def test_a_plan_has_lines_and_none_below_zero() -> None:
    with pytest.raises(ValidationError):
        AgreePlan(lines=(), agreed_on=TODAY)
    with pytest.raises(ValidationError):
        AgreePlan(lines=(SHOP_LINE,) * 41, agreed_on=TODAY)
    with pytest.raises(ValidationError):
        PlannedLine(
            line_id=SHOP, person_id=PERSON, dimension="economic", category="business", planned=eur("-0.01")
        )


def numbered(line: PlannedLine, how_many: int, first: int = 100) -> tuple[PlannedLine, ...]:
    return tuple(line.model_copy(update={"line_id": ref(first + number)}) for number in range(how_many))


def test_medical_lines_are_counted_apart_so_that_the_limit_tells_nothing_of_them() -> None:
    agreeing = AFTER_ARRIVAL.given(OWN_RECORDED)
    for others, of_health, refused in ((30, 10, False), (31, 0, True), (0, 11, True)):
        lines = (*numbered(SHOP_LINE, others), *numbered(CARE_LINE, of_health, 200))
        order = AGREE.model_copy(update={"lines": lines})
        if refused:
            agreeing.when(order, OFFICE).refused("too_many_lines")
        else:
            agreeing.when(order, OFFICE).then_kinds(PlanAgreed)
    full = OWN_RECORDED.model_copy(update={"lines": KEPT_CARE})
    order = AGREE_WITHOUT_HEALTH.model_copy(update={"lines": numbered(SHOP_LINE, 30)})
    AFTER_ARRIVAL.given(full).when(order, OFFICE).then_kinds(PlanAgreed)
    order = AGREE_WITHOUT_HEALTH.model_copy(update={"lines": numbered(SHOP_LINE, 31)})
    for own_plan in (full, OWN_RECORDED):
        AFTER_ARRIVAL.given(own_plan).when(order, OFFICE).refused("too_many_lines")


@pytest.mark.parametrize("category", ["medical", "psychosocial"])
def test_who_is_not_told_of_health_leaves_its_lines_as_they_are(category: GrantCategory) -> None:
    care = CARE_LINE.model_copy(update={"category": category})
    kept = (KEPT_CARE[0].model_copy(update={"category": Concealed.of(category)}),)
    with_care = OWN_RECORDED.model_copy(update={"lines": (*KEPT_LINES, *kept)})
    told = AFTER_ARRIVAL.given(with_care)
    agreed = AGREED_VERSION_2.model_copy(update={"lines": (KEPT_LINES[0], *kept)})
    told.when(AGREE_WITHOUT_HEALTH, OFFICE).then(agreed)
    # A line that the office sees, for it agreed it itself, is said again as it stands, and not otherwise.
    told.when(AGREE_WITHOUT_HEALTH.model_copy(update={"lines": (SHOP_LINE, care)}), OFFICE).then(agreed)
    for changed in ({"planned": eur("1.00")}, {"person_id": CHILD}, {"line_id": ref(300)}):
        lines = (SHOP_LINE, care.model_copy(update=changed))
        told.when(AGREE_WITHOUT_HEALTH.model_copy(update={"lines": lines}), OFFICE).refused(NotFound().code)
    taken = SHOP_LINE.model_copy(update={"line_id": CARE_LINE.line_id})
    told.when(AGREE_WITHOUT_HEALTH.model_copy(update={"lines": (taken,)}), OFFICE).refused("line_twice")
    # Whoever is told of all of it takes it out.
    without = AGREED_VERSION_2.model_copy(update={"lines": KEPT_LINES[:1]})
    told.when(AGREE.model_copy(update={"lines": (SHOP_LINE,)}), OFFICE).then(without)


def test_a_refusal_is_the_same_whether_or_not_there_is_a_line_that_is_not_told() -> None:
    with_care = OWN_RECORDED.model_copy(update={"lines": (*KEPT_LINES, *KEPT_CARE)})
    in_marks = SHOP_LINE.model_copy(update={"planned": Money(amount=Decimal("1.00"), currency="BAM")})
    for lines, code in (
        ((in_marks,), "currencies_differ"), ((SHOP_LINE, SHOP_LINE), "line_twice"),
        ((SHOP_LINE.model_copy(update={"person_id": STRANGER}),), "line_for_a_stranger"),
    ):  # fmt: skip
        for own_plan in (OWN_RECORDED, with_care):
            order = AGREE_WITHOUT_HEALTH.model_copy(update={"lines": lines})
            AFTER_ARRIVAL.given(own_plan).when(order, OFFICE).refused(code)


def test_the_reader_of_a_plan_is_told_that_agreeing_waits_for_an_arrival() -> None:
    plan = PLAN.fold((OWN_RECORDED,))
    refusal = PLAN.refusal(plan, AgreePlan, BEFORE_DEPARTURE.facts, Context(OFFICE, NOON))
    assert isinstance(refusal, RuleViolation)
    assert refusal.code == "not_arrived_yet"


def test_what_a_line_is_for_does_not_stand_in_clear_in_the_event() -> None:
    salted = tuple(line.model_copy(update={"category": line.category.salted("salt")}) for line in KEPT_LINES)
    leaf = OWN_RECORDED.model_copy(update={"lines": salted}).model_dump_json()
    assert "business" not in leaf
    assert "housing" not in leaf


def test_an_undeclared_transition_or_a_foreign_event_is_a_fault_of_ours() -> None:
    with pytest.raises(IllegalTransition):
        moved({"agreed": frozenset({"agreed"})}, "agreed", "own_plan")
    with pytest.raises(TypeError):
        PLAN.evolve(None, CaseEndNoted())


CHOICES: tuple[Callable[[tuple[PlannedLine, ...]], Command], ...] = (
    lambda lines: OWN.model_copy(update={"lines": lines}),
    lambda lines: AGREE.model_copy(update={"lines": lines}),
    lambda lines: AGREE_WITHOUT_HEALTH.model_copy(update={"lines": lines}),
    lambda lines: AGREE_FIRST.model_copy(update={"lines": lines}),
)


def of_health(plan: Plan) -> list[Line]:
    return [line for line in plan.lines if line.category in ("medical", "psychosocial")]


@examples(
    st.lists(
        st.tuples(
            st.sampled_from(CHOICES),
            st.lists(st.sampled_from((*LINES, CARE_LINE, TALK_LINE)), min_size=1, max_size=3).map(tuple),
            st.sampled_from((NOTED, ARRIVED, ARRIVED, ENDED, SEALED)),
        ),
        max_size=25,
    )
)
def test_versions_only_grow_and_an_agreed_plan_stays_agreed(
    orders: list[tuple[Callable[[tuple[PlannedLine, ...]], Command], tuple[PlannedLine, ...], Case]],
) -> None:
    state: Plan | None = None
    log: list[Event] = []
    for order, lines, case in orders:
        before = state
        facts = PlanFacts(case=case, case_has_a_plan=False, today=TODAY)
        command = order(lines)
        try:
            events = PLAN.decide(state, command, facts, Context(OFFICE, NOON))
        except (RuleViolation, NotFound):
            events = ()
        state = PLAN.fold(events, state)
        log += events
        if before is not None:
            assert state is not None
            assert state.plan_version == before.plan_version + len(events)
            assert before.status == "own_plan" or state.status == "agreed"
            if isinstance(command, AgreePlanWithoutHealth):
                assert of_health(state) == of_health(before)
    assert PLAN.fold(log) == state
    if state is not None:
        adapter = TypeAdapter(Plan)
        row = json.loads(adapter.dump_json(state), parse_float=Decimal)
        assert adapter.validate_python(row, strict=False) == state
