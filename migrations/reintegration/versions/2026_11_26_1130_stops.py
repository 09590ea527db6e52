"""The money of a grant is suspended and goes on again, and what was paid wrongly is asked back."""

import sqlalchemy as sa
from alembic import op

revision = "reintegration_28"
down_revision = "reintegration_27"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("suspended_at", sa.DateTime(timezone=True)), ("suspended_for", sa.Text()),
    ("recovery_opened_at", sa.DateTime(timezone=True)), ("recovery_for", sa.Text()), ("recovery_amount", sa.Numeric()),
)  # fmt: skip
_TRANSITIONS = (
    ("approved", "suspended"), ("in_disbursement", "suspended"), ("suspended", "approved"),
    ("suspended", "in_disbursement"), ("suspended", "disbursed"), ("suspended", "cancelled"),
)  # fmt: skip
_UNDER_WAY = "ck_grants_committed_while_under_way"
_CHECKS = {
    _UNDER_WAY: "committed = 0 OR status IN ('approved', 'in_disbursement', 'suspended')",
    "ck_grants_suspended_for_a_reason": (
        "(status = 'suspended') = (suspended_at IS NOT NULL) AND (status = 'suspended') = (suspended_for IS NOT NULL)"
    ),
    "ck_grants_recovery_within_paid": (
        "(recovery_opened_at IS NULL) = (recovery_amount IS NULL) AND (recovery_opened_at IS NULL) = (recovery_for IS NULL) "
        "AND (recovery_amount IS NULL OR recovery_amount > 0 AND recovery_amount <= paid)"
    ),
}


def upgrade() -> None:
    for name, kind in _COLUMNS:
        op.add_column("grants", sa.Column(name, kind, nullable=True))
    op.drop_constraint(op.f(_UNDER_WAY), "grants", type_="check")
    for name, condition in _CHECKS.items():
        op.create_check_constraint(op.f(name), "grants", condition)
    for before, after in _TRANSITIONS:
        op.execute(f"INSERT INTO status_transition VALUES ('grants', '{before}', '{after}')")


def downgrade() -> None:
    for before, after in _TRANSITIONS:
        op.execute(
            "DELETE FROM status_transition WHERE (aggregate, from_status, to_status) = "
            f"('grants', '{before}', '{after}')"
        )
    for name in _CHECKS:
        op.drop_constraint(op.f(name), "grants", type_="check")
    op.create_check_constraint(op.f(_UNDER_WAY), "grants", "committed = 0 OR status IN ('approved', 'in_disbursement')")
    for name, _ in reversed(_COLUMNS):
        op.drop_column("grants", name)
