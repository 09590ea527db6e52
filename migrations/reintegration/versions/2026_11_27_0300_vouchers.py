"""Sealed vouchers: which sample an auditor asked for, what was drawn, and which grants' papers are open to which auditor until when."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import follow_transitions
from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN, in_countries, of_the_actor
from migrations.kernel_10 import refuse_to_lose

revision = "reintegration_122"
down_revision = "reintegration_112"
branch_labels = None
depends_on = None

TRANSITIONS = {
    "asked": ["drawn"], "drawn": ["offered"], "offered": ["released", "withdrawn"], "released": ["offered", "withdrawn"],
    "withdrawn": ["offered"],
}  # fmt: skip
# By whom the transaction is, at the time that it states; where it states none, nothing is open.
RELEASED = """CREATE FUNCTION vouchers_released(p_grant uuid) RETURNS boolean LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM released_vouchers r WHERE r.grant_id = p_grant
    AND r.auditor_id = NULLIF(current_setting('app.actor', true), '')
    AND r.ends_at > CAST(NULLIF(current_setting('app.vouchers_at', true), '') AS timestamptz))
$$"""
PAPER_RELEASED = """CREATE FUNCTION paper_released(p_paper uuid) RETURNS boolean LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM evidence_files f WHERE f.evidence_id = p_paper AND vouchers_released(f.grant_id))
$$"""
OPENED = {"evidence_files": "vouchers_released(grant_id)", "evidence_pieces": "paper_released(evidence_id)"}


def upgrade() -> None:
    op.create_table(
        "voucher_samples",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("to_day", sa.Date(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Text(), nullable=False),
        sa.Column("counterseed", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=True),
        sa.Column("population_hash", sa.Text(), nullable=True),
        sa.Column("drawn", pg.JSONB(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("offered_by", sa.Text(), nullable=True),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("version > 1 OR status IN ('asked')", name=op.f("ck_voucher_samples_beginning")),
        sa.CheckConstraint("from_day <= to_day AND size > 0", name=op.f("ck_voucher_samples_period_is_one")),
        sa.CheckConstraint(
            "(status = 'asked') = (population IS NULL) AND num_nulls(population, population_hash, drawn_at) IN (0, 3) "
            "AND jsonb_array_length(drawn) = CASE WHEN population IS NULL THEN 0 ELSE least(size, population) END",
            name=op.f("ck_voucher_samples_drew_as_many"),
        ),
        sa.CheckConstraint(
            "offered_by <> asked_by AND released_by <> asked_by AND released_by <> offered_by",
            name=op.f("ck_voucher_samples_two_persons"),
        ),
        sa.CheckConstraint(
            "(status <> 'released' OR ends_at IS NOT NULL) AND num_nulls(released_by, released_at, ends_at) IN (0, 3) "
            "AND (ends_at IS NULL OR ends_at = released_at + interval '336 hours')",
            name=op.f("ck_voucher_samples_open_for_14_days"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voucher_samples")),
        sa.UniqueConstraint("asked_by", "from_day", "to_day", name="uq_voucher_samples_period"),
    )
    op.create_table(
        "released_vouchers",
        sa.Column("sample_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("auditor_id", sa.Text(), nullable=False),
        sa.Column("released_by", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("auditor_id <> released_by", name=op.f("ck_released_vouchers_not_by_the_auditor")),
        sa.PrimaryKeyConstraint("sample_id", "grant_id", name=op.f("pk_released_vouchers")),
    )
    op.create_index(op.f("ix_released_vouchers_grant_id"), "released_vouchers", ["grant_id"])
    follow_transitions("voucher_samples", TRANSITIONS)
    theirs = f"({SCOPE_IS_KNOWN} OR {of_the_actor('auditor_id')})"
    _open("voucher_samples", SCOPE_IS_KNOWN, SCOPE_IS_KNOWN, "SELECT, INSERT, UPDATE")
    # Nobody opens anything in another's name, and no auditor to themselves.
    _open("released_vouchers", theirs, f"{theirs} AND {of_the_actor('released_by')}", "SELECT, INSERT, DELETE")
    op.execute(RELEASED)
    op.execute(PAPER_RELEASED)
    op.execute("REVOKE ALL ON FUNCTION vouchers_released(uuid), paper_released(uuid) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION vouchers_released(uuid), paper_released(uuid) TO reintegration_api")
    within = in_countries("destination_country")
    for table, opened in OPENED.items():
        rows = f"{within} OR {opened}"
        op.execute(f"ALTER POLICY reintegration_api ON {table} USING ({rows}) WITH CHECK (({rows}) AND {within})")


def downgrade() -> None:
    refuse_to_lose("voucher_samples", "auditors asked for vouchers: a version of before knows neither what was drawn nor to whom it is open")
    within = in_countries("destination_country")
    for table in OPENED:
        op.execute(f"ALTER POLICY reintegration_api ON {table} USING ({within}) WITH CHECK ({within})")
    op.execute("DROP FUNCTION paper_released(uuid)")
    op.execute("DROP FUNCTION vouchers_released(uuid)")
    op.drop_table("released_vouchers")
    op.execute("DROP TRIGGER voucher_samples_status_follows ON voucher_samples")
    op.execute("DELETE FROM status_transition WHERE aggregate = 'voucher_samples'")
    op.drop_table("voucher_samples")


def _open(table: str, rows: str, written: str, rights: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for role, action, seen, checked in (
        ("owner", "ALL", EVERY_ROW, EVERY_ROW), ("verify", "SELECT", EVERY_ROW, None), ("worker", "SELECT", EVERY_ROW, None),
        ("api", "ALL", rows, written),
    ):  # fmt: skip
        check = f" WITH CHECK ({checked})" if checked is not None else ""
        op.execute(f"CREATE POLICY reintegration_{role} ON {table} FOR {action} TO reintegration_{role} USING ({seen}){check}")
    op.execute(f"GRANT SELECT ON {table} TO reintegration_verify")
    op.execute(f"GRANT {rights} ON {table} TO reintegration_api")
