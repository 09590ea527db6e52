"""Where a log is not as it was archived, and the signed checkpoints of each log."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_2 import EVERY_ROW, READS_THE_LOG

revision = "audit_3"
down_revision = "audit_2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    now = sa.text("clock_timestamp()")
    op.create_table(
        "archive_differences",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("first_idx", sa.BigInteger(), nullable=False),
        sa.Column("last_idx", sa.BigInteger(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('other', 'missing', 'archive', 'root')", name=op.f("ck_archive_differences_kind_known")),
        sa.PrimaryKeyConstraint("log", "kind", "first_idx", name=op.f("pk_archive_differences")),
    )
    op.create_table(
        "archive_checkpoints",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("agrees", sa.Boolean(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.PrimaryKeyConstraint("log", "size", "root", name=op.f("pk_archive_checkpoints")),
    )
    for table, rights in (
        ("archive_differences", "SELECT, INSERT, UPDATE (last_idx, seen_at, gone_at)"),
        ("archive_checkpoints", "SELECT, INSERT, UPDATE (note, kept_at)"),
    ):  # fmt: skip
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        for role, action, rows in (
            ("owner", "ALL", EVERY_ROW), ("worker", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW),
            ("api", "SELECT", READS_THE_LOG),
        ):  # fmt: skip
            check = f" WITH CHECK ({rows})" if action == "ALL" else ""
            op.execute(f"CREATE POLICY audit_{role} ON {table} FOR {action} TO audit_{role} USING ({rows}){check}")
        op.execute(f"GRANT SELECT ON {table} TO audit_api, audit_verify")
        op.execute(f"GRANT {rights} ON {table} TO audit_worker")


def downgrade() -> None:
    op.drop_table("archive_checkpoints")
    op.drop_table("archive_differences")
