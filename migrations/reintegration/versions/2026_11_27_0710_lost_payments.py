"""What restores lost of payments: until two persons cleared it nothing is ordered to be paid."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_2 import EVERY_ROW
from migrations.kernel_10 import refuse_to_lose

revision = "reintegration_142_2"
down_revision = "reintegration_117"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lost_payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("payments", pg.JSONB(), nullable=False),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=True),
        sa.Column("cleared_by", sa.Text(), nullable=True),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('waiting', 'asked', 'cleared')", name=op.f("ck_lost_payments_status_known")),
        sa.CheckConstraint("cleared_by <> asked_by", name=op.f("ck_lost_payments_two_persons")),
        sa.CheckConstraint(
            "num_nulls(cleared_by, cleared_at) IN (0, 2) AND (status = 'cleared') = (cleared_by IS NOT NULL) AND "
            "(status = 'waiting' OR asked_by IS NOT NULL)",
            name=op.f("ck_lost_payments_cleared_by_two"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lost_payments")),
    )
    op.execute("ALTER TABLE lost_payments ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE lost_payments FORCE ROW LEVEL SECURITY")
    for role, action in (("owner", "ALL"), ("worker", "ALL"), ("verify", "SELECT"), ("api", "SELECT")):
        check = f" WITH CHECK ({EVERY_ROW})" if action == "ALL" else ""
        op.execute(
            f"CREATE POLICY reintegration_{role} ON lost_payments FOR {action} TO reintegration_{role} USING ({EVERY_ROW}){check}"
        )
    op.execute("GRANT SELECT ON lost_payments TO reintegration_api, reintegration_verify, reintegration_worker")
    op.execute("GRANT INSERT, UPDATE ON lost_payments TO reintegration_worker")


def downgrade() -> None:
    refuse_to_lose("lost_payments", "a restore lost payments once, and a version of before would order them again")
    op.drop_table("lost_payments")
