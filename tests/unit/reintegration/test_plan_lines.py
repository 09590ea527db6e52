"""What a line says beyond its money fits together, is concealed as one value, and leaves the leaf small enough."""

from datetime import timedelta
from typing import get_args
from uuid import UUID

import pytest
from pydantic import ValidationError

from services.reintegration.domain.plan import PLAN
from services.reintegration.domain.plan_lines import (
    ACTIVITIES,
    MOST_LINES,
    MOST_OF_HEALTH,
    Details,
    PlannedLine,
)
from shared.contracts.plans import Activity, Dimension, PlanAgreed
from shared.ids import uuid7
from shared.ledger import conceal, enclose
from shared.messages import Context, Origin
from tests.given import NOON
from tests.unit.reintegration.examples import CASE_ID, COUNSELLOR, TODAY
from tests.unit.reintegration.test_plan import (
    AFTER_ARRIVAL,
    AGREE,
    AGREE_WITHOUT_HEALTH,
    BEFORE_DEPARTURE,
    CARE_LINE,
    FULL_LINE,
    LINES,
    OWN,
    OWN_RECORDED,
    SHOP_LINE,
    numbered,
)

MOST_LEAF = 32 * 1024


def test_a_line_keeps_everything_that_is_said_of_it() -> None:
    plan = PLAN.fold(BEFORE_DEPARTURE.when(OWN.model_copy(update={"lines": (FULL_LINE,)}), COUNSELLOR).events)
    assert plan is not None
    (line,) = plan.lines
    assert line.is_said(FULL_LINE)
    assert line.details == Details(
        activity="new_business", modality="in_kind_vendor", provider="VENDOR-7", referral="REF-7", begins_on=TODAY,
        ends_on=TODAY + timedelta(days=90), feasibility="An oven is for sale nearby.",
        objectives="To bake and sell bread.", language="eng",
    )  # fmt: skip
    for name in Details.model_fields:
        assert not line.is_said(FULL_LINE.model_copy(update={name: None})), name


def test_a_line_of_which_nothing_more_is_said_has_no_details() -> None:
    plan = PLAN.fold((OWN_RECORDED,))
    assert plan is not None
    assert [(line.dimension, line.details) for line in plan.lines] == [("economic", None), ("social", None)]


def test_every_activity_belongs_to_a_dimension() -> None:
    assert ACTIVITIES.keys() == set(get_args(Dimension))
    assert frozenset().union(*ACTIVITIES.values()) == set(get_args(Activity))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"activity": "childcare"}, "activity_elsewhere"),
        ({"dimension": "psychosocial"}, "category_not_of_health"),
        ({"dimension": "social", "activity": "medical_support"}, "category_not_of_health"),
        ({"begins_on": TODAY, "ends_on": TODAY - timedelta(days=1)}, "ends_before_it_begins"),
    ],
)
def test_what_a_line_says_fits_together(changed: dict[str, object], code: str) -> None:
    line = SHOP_LINE.model_copy(update=changed)
    BEFORE_DEPARTURE.when(OWN.model_copy(update={"lines": (line,)}), COUNSELLOR).refused(code)


def test_a_new_line_has_an_id_of_version_7_and_one_of_before_keeps_its_own() -> None:
    of_before = UUID("0189e3d1-7f00-4000-8000-000000000001")
    odd = SHOP_LINE.model_copy(update={"line_id": of_before})
    BEFORE_DEPARTURE.when(OWN.model_copy(update={"lines": (odd,)}), COUNSELLOR).refused("id_unfit")
    kept = OWN_RECORDED.lines[0].model_copy(update={"line_id": of_before})
    recorded = OWN_RECORDED.model_copy(update={"lines": (kept,)})
    agreed = AGREE.model_copy(update={"lines": (odd,)})
    (event,) = AFTER_ARRIVAL.given(recorded).when(agreed, COUNSELLOR).events
    assert isinstance(event, PlanAgreed)
    assert [line.line_id for line in event.lines] == [of_before]
    AFTER_ARRIVAL.given(OWN_RECORDED).when(agreed, COUNSELLOR).refused("id_unfit")


def test_what_tells_of_health_by_its_category_may_be_in_any_dimension() -> None:
    for dimension in ("psychosocial", "social", "immediate"):
        line = CARE_LINE.model_copy(update={"dimension": dimension})
        BEFORE_DEPARTURE.when(OWN.model_copy(update={"lines": (line,)}), COUNSELLOR).then_kinds(type(OWN_RECORDED))


@pytest.mark.parametrize("text", ["", " begins with a space", "two\nlines", "a\x00b", "right\u202eto left", "x" * 401])
def test_a_note_is_one_line_of_text_that_a_page_can_show(text: str) -> None:
    with pytest.raises(ValidationError):
        PlannedLine.model_validate({**SHOP_LINE.model_dump(), "objectives": text})


def test_a_line_that_stands_while_health_is_not_told_keeps_all_its_details() -> None:
    care = CARE_LINE.model_copy(update={"activity": "medical_support", "objectives": "To see well again."})
    (recorded,) = BEFORE_DEPARTURE.when(OWN.model_copy(update={"lines": (*LINES, care)}), COUNSELLOR).events
    order = AGREE_WITHOUT_HEALTH.model_copy(update={"lines": (SHOP_LINE,)})
    plan = PLAN.fold((recorded, *AFTER_ARRIVAL.given(recorded).when(order, COUNSELLOR).events))
    assert plan is not None
    line = plan.line(care.line_id)
    assert line is not None
    assert line.is_said(care)
    assert plan.line(SHOP_LINE.line_id) is not None


def test_the_leaf_of_a_plan_of_forty_full_lines_is_small_enough() -> None:
    full = FULL_LINE.model_copy(update={"feasibility": "ش" * 400, "objectives": "ش" * 400, "provider": "P" * 40, "referral": "R" * 40})
    care = full.model_copy(update={"category": "psychosocial", "dimension": "psychosocial", "activity": "mental_health_care"})
    lines = (*numbered(full, MOST_LINES), *numbered(care, MOST_OF_HEALTH, 500))
    draft = BEFORE_DEPARTURE.when(OWN.model_copy(update={"lines": lines}), COUNSELLOR).events[0]
    salted, disclosed = conceal(draft)
    assert len(disclosed) == 2 * len(lines)
    _, leaf = enclose("reintegration", CASE_ID, CASE_ID, 1, salted, Context(COUNSELLOR, NOON), Origin(str(uuid7())))
    assert len(leaf) < MOST_LEAF
