"""What the archive's worker last knew of each log that it watches, for whoever reads it through the API."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_2 import EVERY_ROW, READS_THE_LOG

revision = "audit_4"
down_revision = "audit_3"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "archive_watched",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("stopped", sa.Text(), nullable=True),
        sa.Column("rounds", sa.BigInteger(), nullable=False),
        sa.Column("round_ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("comparison_fault", sa.Text(), nullable=True),
        sa.Column("checkpoint_alarm", sa.Text(), nullable=True),
        sa.Column("checkpoint_fault", sa.Text(), nullable=True),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("log", name=op.f("pk_archive_watched")),
    )
    op.execute("ALTER TABLE archive_watched ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE archive_watched FORCE ROW LEVEL SECURITY")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("worker", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW),
        ("api", "SELECT", READS_THE_LOG),
    ):  # fmt: skip
        check = f" WITH CHECK ({rows})" if action == "ALL" else ""
        op.execute(f"CREATE POLICY audit_{role} ON archive_watched FOR {action} TO audit_{role} USING ({rows}){check}")
    op.execute("GRANT SELECT ON archive_watched TO audit_api, audit_verify")
    op.execute("GRANT SELECT, INSERT, UPDATE ON archive_watched TO audit_worker")


def downgrade() -> None:
    op.drop_table("archive_watched")
