"""What an office abroad is told of a plan, and that one of which nothing may be told is as a draft of which nothing is read."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import get_args

import pytest

from services.reintegration.domain.plan_lines import Line
from services.reintegration.domain.plan_state import Plan, PlanStatus
from services.reintegration.domain.plan_told import looks_like_a_draft, told_abroad
from tests.given import NOON
from tests.unit.reintegration.examples import CASE_ID, CHILD, PERSON, ROOM, SHOP, ref

BOTH = (PERSON, CHILD)
BUSINESS = Line(SHOP, PERSON, "economic", "business", Decimal(900), "EUR")
MEDICAL = Line(ROOM, PERSON, "social", "medical", Decimal(90), "EUR")
OF_THE_CHILD = Line(ref(77), CHILD, "social", "education", Decimal(90), "EUR")
DRAFT = Plan(CASE_ID, "PK", BOTH, (), "draft", 0)


def plan(status: PlanStatus, *lines: Line) -> Plan:
    return Plan(CASE_ID, "PK", BOTH, lines, status, 1, recorded_at=NOON, method="signed", shared_at=NOON)


@pytest.mark.parametrize("status", ["own_plan", "shared"])
def test_a_confirmed_plan_of_which_nothing_may_be_told_is_told_as_a_draft(status: PlanStatus) -> None:
    assert told_abroad(plan(status, MEDICAL), BOTH, (), health=False) == DRAFT
    # Money is owed for a line of an agreed plan alone.
    assert told_abroad(plan(status, MEDICAL), BOTH, (ROOM,), health=False) == DRAFT
    assert told_abroad(plan(status, MEDICAL), BOTH, (), health=True) == plan(status, MEDICAL)
    assert told_abroad(plan(status, MEDICAL, BUSINESS), BOTH, (), health=False) == plan(status, BUSINESS)
    stayed = told_abroad(plan(status, OF_THE_CHILD), (PERSON,), (), health=True)
    assert stayed == replace(DRAFT, person_ids=(PERSON,))


@pytest.mark.parametrize("status", ["agreed", "completed"])
def test_what_an_office_agreed_itself_stays_what_it_is_and_shows_health_for_money_that_is_owed(status: PlanStatus) -> None:
    agreed = replace(plan(status, MEDICAL), agreed_on=date(2023, 5, 2))
    assert told_abroad(agreed, BOTH, (), health=False) == replace(agreed, lines=())
    assert told_abroad(agreed, BOTH, (ROOM,), health=False) == agreed


def test_nobody_abroad_reads_what_stands_in_a_draft() -> None:
    assert told_abroad(replace(DRAFT, lines=(BUSINESS, MEDICAL)), BOTH, (), health=True) == DRAFT


def test_what_is_a_draft_already_need_not_look_like_one() -> None:
    found = {(status, lines) for status in get_args(PlanStatus) for lines in (0, 1) if looks_like_a_draft(status, lines)}
    assert found == {("own_plan", 0), ("shared", 0)}
