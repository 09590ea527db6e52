"""Row security opens of a sample's grants the papers that were vouchers as two persons opened them, and no other paper."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN, in_countries, of_the_actor

revision = "reintegration_126"
down_revision = "reintegration_125"
branch_labels = None
depends_on = None

# What an opening is, in whole, so that no paper of it is open to another or for longer.
OPENING = ("sample_id", "grant_id", "auditor_id", "released_by", "ends_at")
# By whom the transaction is, at the time that it states; where it states none, nothing is open.
PAPER_RELEASED = """CREATE OR REPLACE FUNCTION paper_released(p_paper uuid) RETURNS boolean LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM released_papers r WHERE r.evidence_id = p_paper
    AND r.auditor_id = NULLIF(current_setting('app.actor', true), '')
    AND r.ends_at > CAST(NULLIF(current_setting('app.vouchers_at', true), '') AS timestamptz))
$$"""
RELEASED_BEFORE = """CREATE FUNCTION vouchers_released(p_grant uuid) RETURNS boolean LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM released_vouchers r WHERE r.grant_id = p_grant
    AND r.auditor_id = NULLIF(current_setting('app.actor', true), '')
    AND r.ends_at > CAST(NULLIF(current_setting('app.vouchers_at', true), '') AS timestamptz))
$$"""
PAPER_RELEASED_BEFORE = """CREATE OR REPLACE FUNCTION paper_released(p_paper uuid) RETURNS boolean LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM evidence_files f WHERE f.evidence_id = p_paper AND vouchers_released(f.grant_id))
$$"""


def upgrade() -> None:
    op.create_unique_constraint("uq_released_vouchers_opening", "released_vouchers", list(OPENING))
    op.create_table(
        "released_papers",
        sa.Column("sample_id", sa.Uuid(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("auditor_id", sa.Text(), nullable=False),
        sa.Column("released_by", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sample_id", "evidence_id", name=op.f("pk_released_papers")),
        sa.ForeignKeyConstraint(
            OPENING, [f"released_vouchers.{name}" for name in OPENING], name="fk_released_papers_opening", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence_files.evidence_id"], name="fk_released_papers_file", ondelete="CASCADE"
        ),
    )
    op.create_index(op.f("ix_released_papers_evidence_id"), "released_papers", ["evidence_id"])
    op.execute("ALTER TABLE released_papers ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE released_papers FORCE ROW LEVEL SECURITY")
    theirs = f"({SCOPE_IS_KNOWN} OR {of_the_actor('auditor_id')})"
    for role, action, seen, checked in (
        ("owner", "ALL", EVERY_ROW, EVERY_ROW), ("verify", "SELECT", EVERY_ROW, None), ("worker", "SELECT", EVERY_ROW, None),
        ("api", "ALL", theirs, f"{theirs} AND {of_the_actor('released_by')}"),
    ):  # fmt: skip
        check = f" WITH CHECK ({checked})" if checked is not None else ""
        op.execute(f"CREATE POLICY reintegration_{role} ON released_papers FOR {action} TO reintegration_{role} USING ({seen}){check}")
    op.execute("GRANT SELECT ON released_papers TO reintegration_verify")
    op.execute("GRANT SELECT, INSERT ON released_papers TO reintegration_api")
    op.execute(PAPER_RELEASED)
    _opened_by("paper_released(evidence_id)")
    op.execute("DROP FUNCTION vouchers_released(uuid)")


def downgrade() -> None:
    """Nothing is lost: which sample is open to whom stands beside it, and of which kind a paper is with its grant."""
    op.execute(RELEASED_BEFORE)
    op.execute("REVOKE ALL ON FUNCTION vouchers_released(uuid) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION vouchers_released(uuid) TO reintegration_api")
    _opened_by("vouchers_released(grant_id)")
    op.execute(PAPER_RELEASED_BEFORE)
    op.drop_table("released_papers")
    op.drop_constraint("uq_released_vouchers_opening", "released_vouchers")


def _opened_by(files: str) -> None:
    within = in_countries("destination_country")
    for table, opened in (("evidence_files", files), ("evidence_pieces", "paper_released(evidence_id)")):
        rows = f"{within} OR {opened}"
        op.execute(f"ALTER POLICY reintegration_api ON {table} USING ({rows}) WITH CHECK (({rows}) AND {within})")
