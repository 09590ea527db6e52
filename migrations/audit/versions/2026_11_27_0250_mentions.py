"""Every id that an archived event names, of all logs and old ones too: a case's chain, and who looked for whom, walk it."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import EVERY_ROW, READS_THE_LOG

revision = "audit_10"
down_revision = "audit_6"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Without a key to the entries: only their own trigger writes here, and each batch would pay for the check.
    op.create_table(
        "archive_mentions",
        sa.Column("about", sa.Uuid(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("access", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("about", "time", "log", "idx", name=op.f("pk_archive_mentions")),
    )
    op.execute(
        "INSERT INTO archive_mentions (about, time, log, idx, access) "
        "SELECT named, e.time, e.log, e.idx, e.type LIKE 'avrr.%.access.%' "
        "FROM archive_entries e CROSS JOIN LATERAL leaf_ids(e.leaf) named WHERE named <> e.id"
    )
    op.execute("CREATE INDEX ix_archive_mentions_access ON archive_mentions (about, time, log, idx) WHERE access")
    run_sql("archive_mentions_1.sql")
    op.execute(
        "CREATE TRIGGER archive_entries_mentions AFTER INSERT ON archive_entries REFERENCING NEW TABLE AS entered "
        "FOR EACH STATEMENT EXECUTE FUNCTION note_archive_mentions()"
    )
    op.execute("ALTER TABLE archive_mentions ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE archive_mentions FORCE ROW LEVEL SECURITY")
    for role, rows in (("verify", EVERY_ROW), ("worker", EVERY_ROW), ("api", READS_THE_LOG)):
        op.execute(f"CREATE POLICY audit_{role} ON archive_mentions FOR SELECT TO audit_{role} USING ({rows})")
    op.execute(
        f"CREATE POLICY audit_owner ON archive_mentions FOR ALL TO audit_owner USING ({EVERY_ROW}) WITH CHECK ({EVERY_ROW})"
    )
    op.execute("GRANT SELECT ON archive_mentions TO audit_verify, audit_api, audit_worker")


def downgrade() -> None:
    op.execute("DROP TRIGGER archive_entries_mentions ON archive_entries")
    op.execute("DROP FUNCTION note_archive_mentions()")
    op.drop_table("archive_mentions")
