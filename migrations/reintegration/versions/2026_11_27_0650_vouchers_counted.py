"""Up to which entry of the log the payments of a drawn sample were counted, and an index by which they are found."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_10 import refuse_to_lose

revision = "reintegration_125"
down_revision = "reintegration_142"
branch_labels = None
depends_on = None

# STABLE, so that it answers out of the very snapshot in which the statement that calls it reads the payments.
LOG_SIZE = """CREATE FUNCTION log_size() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$ SELECT size FROM log_head $$"""


def upgrade() -> None:
    op.add_column("voucher_samples", sa.Column("log_size", sa.BigInteger(), nullable=True))
    op.create_check_constraint(op.f("ck_voucher_samples_counted_once_drawn"), "voucher_samples", "log_size IS NULL OR (status <> 'asked' AND log_size > 0)")
    op.execute(LOG_SIZE)
    op.execute("REVOKE ALL ON FUNCTION log_size() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION log_size() TO reintegration_api")
    op.create_index(op.f("ix_payment_attempts_paid_on"), "payment_attempts", ["paid_on"])


def downgrade() -> None:
    refuse_to_lose("voucher_samples WHERE log_size IS NOT NULL", "samples were drawn from what the log had at a moment: a version of before does not know which")
    op.drop_index(op.f("ix_payment_attempts_paid_on"), "payment_attempts")
    op.execute("DROP FUNCTION log_size()")
    op.drop_constraint(op.f("ck_voucher_samples_counted_once_drawn"), "voucher_samples")
    op.drop_column("voucher_samples", "log_size")
