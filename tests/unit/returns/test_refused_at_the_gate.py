"""Whatever stands against somebody's departure, the record of its refusal tells that alone."""

import pytest

from services.returns.domain import gate
from services.returns.policy import POLICY
from shared.contracts.refused import AS_RECORDED, AT_THE_GATE, GATE_NOT_PASSED, recorded_as
from shared.errors import FourEyes, NotFound, RuleViolation

CODES = sorted(gate._WORDINGS)


@pytest.mark.parametrize("code", [*CODES, "facts_stale", "wrong_status"])
def test_each_condition_of_the_gate_is_on_record_by_one_code_and_nowhere_by_its_own(code: str) -> None:
    refusal = RuleViolation(code, "Not now.")
    assert {recorded_as(operation, refusal) for operation in AT_THE_GATE} == {GATE_NOT_PASSED}
    assert recorded_as("place_hold", refusal) is None
    assert code not in AS_RECORDED


def test_the_operations_of_the_gate_are_some_that_there_are() -> None:
    assert POLICY.operations >= AT_THE_GATE


def test_a_second_part_is_on_record_by_its_own_code_and_what_is_no_rule_is_not() -> None:
    assert recorded_as("clear_to_board", FourEyes("Somebody else.")) == "four_eyes"
    assert recorded_as("clear_to_board", RuleViolation("idempotency_key_reused", "Once.")) is None
    assert recorded_as("confirm_arrival", NotFound()) == "not_found"
