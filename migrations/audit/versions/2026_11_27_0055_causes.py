"""Which event each archived one names as its cause, read out of its bytes by the database itself, to be asked for by it."""

from alembic import op

revision = "audit_5"
down_revision = "audit_4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE archive_entries ADD COLUMN causationid uuid GENERATED ALWAYS AS "
        "(cast(substring(encode(leaf, 'escape') from '\"causationid\":\"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\"') AS uuid)) STORED"
    )
    op.execute(
        "CREATE INDEX ix_archive_entries_causationid ON archive_entries (causationid, log, idx) WHERE causationid IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_archive_entries_causationid")
    op.execute("ALTER TABLE archive_entries DROP COLUMN causationid")
