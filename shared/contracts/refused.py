"""Which refusals of rules stand in the log, and as what: those that keep money, accounts and departures under control.

A second part in what needs another person (`FourEyes`), and what somebody has no right to, are on record whatever their code.
That a rule forbids something at the moment is told to whoever tries and recorded nowhere, but for these (decision 115). What tells
of protection, health, asylum, a list of sanctions or the reason of a hold stands in no leaf: such codes are told apart from no
other here.
"""

from collections.abc import Mapping
from typing import Final

from shared.errors import FourEyes, Refusal, RuleViolation

GATE_NOT_PASSED: Final = "gate_not_passed"
PAYEE_NOT_PAYABLE: Final = "payee_not_payable"

# More than somebody may give, or than there is: told as it is.
_BOUNDS: Final = (
    "beyond_authority", "authority_not_in_force", "beyond_cap", "beyond_family_cap", "beyond_plan", "beyond_shortfall", "more_approvals_needed",
    "fund_exhausted", "fund_not_valid", "fund_closed", "period_closed",
)  # fmt: skip
# Paid twice, also since a restore lost that it was paid, or paid by an order that somebody changed after it was signed.
_ONCE: Final = (
    "attempt_used", "reference_used", "open_advance", "line_has_a_grant", "attempt_under_way", "in_another_batch", "batch_changed",
    "batch_not_approved", "batch_does_not_add_up", "restore_not_cleared", "paid_before_restore", "payments_refused",
)  # fmt: skip
# An account that is nobody's to be paid, or not yet. Whether a list of sanctions means a payee, and that one is on hold or closed
# for it, is told by none of them.
_ACCOUNTS: Final[Mapping[str, str]] = {
    "account_of_staff": "account_of_staff",
    "account_shared": "account_shared",
    "payee_not_of_grant": "payee_not_of_grant",
    **dict.fromkeys(
        (
            "payee_not_confirmed", "payee_on_hold", "payee_closed", "payee_blocked", "payee_erased", "screening_hit", "not_screened",
            "hold_not_over", "call_back_first",
        ),
        PAYEE_NOT_PAYABLE,
    ),
}  # fmt: skip

AS_RECORDED: Final[Mapping[str, str]] = {**{code: code for code in (*_BOUNDS, *_ONCE)}, **_ACCOUNTS}
# Whatever stands against somebody's departure, that alone is told: of a guardian, a hold, screening, health or consent, no more.
AT_THE_GATE: Final = frozenset({"approve_case", "mark_ready_to_travel", "clear_to_board"})


# Who sent the same key with something else has met no rule.
_NO_RULE: Final = frozenset({"idempotency_key_reused", "already_exists"})


def recorded_as(operation: str, refusal: Refusal) -> str | None:
    """The code by which the refusal of an operation stands in the log; None where it stands in none."""
    if isinstance(refusal, FourEyes) or not isinstance(refusal, RuleViolation):
        return refusal.code
    if operation in AT_THE_GATE and refusal.code not in _NO_RULE:
        return GATE_NOT_PASSED
    return AS_RECORDED.get(refusal.code)
