"""A plan covers everybody before departure and is agreed, version after version, after arrival."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import example
from hypothesis import given as examples
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.reintegration.domain.case import Case
from services.reintegration.domain.plan import (
    PLAN,
    AgreeFirstPlan,
    AgreePlan,
    AgreePlanWithoutHealth,
    ChangeDraft,
    ConfirmDraft,
    DraftPlan,
    RecordOwnPlan,
    RevisePlan,
    RevisePlanWithoutHealth,
    SharePlan,
)
from services.reintegration.domain.plan_completion import (
    CompletePlan,
    CompletePlanWithoutHealth,
    OtherwiseSettled,
)
from services.reintegration.domain.plan_lines import Line, PlannedLine
from services.reintegration.domain.plan_state import AGREED, Plan, PlanFacts
from shared.contracts.noted_cases import CaseEndNoted
from shared.contracts.plans import OwnPlanRecorded, PlanAgreed, PlanLine, PlanRevised
from shared.contracts.reintegration import GrantCategory
from shared.errors import NotFound, RuleViolation
from shared.ledger import conceal
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
    PREPARED,
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
TALK_LINE = CARE_LINE.model_copy(update={"line_id": ref(24), "category": "psychosocial", "dimension": "psychosocial"})
FULL_LINE = SHOP_LINE.model_copy(
    update={
        "activity": "new_business", "modality": "in_kind_vendor", "provider": "VENDOR-7", "referral": "REF-7",
        "begins_on": TODAY, "ends_on": TODAY + timedelta(days=90), "feasibility": "An oven is for sale nearby.",
        "objectives": "To bake and sell bread.", "language": "eng",
    }
)  # fmt: skip
LINES = (SHOP_LINE, ROOM_LINE)
KEPT_CARE = (
    PlanLine(
        line_id=CARE_LINE.line_id, person_id=PERSON, category=Concealed.of("medical"), planned=eur("300.00"),
        details=Concealed.of('{"dimension":"social"}'),
    ),
)  # fmt: skip
KEPT_LINES = (
    PlanLine(
        line_id=SHOP,
        person_id=PERSON,
        category=Concealed.of("business"),
        planned=eur("1500.00"),
        details=Concealed.of('{"dimension":"economic"}'),
    ),
    PlanLine(
        line_id=ROOM,
        person_id=CHILD,
        category=Concealed.of("housing"),
        planned=eur("0.00"),
        details=Concealed.of('{"dimension":"social"}'),
    ),
)
OWN = RecordOwnPlan(case_id=CASE_ID, person_ids=(PERSON, CHILD), lines=LINES, method="signed")
AGREE = AgreePlan(lines=LINES, agreed_on=TODAY, method="signed")
AGREE_WITHOUT_HEALTH = AgreePlanWithoutHealth(lines=(SHOP_LINE,), agreed_on=TODAY, method="signed")
AGREE_FIRST = AgreeFirstPlan(case_id=CASE_ID, person_ids=(PERSON, CHILD), lines=LINES, agreed_on=TODAY, method="signed")
OWN_RECORDED = OwnPlanRecorded(
    case_id=CASE_ID,
    destination_country="PK",
    person_ids=(PERSON, CHILD),
    lines=KEPT_LINES,
    recorded_at=NOON,
    method="signed",
)
AGREED_VERSION_2 = PlanAgreed(
    case_id=CASE_ID,
    destination_country="PK",
    person_ids=(PERSON, CHILD),
    plan_version=2,
    lines=KEPT_LINES,
    agreed_on=TODAY,
    method="signed",
    agreed_by=OFFICE.person_id,
)
REVISE = RevisePlan(lines=LINES, agreed_on=TODAY, method="verbal", reason="needs_changed")
REVISE_WITHOUT_HEALTH = RevisePlanWithoutHealth(**dict(REVISE))
REVISED_VERSION_3 = PlanRevised(
    case_id=CASE_ID, destination_country="PK", person_ids=(PERSON, CHILD), plan_version=3, lines=KEPT_LINES,
    agreed_on=TODAY, method="verbal", agreed_by=OFFICE.person_id, reason="needs_changed",
)  # fmt: skip
BEFORE_DEPARTURE = Given(PLAN, PlanFacts(case=NOTED, case_has_a_plan=False, today=TODAY))
AFTER_ARRIVAL = Given(PLAN, PlanFacts(case=ARRIVED, case_has_a_plan=False, today=TODAY))


def test_the_own_plan_is_recorded_before_departure_for_every_person_of_the_case() -> None:
    BEFORE_DEPARTURE.when(OWN, COUNSELLOR).then(OWN_RECORDED)


def test_after_arrival_the_plan_is_agreed_as_its_next_version() -> None:
    AFTER_ARRIVAL.given(OWN_RECORDED).when(AGREE, OFFICE).then(AGREED_VERSION_2)


def test_an_agreed_plan_is_revised_as_a_further_version_for_a_reason() -> None:
    fewer = REVISE.model_copy(update={"lines": (SHOP_LINE,)})
    third = REVISED_VERSION_3.model_copy(update={"lines": KEPT_LINES[:1]})
    agreed = AFTER_ARRIVAL.given(OWN_RECORDED, AGREED_VERSION_2)
    agreed.when(fewer, OFFICE).then(third)
    plan = PLAN.fold((OWN_RECORDED, AGREED_VERSION_2, third))
    assert plan is not None
    assert (plan.plan_version, plan.line(ROOM), plan.status) == (3, None, "agreed")
    assert (plan.method, plan.agreed_by, plan.reason) == ("verbal", OFFICE.person_id, "needs_changed")


def test_a_plan_is_agreed_once_and_revised_only_then() -> None:
    AFTER_ARRIVAL.given(OWN_RECORDED, AGREED_VERSION_2).when(AGREE, OFFICE).refused("already_agreed")
    AFTER_ARRIVAL.given(OWN_RECORDED).when(REVISE, OFFICE).refused("plan_not_agreed")


def test_a_log_in_which_a_plan_was_agreed_more_than_once_comes_to_what_it_came_to() -> None:
    third = AGREED_VERSION_2.model_copy(update={"plan_version": 3, "lines": KEPT_LINES[:1]})
    plan = PLAN.fold((OWN_RECORDED, AGREED_VERSION_2, third))
    assert plan is not None
    assert (plan.plan_version, plan.line(ROOM), plan.status, plan.reason) == (3, None, "agreed", None)


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
        AgreePlan(lines=(), agreed_on=TODAY, method="signed")
    with pytest.raises(ValidationError):
        AgreePlan(lines=(SHOP_LINE,) * 41, agreed_on=TODAY, method="signed")
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
    (event,) = BEFORE_DEPARTURE.when(OWN.model_copy(update={"lines": (FULL_LINE, TALK_LINE)}), COUNSELLOR).events
    leaf = conceal(event)[0].model_dump_json()
    assert str(FULL_LINE.line_id) in leaf
    for told in ("business", "medical", "psychosocial", "economic", "social", "new_business", "VENDOR-7", "REF-7", "oven", '"eng"'):
        assert told not in leaf


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
    lambda lines: DraftPlan(case_id=CASE_ID, person_ids=(PERSON, CHILD), lines=lines),
    lambda lines: ChangeDraft(lines=lines),
    lambda _: ConfirmDraft(method="verbal"),
    lambda _: SharePlan(),
    lambda lines: REVISE.model_copy(update={"lines": lines}),
    lambda lines: REVISE_WITHOUT_HEALTH.model_copy(update={"lines": lines}),
    lambda lines: CompletePlan(otherwise=referred(*lines)),
    lambda lines: CompletePlanWithoutHealth(otherwise=referred(*lines)),
)


def of_health(plan: Plan) -> list[Line]:
    return [line for line in plan.lines if line.category in ("medical", "psychosocial")]


def referred(*lines: PlannedLine) -> tuple[OtherwiseSettled, ...]:
    return tuple(OtherwiseSettled(line_id=line.line_id, outcome="referred") for line in lines)


@example(
    # Drafted with a line of health, and agreed by who is not told of such.
    [
        (lambda lines: DraftPlan(case_id=CASE_ID, person_ids=(PERSON, CHILD), lines=lines), (CARE_LINE,), ARRIVED),
        (lambda lines: AgreePlanWithoutHealth(lines=lines, agreed_on=TODAY, method="signed"), (SHOP_LINE,), ARRIVED),
    ]
)
@examples(
    st.lists(
        st.tuples(
            st.sampled_from(CHOICES),
            st.lists(st.sampled_from((*LINES, CARE_LINE, TALK_LINE, FULL_LINE)), min_size=1, max_size=3).map(tuple),
            st.sampled_from((NOTED, PREPARED, ARRIVED, ARRIVED, ENDED, SEALED)),
        ),
        max_size=25,
    )
)
def test_versions_only_grow_and_an_agreed_plan_is_agreed_or_completed(
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
            versions = sum(isinstance(event, OwnPlanRecorded | PlanAgreed | PlanRevised) for event in events)
            assert state.plan_version == before.plan_version + versions
            assert before.status not in AGREED or state.status in AGREED
            if events and isinstance(command, AgreePlanWithoutHealth | RevisePlanWithoutHealth):
                # What came of a line of a completed plan is open again in the version that takes it up; what only stood in
                # a draft nobody confirmed.
                stood = [] if before.status == "draft" else of_health(before)
                assert of_health(state) == [replace(line, outcome=None) for line in stood]
    assert PLAN.fold(log) == state
    if state is not None:
        adapter = TypeAdapter(Plan)
        row = json.loads(adapter.dump_json(state), parse_float=Decimal)
        assert adapter.validate_python(row, strict=False) == state
