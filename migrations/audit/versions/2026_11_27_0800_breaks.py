"""Where logs were set back, and what they lost, set apart from what they have."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import EVERY_ROW, READS_THE_LOG
from migrations.kernel_10 import refuse_to_lose

revision = "audit_16"
down_revision = "audit_14"
branch_labels = None
depends_on = None

_FORMER = {
    "archive_tiles": ("archive_tiles_only_grow", "archive_tile_only_grows"),
    "archive_checkpoints": ("archive_notes_stay", "archive_note_stays"),
    "archive_exceptions": ("archive_exceptions_only_rise", "archive_exception_rises"),
}
_SET_APART = {
    "archive_entries": "archive_entries_set_apart", "archive_tiles": "archive_tiles_set_apart",
    "archive_checkpoints": "archive_notes_set_apart", "archive_exceptions": "archive_exceptions_set_apart",
    "archive_examined": "archive_examined_set_apart",
}  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "archive_breaks",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kept", sa.BigInteger(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.Column("apart", sa.Boolean(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("generation >= 2", name=op.f("ck_archive_breaks_not_the_first")),
        sa.CheckConstraint("kept >= 0", name=op.f("ck_archive_breaks_kept_some")),
        sa.PrimaryKeyConstraint("log", "generation", name=op.f("pk_archive_breaks")),
    )
    op.execute("ALTER TABLE archive_breaks ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE archive_breaks FORCE ROW LEVEL SECURITY")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("worker", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("api", "SELECT", READS_THE_LOG),
    ):  # fmt: skip
        check = f" WITH CHECK ({rows})" if action == "ALL" else ""
        op.execute(f"CREATE POLICY audit_{role} ON archive_breaks FOR {action} TO audit_{role} USING ({rows}){check}")
    op.execute("GRANT SELECT ON archive_breaks TO audit_api, audit_verify")
    op.execute("GRANT SELECT, INSERT ON archive_breaks TO audit_worker")
    run_sql("archive_breaks_1.sql")


def downgrade() -> None:
    refuse_to_lose("archive_breaks", "that a log was set back, and which entries it lost by that, would be known no more")
    for table, trigger in _SET_APART.items():
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    for table, (trigger, function) in _FORMER.items():
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
        op.execute(f"CREATE TRIGGER {trigger} BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()")
    op.execute("DROP TRIGGER archive_entries_append_only ON archive_entries")
    op.execute(
        "CREATE TRIGGER archive_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON archive_entries "
        "FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only()"
    )
    op.drop_table("archive_breaks")
    for function in ("archive_sets_apart", "archive_break_follows", "archive_is_set_apart"):
        op.execute(f"DROP FUNCTION {function}()")
