"""What is paid by hand fails by the word of somebody else than who released it, and is paid on no day before its release."""

from alembic import op

revision = "reintegration_80"
down_revision = "reintegration_76"
branch_labels = None
depends_on = None

_CHECKS = {
    "failed_by_another": (
        "status <> 'failed' OR method IS NULL OR method = 'bank_file' "
        "OR (ended_by <> released_by AND (ended_as = 'reconciler' OR reason = 'not_sent'))"
    ),
    "paid_after_its_release": (
        "status <> 'paid' OR method IS NULL OR method = 'bank_file' "
        "OR paid_on >= cast(released_at AT TIME ZONE 'UTC' - interval '12 hours' AS date)"
    ),
}


def upgrade() -> None:
    # Attempts of before ended as they did: they stand, and nobody writes another one like them.
    for name, condition in _CHECKS.items():
        op.execute(f"ALTER TABLE payment_attempts ADD CONSTRAINT ck_payment_attempts_{name} CHECK ({condition}) NOT VALID")


def downgrade() -> None:
    for name in reversed(_CHECKS):
        op.drop_constraint(op.f(f"ck_payment_attempts_{name}"), "payment_attempts")
