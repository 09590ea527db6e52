"""What the bank was ordered and never answered two persons end who paid nothing of it."""

import sqlalchemy as sa
from alembic import op

revision = "reintegration_104"
down_revision = "reintegration_101"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payment_attempts", sa.Column("end_asked_by", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_payment_attempts_ended_by_two"), "payment_attempts",
        "CASE WHEN reason IS DISTINCT FROM 'not_answered' THEN end_asked_by IS NULL "
        "ELSE (status = 'failed' AND method = 'bank_file' AND ended_as = 'reconciler' AND ended_by <> end_asked_by "
        "AND ended_by <> released_by AND end_asked_by <> released_by) IS TRUE END",
    )  # fmt: skip
    op.create_index(
        "ix_payment_attempts_unanswered", "payment_attempts", ["attempt_id"], postgresql_where=sa.text("reason = 'not_answered'")
    )


def downgrade() -> None:
    op.drop_index("ix_payment_attempts_unanswered", "payment_attempts")
    op.drop_constraint(op.f("ck_payment_attempts_ended_by_two"), "payment_attempts")
    op.drop_column("payment_attempts", "end_asked_by")
