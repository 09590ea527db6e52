"""The entries of every log as they came, appended and never changed, and the tiles of each log's tree."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_2 import EVERY_ROW, READS_THE_LOG

revision = "audit_2"
down_revision = "audit_1"
branch_labels = None
depends_on = None

_WALKED = (
    ("time", "log", "idx"),
    ("log", "time", "idx"),
    ("type", "time", "log", "idx"),
    ("subject", "time", "log", "idx"),
    ("partitionkey", "time", "log", "idx"),
    ("actorid", "time", "log", "idx"),
    ("reason", "time", "log", "idx"),
)


def upgrade() -> None:
    op.create_table(
        "archive_entries",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("partitionkey", sa.Uuid(), nullable=False),
        sa.Column("actorid", sa.Text(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("octet_length(leaf) <= 32768", name=op.f("ck_archive_entries_leaf_size")),
        sa.CheckConstraint("octet_length(leaf_hash) = 32", name=op.f("ck_archive_entries_leaf_hash_size")),
        sa.PrimaryKeyConstraint("log", "idx", name=op.f("pk_archive_entries")),
    )
    op.create_index(op.f("ix_archive_entries_id"), "archive_entries", ["id"])
    for columns in _WALKED:
        op.create_index(
            op.f(f"ix_archive_entries_{'_'.join(columns)}"), "archive_entries", list(columns),
            postgresql_where=sa.text("reason IS NOT NULL") if columns[0] == "reason" else None,
        )
    op.create_table(
        "archive_tiles",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "octet_length(hashes) BETWEEN 32 AND 8192 AND octet_length(hashes) % 32 = 0",
            name=op.f("ck_archive_tiles_hashes_whole"),
        ),
        sa.PrimaryKeyConstraint("log", "level", "idx", name=op.f("pk_archive_tiles")),
    )
    # What was archived is changed by nobody, the tables' owner included.
    op.execute(
        "CREATE TRIGGER archive_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON archive_entries "
        "FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only()"
    )
    for table, rights in (("archive_entries", "SELECT, INSERT"), ("archive_tiles", "SELECT, INSERT, UPDATE (hashes)")):
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
    op.drop_table("archive_tiles")
    op.drop_table("archive_entries")
