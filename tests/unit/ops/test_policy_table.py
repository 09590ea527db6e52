"""The page that tells people who may do what says what the code holds."""

from pathlib import Path

import pytest

from ops.policy_table import PAGE, lines, page, policy_of
from shared.actors import ABROAD, Role
from shared.errors import NotPermitted
from shared.policy import Policy, Reach
from shared.topology import LOGS
from tests.given import staff

PROJECT = Path(__file__).resolve().parents[3]


def test_the_page_in_the_documentation_is_the_one_that_the_code_prints() -> None:
    assert (PROJECT / PAGE).read_text(encoding="utf-8") == page(), "run ./avrr policy --markdown > docs/policy.md"


@pytest.mark.parametrize("service", [service.name for service in LOGS])
def test_every_row_of_a_policy_is_printed_once(service: str) -> None:
    printed = [tuple(line.split()[:3]) for line in lines(service)]
    assert len(printed) == len(set(printed))
    assert set(printed) == {(row.operation, row.role.value, row.extent) for row in policy_of(service).rows}


def reach(policy: Policy, operation: str, *roles: Role) -> Reach | None:
    try:
        return policy.reach(staff("somebody", *roles, countries=("PK",)), operation)
    except NotPermitted:
        return None


@pytest.mark.parametrize("role", sorted(ABROAD))
@pytest.mark.parametrize("service", [service.name for service in LOGS])
def test_medical_staff_who_work_abroad_reach_no_further_than_their_office(service: str, role: Role) -> None:
    policy = policy_of(service)
    for operation in policy.operations:
        assert reach(policy, operation, role, Role.MEDICAL) == reach(policy, operation, role), operation


@pytest.mark.parametrize("role", sorted(ABROAD))
@pytest.mark.parametrize("operation", ["record_spot_check", "list_spot_check_draws", "read_spot_check_draw"])
def test_nobody_of_an_office_has_a_part_in_spot_checks_whatever_else_they_are(operation: str, role: Role) -> None:
    policy = policy_of("reintegration")
    for also in (Role.COORDINATOR, Role.FINANCE_RECONCILER, Role.MANAGER, Role.AUDITOR):
        assert reach(policy, operation, also) is not None
        assert reach(policy, operation, also, role) is None


def test_what_needs_a_step_up_says_so() -> None:
    marked = {line.split()[0] for line in lines("reintegration") if "step-up" in line}
    assert marked == {
        "approve_grant", "add_to_commitment", "release_tranche", "confirm_payment", "report_payment_failed", "ask_to_end_payment", "confirm_payment_end", "reconcile_in_their_place", "reverse_payment", "record_recovery", "confirm_recovery", "confirm_write_off", "read_events", "read_event", "read_chain", "export_log",
        "read_held", "record_rate", "correct_rate", "void_rate", "give_authority", "name_deputy", "end_authority",
        "publish_policy", "open_fund", "change_fund", "close_fund", "confirm_fund", "drop_fund_change",
        "export_turns", "export_grants", "export_funds", "export_rates", "export_exceptions", "export_undecidable_grants", "export_donor_view", "export_open_items",
        "close_period", "reopen_period", "confirm_reopening", "drop_reopening",
        "confirm_payee", "confirm_call_back", "accept_shared_account", "confirm_own_account", "import_bank_file", "confirm_bank_file", "drop_bank_file", "ask_to_revoke_bank_file", "revoke_bank_file", "keep_bank_file", "propose_explanation", "confirm_explanation", "match_line", "confirm_match", "undo_match", "confirm_undoing", "drop_match", "drop_explanation", "keep_match", "tell_apart", "confirm_apart", "keep_together",
        "make_batch", "approve_batch", "take_batch_file", "drop_batch", "confirm_batch_drop", "read_batch_file",
        "upload_sanctions_list", "confirm_sanctions_list", "drop_sanctions_list", "upload_staff_accounts", "confirm_staff_accounts",
        "drop_staff_accounts", "ask_to_clear_hits", "clear_hits", "confirm_hits",
        "offer_vouchers", "release_vouchers", "list_vouchers", "open_voucher",
        "settle_lost_payment", "name_found_payment", "ask_to_clear_lost_payments", "clear_lost_payments",
    }  # fmt: skip
