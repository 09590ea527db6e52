"""What the services' verifications say of their rows, kept where no service reaches."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_2 import EVERY_ROW, READS_THE_LOG
from migrations.kernel_10 import refuse_to_lose

revision = "audit_21"
down_revision = "audit_8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "archive_rows",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("log", "kind", "about", "fault", "columns", "found_at", name=op.f("pk_archive_rows")),
    )
    op.create_index(
        "ix_archive_rows_log_found_at", "archive_rows", ["log", "found_at"], postgresql_where=sa.text("gone_at IS NULL")
    )
    op.create_table(
        "archive_verified",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looks", sa.BigInteger(), nullable=False),
        sa.Column("rose_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("rounds", sa.BigInteger(), nullable=False),
        sa.Column("round_ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("round_seconds", sa.Double(), nullable=True),
        sa.Column("differences", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", name=op.f("pk_archive_verified")),
    )
    for table in ("archive_rows", "archive_verified"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        for role, action, rows in (
            ("owner", "ALL", EVERY_ROW), ("worker", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW),
            ("api", "SELECT", READS_THE_LOG),
        ):  # fmt: skip
            check = f" WITH CHECK ({rows})" if action == "ALL" else ""
            op.execute(f"CREATE POLICY audit_{role} ON {table} FOR {action} TO audit_{role} USING ({rows}){check}")
        op.execute(f"GRANT SELECT ON {table} TO audit_api, audit_verify, audit_worker")
    op.execute(
        "CREATE TRIGGER archive_rows_stay BEFORE DELETE OR TRUNCATE ON archive_rows "
        "FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only()"
    )
    # A row that was told is never told otherwise: only that it is gone.
    op.execute("GRANT INSERT, UPDATE (gone_at) ON archive_rows TO audit_worker")
    op.execute("GRANT INSERT, UPDATE ON archive_verified TO audit_worker")


def downgrade() -> None:
    refuse_to_lose("archive_rows", "which rows of services differed from their logs is remembered nowhere else")
    op.drop_table("archive_verified")
    op.drop_table("archive_rows")
