"""By which keys checkpoints are believed, to which rows are only added, and what waits for what."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_2 import EVERY_ROW, READS_THE_LOG
from migrations.kernel_10 import refuse_to_lose

revision = "audit_8"
down_revision = "audit_20"
branch_labels = None
depends_on = None

_WAITS = ("policy_changed", "checkpoint_behind", "archive_behind")


def upgrade() -> None:
    op.create_table(
        "archive_policies",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("pinned_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("why IN ('first', 'set', 'rotation')", name=op.f("ck_archive_policies_why_known")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_archive_policies")),
    )
    op.execute(
        "CREATE TRIGGER archive_policies_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON archive_policies "
        "FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only()"
    )
    op.execute("ALTER TABLE archive_policies ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE archive_policies FORCE ROW LEVEL SECURITY")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("worker", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("api", "SELECT", READS_THE_LOG),
    ):  # fmt: skip
        check = f" WITH CHECK ({rows})" if action == "ALL" else ""
        op.execute(f"CREATE POLICY audit_{role} ON archive_policies FOR {action} TO audit_{role} USING ({rows}){check}")
    op.execute("GRANT SELECT ON archive_policies TO audit_api, audit_verify")
    op.execute("GRANT SELECT, INSERT ON archive_policies TO audit_worker")
    for column in _WAITS:
        op.add_column("archive_watched", sa.Column(column, sa.Boolean(), server_default=sa.text("false"), nullable=False))


def downgrade() -> None:
    refuse_to_lose("archive_policies", "by which keys checkpoints were believed would be lost")
    for column in reversed(_WAITS):
        op.drop_column("archive_watched", column)
    op.drop_table("archive_policies")
