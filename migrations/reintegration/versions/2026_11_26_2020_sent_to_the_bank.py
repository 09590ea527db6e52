"""Whoever settles by the clock sees what was handed out to the bank and from which account: nothing else is paid by its lines."""

from alembic import op

revision = "reintegration_69"
down_revision = "reintegration_73"
branch_labels = None
depends_on = None

_READ = "id, own_account_id, sent_at"


def upgrade() -> None:
    op.create_index(op.f("ix_batch_payments_attempt_id"), "batch_payments", ["attempt_id"])
    op.execute(f"GRANT SELECT ({_READ}) ON payment_batches TO reintegration_worker")


def downgrade() -> None:
    op.execute(f"REVOKE SELECT ({_READ}) ON payment_batches FROM reintegration_worker")
    op.drop_index(op.f("ix_batch_payments_attempt_id"), "batch_payments")
