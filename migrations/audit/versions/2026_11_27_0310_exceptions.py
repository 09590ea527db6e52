"""What the archive's worker finds in archived events for somebody to look at, and how far it looked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.kernel_2 import EVERY_ROW, READS_THE_LOG

revision = "audit_11"
down_revision = "audit_7"
branch_labels = None
depends_on = None

_WALKED = (
    ("time", "log", "idx", "kind"),
    ("kind", "time", "log", "idx"),
    ("actorid", "time", "log", "idx", "kind"),
    ("partitionkey", "time", "log", "idx", "kind"),
)


def upgrade() -> None:
    op.create_table(
        "archive_exceptions",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("partitionkey", sa.Uuid(), nullable=False),
        sa.Column("actorid", sa.Text(), nullable=False),
        sa.Column("beside", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "log", "idx", name=op.f("pk_archive_exceptions")),
    )
    for columns in _WALKED:
        op.create_index(op.f(f"ix_archive_exceptions_{'_'.join(columns)}"), "archive_exceptions", list(columns))
    op.create_index(
        "ix_archive_exceptions_many_reads", "archive_exceptions", ["actorid", "day"],
        postgresql_where=sa.text("kind = 'many_reads'"),
    )
    op.create_table(
        "archive_reader_days",
        sa.Column("actorid", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("records", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.PrimaryKeyConstraint("actorid", "day", name=op.f("pk_archive_reader_days")),
    )
    op.create_table(
        "archive_examined",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("last_idx", sa.BigInteger(), nullable=False),
        sa.Column("rules", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("log", name=op.f("pk_archive_examined")),
    )
    for table in ("archive_exceptions", "archive_reader_days", "archive_examined"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        for role, action, rows in (
            ("owner", "ALL", EVERY_ROW), ("worker", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW),
            ("api", "SELECT", READS_THE_LOG),
        ):  # fmt: skip
            check = f" WITH CHECK ({rows})" if action == "ALL" else ""
            op.execute(f"CREATE POLICY audit_{role} ON {table} FOR {action} TO audit_{role} USING ({rows}){check}")
        op.execute(f"GRANT SELECT ON {table} TO audit_api, audit_verify")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO audit_worker")


def downgrade() -> None:
    """Loses nothing: the worker finds all of it anew in the archived events."""
    for table in ("archive_examined", "archive_reader_days", "archive_exceptions"):
        op.drop_table(table)
