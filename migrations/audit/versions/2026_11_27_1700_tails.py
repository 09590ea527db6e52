"""Entries of the archive that nobody signed are set apart where the log was signed with others in their place."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import EVERY_ROW, READS_THE_LOG
from migrations.kernel_10 import refuse_to_lose

revision = "audit_25"
down_revision = "audit_24"
branch_labels = None
depends_on = None

_KIND = "ck_archive_differences_kind_known"
_FORMER_KINDS = ("other", "missing", "archive", "root", "column", "tile", "twice", "place", "note", "exception")
_OF_A_LOG = "log ~ '^[a-z]{1,32}$'"
_BREAKS = "ck_archive_breaks_of_a_log"
_LASTS = "ck_explained_findings_finding_lasts"
_FORMER_LASTING = ("place", "root", "note", "exception", "twice")


def upgrade() -> None:
    op.create_table(
        "archive_tails",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("kept", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint(_OF_A_LOG, name=op.f("ck_archive_tails_of_a_log")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_archive_tails_counted")),
        sa.CheckConstraint("kept >= 0 AND kept < size", name=op.f("ck_archive_tails_kept_before")),
        sa.PrimaryKeyConstraint("log", "number", name=op.f("pk_archive_tails")),
    )
    op.execute("ALTER TABLE archive_tails ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE archive_tails FORCE ROW LEVEL SECURITY")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("worker", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("api", "SELECT", READS_THE_LOG),
    ):  # fmt: skip
        check = f" WITH CHECK ({rows})" if action == "ALL" else ""
        op.execute(f"CREATE POLICY audit_{role} ON archive_tails FOR {action} TO audit_{role} USING ({rows}){check}")
    op.execute("GRANT SELECT ON archive_tails TO audit_api, audit_verify")
    op.execute("GRANT SELECT, INSERT ON archive_tails TO audit_worker")
    run_sql("archive_tails_1.sql")
    # What was set apart already is set apart from nothing else once more, on to a name that nobody looks at.
    op.create_check_constraint(op.f(_BREAKS), "archive_breaks", _OF_A_LOG)
    _known(_KIND, "archive_differences", "kind", (*_FORMER_KINDS, "tail"))
    _known(_LASTS, "explained_findings", "finding", (*_FORMER_LASTING, "tail"))


def downgrade() -> None:
    refuse_to_lose("archive_tails", "which entries of the archive nobody signed, and what proves that, would be known no more")
    refuse_to_lose("archive_differences WHERE kind = 'tail'", "that entries of the archive were signed by nobody would be known no more")
    _known(_LASTS, "explained_findings", "finding", _FORMER_LASTING)
    _known(_KIND, "archive_differences", "kind", _FORMER_KINDS)
    op.drop_constraint(op.f(_BREAKS), "archive_breaks")
    run_sql("archive_tails_0.sql")
    op.drop_table("archive_tails")
    op.execute("DROP FUNCTION archive_tail_follows()")


def _known(constraint: str, table: str, column: str, kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f(constraint), table)
    op.create_check_constraint(op.f(constraint), table, f"{column} IN ({', '.join(f'{kind!r}' for kind in kinds)})")
