"""What one person did of one kind is searched by an index of its own: who reads much did much besides."""

from alembic import op

revision = "audit_6"
down_revision = "audit_5"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_archive_entries_actorid_type_time_log_idx ON archive_entries (actorid, type, time, log, idx)"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_archive_entries_actorid_type_time_log_idx")
