"""Whoever settles by the clock sees in which file a payment stands, so that a report on another one says nothing of it."""

from alembic import op

revision = "reintegration_53"
down_revision = "reintegration_56"
branch_labels = None
depends_on = None

_READ = {"batch_payments": "batch_id, attempt_id, live", "bank_files": "id, instruction_id"}


def upgrade() -> None:
    for table, columns in _READ.items():
        op.execute(f"GRANT SELECT ({columns}) ON {table} TO reintegration_worker")


def downgrade() -> None:
    for table, columns in _READ.items():
        op.execute(f"REVOKE SELECT ({columns}) ON {table} FROM reintegration_worker")
