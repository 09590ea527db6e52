"""Refusals of the rules that keep money under control are on record, and none of their codes tells what a list of sanctions says."""

import re

import pytest

from ops.settings import PROJECT
from shared.contracts.refused import AS_RECORDED, PAYEE_NOT_PAYABLE, recorded_as
from shared.errors import RuleViolation

_CODES = {
    code
    for path in (PROJECT / "services" / "reintegration").rglob("*.py")
    for code in re.findall(r'RuleViolation\(\s*"([a-z_]+)"', path.read_text(encoding="utf-8"))
}
_TELLS_MORE = re.compile("sanction|screen|hit|block|health|medical|certif|asylum|protect|guardian|erased|interest")


def test_each_code_on_the_list_is_one_of_a_rule() -> None:
    assert sorted(AS_RECORDED.keys() - _CODES) == []


def test_no_code_on_record_tells_of_sanctions_health_protection_or_asylum() -> None:
    assert [code for code in {*AS_RECORDED.values()} if _TELLS_MORE.search(code)] == []


@pytest.mark.parametrize("code", ["payee_blocked", "screening_hit", "not_screened", "payee_closed", "payee_on_hold", "payee_not_confirmed"])
def test_why_nobody_is_paid_to_this_account_is_not_told_apart(code: str) -> None:
    assert recorded_as("release_tranche", RuleViolation(code, "Not now.")) == PAYEE_NOT_PAYABLE


@pytest.mark.parametrize("code", ["wrong_status", "stale", "paper_missing", "certificate_missing", "fund_tells_of_health"])
def test_that_something_is_not_possible_at_the_moment_stays_untold(code: str) -> None:
    assert recorded_as("release_tranche", RuleViolation(code, "Not now.")) is None


@pytest.mark.parametrize("code", ["restore_not_cleared", "paid_before_restore", "payments_refused"])
def test_an_order_to_pay_what_may_have_been_paid_before_a_restore_is_on_record(code: str) -> None:
    assert recorded_as("make_batch", RuleViolation(code, "Not now.")) == code
