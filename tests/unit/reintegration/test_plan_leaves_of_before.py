"""That logs written before plans had details still come to the same plans: their leaves are frozen in `leaves/`."""

import json
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from services.reintegration.domain.plan import PLAN
from services.reintegration.domain.plan_lines import Line
from services.reintegration.domain.plan_state import Plan
from shared.contracts.plans import EVENTS
from shared.ledger import Disclosure, reveal
from shared.messages import Event
from tests.given import NOON
from tests.unit.reintegration.examples import CASE_ID, CHILD, PERSON, ROOM, SHOP, TODAY, ref

_LEAVES = Path(__file__).parent / "leaves" / "plans.ndjson"
_KINDS = {event.kind: event for event in EVENTS}
_SHOP = Line(SHOP, PERSON, "economic", "business", Decimal("1500.00"), "EUR")
_ROOM = Line(ROOM, CHILD, "social", "housing", Decimal("0.00"), "EUR")


def histories(*, revealed: bool) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = defaultdict(list)
    for line in _LEAVES.read_text(encoding="utf-8").splitlines():
        leaf = json.loads(line)
        event = _KINDS[leaf["type"]].model_validate(leaf["data"])
        known = {path: Disclosure(path, *told) for path, told in leaf["concealed"].items()} if revealed else {}
        found[leaf["history"]].append(reveal(event, known))
    return found


def test_a_log_of_before_comes_to_the_plans_that_it_came_to() -> None:
    logs = histories(revealed=True)
    later = TODAY + timedelta(days=90)
    assert PLAN.fold(logs["own"]) == Plan(
        CASE_ID, "PK", (PERSON, CHILD), (_SHOP, _ROOM), "agreed", 3, later, NOON, TODAY
    )  # fmt: skip
    assert PLAN.fold(logs["first"]) == Plan(
        CASE_ID, "PK", (PERSON, CHILD), (_SHOP, _ROOM), "agreed", 1, TODAY, None, TODAY
    )  # fmt: skip


def test_what_told_of_health_by_its_dimension_alone_still_does() -> None:
    plan = PLAN.fold(histories(revealed=True)["own"][:2])
    assert plan is not None
    line = plan.line(ref(24))
    assert line is not None
    assert (line.dimension, line.category, line.tells_of_health) == ("psychosocial", "other", True)
    assert plan.without_health().line(ref(24)) is None


def test_of_who_was_erased_a_line_of_before_keeps_neither_category_nor_dimension() -> None:
    plan = PLAN.fold(histories(revealed=False)["own"][:2])
    assert plan is not None
    assert {(line.category, line.dimension, line.details, line.outcome) for line in plan.lines} == {(None,) * 4}
