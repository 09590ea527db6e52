"""What the database holds, by the name of its constraint: each is refused by the code by which the core refuses it.

So the later of two who act at the same moment is told what they would have been told a moment later.
"""

from collections.abc import Mapping
from typing import Final

from services.reintegration.domain import (
    approvals,
    authority,
    bank_file_confirming,
    bank_file_revoking,
    bank_files,
    bank_line_acts,
    bank_lines,
    batch,
    batch_file,
    brought_lists,
    commitment_orders,
    fund,
    lost_payments,
    own_accounts,
    payee,
    payee_ending,
    periods,
    plan_completion,
    policies,
    rates,
    recovery,
    recovery_line,
    screening,
    shared_accounts,
    spot_checks,
    survey_rounds,
    surveys,
    tranches,
    unanswered,
    vouchers,
)
from shared.decider import already_exists
from shared.errors import FourEyes, Refusal, RuleViolation

_FOUR_EYES = FourEyes("Nobody takes two parts on one grant, so somebody else has to do this.")

REFUSALS: Final[Mapping[str, Refusal]] = {
    "pk_case_plans": RuleViolation(
        "case_has_a_plan", "This case has a plan already; it is changed by agreeing a new version."
    ),
    "ck_case_limits_completed_plan_takes_no_grant": plan_completion.plan_completed(),
    "pk_taken_plan_lines": RuleViolation(
        "line_has_a_grant", "There is a grant for this line of the plan already."
    ),
    "pk_open_advances": RuleViolation(
        "open_advance",
        "Another tranche for this person is on its way and its delivery not confirmed. One at a time.",
    ),
    # Under another grant, or under one that the caller does not see.
    "pk_evidence_files": already_exists(),
    "erased_takes_nothing": RuleViolation(
        "person_erased", "This person was erased. Nothing can be filed about them any more."
    ),
    "uq_staff_lists_waiting": brought_lists.list_waits(),
    "uq_sanctions_lists_waiting": brought_lists.list_waits(),
    "ck_lost_payments_two_persons": lost_payments.not_by_whoever_stated(),
    "ck_lost_payments_cleared_by_another": lost_payments.not_by_whoever_ordered(),
    "ck_staff_lists_two_persons": brought_lists.not_by_whoever_brought(),
    "ck_sanctions_lists_two_persons": brought_lists.not_by_whoever_brought(),
    "pk_payment_references": tranches.reference_used(),
    "uq_payment_attempts_attempt_id": tranches.attempt_used(),
    "uq_payment_attempts_live": tranches.paid_once(),
    "uq_payment_attempts_reference": tranches.reference_used(),
    "ck_payment_attempts_reversed_by_another": _FOUR_EYES,
    "ck_payment_attempts_failed_by_another": _FOUR_EYES,
    "ck_payment_attempts_ended_by_two": unanswered.not_by_whoever_asked(),
    "ck_grants_who_tried_to_pay": _FOUR_EYES,
    "uq_recovered_money_reference": tranches.reference_used(),
    "ck_bank_lines_recovered_within_line": recovery_line.beyond_line(),
    "fk_recovered_money_bank_line": RuleViolation("bank_line_unknown", "There is no such line of the bank's."),
    "ck_grants_who_recovered": _FOUR_EYES,
    "ck_grants_who_proposed_recovery": _FOUR_EYES,
    "ck_grants_written_off_by_two": recovery.not_by_whoever_asked(),
    "ck_recovered_money_two_persons_without_a_line": recovery.not_by_whoever_proposed(),
    "ck_write_offs_two_persons": recovery.not_by_whoever_asked(),
    "ck_case_limits_sealed_takes_no_grant": RuleViolation(
        "case_sealed", "This return case is being closed or is closed; it takes no new grant."
    ),
    "pk_exchange_rates": rates.day_has_a_rate(),
    "pk_policy_versions": policies.programme_has_a_policy(),
    "pk_open_authorities": authority.authority_open(),
    "ck_authorities_nobody_for_themselves": authority.not_for_oneself(),
    "ck_authority_terms_nobody_for_themselves": authority.not_for_oneself(),
    "ck_fund_balances_within_granted": RuleViolation(
        "fund_exhausted", "The fund does not hold enough money for this grant any more."
    ),
    "ck_fund_balances_closed_holds_nothing_back": fund.fund_closed(),
    "closed_after_the_deliveries": fund.fund_awaits_deliveries(),
    "committed_while_the_fund_is_valid": fund.fund_not_valid(),
    "ck_funds_two_persons": fund.not_by_whoever_asked(),
    "ck_fund_confirmations_two_persons": fund.not_by_whoever_asked(),
    "ck_payees_two_persons": payee.not_by_whoever_stated(),
    "ck_payee_confirmations_two_persons": payee.not_by_whoever_stated(),
    "ck_payee_confirmations_held_long_enough": payee.held_too_short(),
    "ck_payees_details_kept_for_their_time": payee_ending.not_due(),
    "ck_payees_cleared_by_two_persons": screening.not_by_whoever_asked(),
    "ck_payee_clearances_two_persons": screening.not_by_whoever_asked(),
    "ck_payee_shares_two_persons": payee.not_by_whoever_stated(),
    "ck_payee_shares_not_by_who_stated_the_other": shared_accounts.not_by_whoever_stated_the_other(),
    "uq_batch_payments_live": batch_file.in_another_batch(),
    "ck_payment_batches_two_persons": batch.not_by_whoever_made_it(),
    "ck_payment_batches_dropped_by_two_persons": batch.not_by_whoever_asked(),
    "ck_own_accounts_two_persons": own_accounts.not_by_whoever_registered(),
    "uq_own_accounts_live": own_accounts.own_account_known(),
    "uq_payees_vendor_code": payee.vendor_code_taken(),
    "uq_spot_check_draws_period": spot_checks.drew_before(),
    "uq_voucher_samples_period": vouchers.asked_before(),
    "ck_voucher_samples_two_persons": vouchers.two_persons(),
    "ck_released_vouchers_not_by_the_auditor": vouchers.two_persons(),
    "uq_spot_checks_found": spot_checks.checked_already(),
    "uq_instruments_version": survey_rounds.version_taken(),
    "uq_survey_rounds_planned": survey_rounds.round_planned(),
    "uq_surveys_answered": surveys.answered_already(),
    "uq_payees_person_currency": payee.person_has_a_payee(),
    **dict.fromkeys(
        ("uq_bank_files_sha256", "uq_bank_files_report", "uq_bank_statements_live"),
        bank_files.imported_already(None),
    ),
    **dict.fromkeys(
        (
            "uq_bank_lines_settled", "uq_payment_attempts_paid_line", "uq_payment_attempts_failed_line",
            "uq_payment_attempts_returned_line",
        ),
        bank_line_acts.line_settled(),
    ),
    "ck_bank_files_revoked_by_two_others": bank_file_revoking.not_by_the_two(),
    **dict.fromkeys(("ck_bank_files_two_persons", "ck_bank_files_dropped_by_another"), bank_file_confirming.not_by_whoever_imported()),
    "ck_bank_line_acts_two_persons": bank_lines.not_by_whoever_asked(),
    "posted_into_an_open_month": periods.period_closed(),
    "uq_accounting_periods_month": periods.month_has_a_period(),
    "ck_accounting_periods_two_persons": periods.not_by_whoever_asked(),
    "uq_grant_approvals_person_once": approvals.approved_by_you(),
    "uq_grant_approvals_authority_once": approvals.authority_used(),
    "ck_grant_approvals_holder_not_involved": approvals.stands_in_for_one_involved(),
    "ck_grant_approvals_within_authority": approvals.beyond_authority(),
    "ck_grant_approvals_authority_in_force": approvals.authority_not_in_force(),
    "ck_grant_approvals_approver_not_involved": _FOUR_EYES,
    "ck_grant_endorsements_endorser_not_involved": _FOUR_EYES,
    "ck_grants_who_approved": _FOUR_EYES,
    "ck_grants_who_added": _FOUR_EYES,
    "ck_commitment_additions_adder_not_involved": _FOUR_EYES,
    "ck_commitment_additions_holder_not_involved": approvals.stands_in_for_one_involved(),
    "ck_commitment_additions_within_authority": approvals.beyond_authority(),
    "ck_commitment_additions_authority_in_force": approvals.authority_not_in_force(),
    "ck_commitment_additions_else_by_the_chief": commitment_orders.more_approvals_needed(),
    "ck_grants_five_hats": _FOUR_EYES,
    "ck_grants_former_endorsers_take_no_part": _FOUR_EYES,
    "ck_grants_former_approvers_take_no_part": _FOUR_EYES,
    "ck_grants_counsellor_only_asks": _FOUR_EYES,
    "ck_grants_tranche_hats": _FOUR_EYES,
    "ck_grants_certifier_takes_no_part": _FOUR_EYES,
    "ck_grants_hats_between_tranches": _FOUR_EYES,
}
