"""Findings that nothing clears are explained by one person and accepted by another; how often each was found is kept."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import follow_transitions
from migrations.kernel_2 import EVERY_ROW, READS_THE_LOG, SCOPE_IS_KNOWN
from migrations.kernel_10 import refuse_to_lose

revision = "audit_18"
down_revision = "audit_22"
branch_labels = None
depends_on = None

TRANSITIONS = {"explained": ["explained", "accepted", "rejected"], "accepted": ["explained"], "rejected": ["explained"]}


def upgrade() -> None:
    """Nobody meets it: findings are few, and whoever notes one waits for a moment and tries again."""
    op.add_column("archive_differences", sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False))
    op.create_unique_constraint(op.f("uq_archive_differences_id"), "archive_differences", ["id"])
    op.execute(f"ALTER POLICY audit_api ON archive_differences USING ({READS_THE_LOG} OR {SCOPE_IS_KNOWN})")
    op.create_table(
        "archive_sightings",
        sa.Column("finding_id", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["archive_differences.id"], name=op.f("fk_archive_sightings_finding_id_archive_differences")
        ),
        sa.PrimaryKeyConstraint("finding_id", "mark", name=op.f("pk_archive_sightings")),
    )
    op.create_table(
        "explained_findings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("finding", sa.Text(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("sightings", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("explained_by", sa.Text(), nullable=False),
        sa.Column("explained_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("accepted_by", sa.Text(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rejected_by", sa.Text(), nullable=True),
        sa.Column("rejected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rejection", sa.Text(), nullable=True),
        sa.CheckConstraint("version > 1 OR status IN ('explained')", name=op.f("ck_explained_findings_beginning")),
        sa.CheckConstraint(
            "finding IN ('place', 'root', 'note', 'exception', 'twice')", name=op.f("ck_explained_findings_finding_lasts")
        ),
        sa.CheckConstraint(
            "accepted_by <> explained_by AND rejected_by <> explained_by", name=op.f("ck_explained_findings_two_persons")
        ),
        sa.CheckConstraint(
            "num_nulls(accepted_by, accepted_at) IN (0, 2) AND num_nulls(rejected_by, rejected_at, rejection) IN (0, 3) "
            "AND (status = 'accepted') = (accepted_by IS NOT NULL) AND (status = 'rejected') = (rejected_by IS NOT NULL)",
            name=op.f("ck_explained_findings_decided_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_explained_findings")),
    )
    follow_transitions("explained_findings", TRANSITIONS)
    # The worker says what it found, and of what people say of it only reads.
    _secure("archive_sightings", worker="ALL", api="SELECT")
    op.execute("GRANT SELECT, INSERT ON archive_sightings TO audit_worker")
    op.execute("GRANT SELECT ON archive_sightings TO audit_api")
    _secure("explained_findings", worker="SELECT", api="ALL")
    op.execute("GRANT SELECT ON explained_findings TO audit_worker")
    op.execute("GRANT SELECT, INSERT, UPDATE ON explained_findings TO audit_api")
    op.execute(
        "CREATE TRIGGER archive_sightings_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON archive_sightings "
        "FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only()"
    )


def downgrade() -> None:
    refuse_to_lose("explained_findings", "what was found out about findings, and who accepted it, would be known no more")
    refuse_to_lose("archive_sightings", "how often each finding was found would be known no more")
    op.drop_table("explained_findings")
    op.execute("DELETE FROM status_transition WHERE aggregate = 'explained_findings'")
    op.drop_table("archive_sightings")
    op.execute(f"ALTER POLICY audit_api ON archive_differences USING ({READS_THE_LOG})")
    op.drop_constraint(op.f("uq_archive_differences_id"), "archive_differences")
    op.drop_column("archive_differences", "id")


def _secure(table: str, *, worker: str, api: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", worker, EVERY_ROW), ("api", api, SCOPE_IS_KNOWN),
    ):  # fmt: skip
        check = f" WITH CHECK ({rows})" if action == "ALL" else ""
        op.execute(f"CREATE POLICY audit_{role} ON {table} FOR {action} TO audit_{role} USING ({rows}){check}")
    op.execute(f"GRANT SELECT ON {table} TO audit_verify")
