"""Reintegration's tables of sealed vouchers: what was asked for and drawn, and which papers are open to which auditor until when."""

import sqlalchemy as sa

from services.reintegration.domain import vouchers
from services.reintegration.metadata import METADATA, begins
from shared.tables import aggregate_table, jsonb, scope

_OPENING = ("sample_id", "grant_id", "auditor_id", "released_by", "ends_at")

VOUCHER_SAMPLES = aggregate_table(
    METADATA,
    "voucher_samples",
    sa.Column("from_day", sa.Date, nullable=False),
    sa.Column("to_day", sa.Date, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("seed", sa.Text, nullable=False),
    sa.Column("counterseed", sa.Text, nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("population", sa.Integer),
    sa.Column("population_hash", sa.Text),
    # How long the log was as the payments were counted; of samples that were drawn before this was noted nobody knows.
    sa.Column("log_size", sa.BigInteger),
    jsonb("drawn"),
    sa.Column("drawn_at", sa.DateTime(timezone=True)),
    sa.Column("offered_by", sa.Text),
    sa.Column("offered_at", sa.DateTime(timezone=True)),
    sa.Column("released_by", sa.Text),
    sa.Column("released_at", sa.DateTime(timezone=True)),
    sa.Column("ends_at", sa.DateTime(timezone=True)),
    sa.Column("withdrawn_by", sa.Text),
    sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
    begins(vouchers.BEGINNINGS),
    sa.CheckConstraint("from_day <= to_day AND size > 0", name="period_is_one"),
    sa.CheckConstraint(
        "(status = 'asked') = (population IS NULL) AND num_nulls(population, population_hash, drawn_at) IN (0, 3) "
        "AND jsonb_array_length(drawn) = CASE WHEN population IS NULL THEN 0 ELSE least(size, population) END",
        name="drew_as_many",
    ),
    sa.CheckConstraint("log_size IS NULL OR (status <> 'asked' AND log_size > 0)", name="counted_once_drawn"),
    sa.CheckConstraint("offered_by <> asked_by AND released_by <> asked_by AND released_by <> offered_by", name="two_persons"),
    sa.CheckConstraint(
        "(status <> 'released' OR ends_at IS NOT NULL) AND num_nulls(released_by, released_at, ends_at) IN (0, 3) "
        "AND (ends_at IS NULL OR ends_at = released_at + interval '336 hours')",
        name="open_for_14_days",
    ),
    sa.UniqueConstraint("asked_by", "from_day", "to_day", name="uq_voucher_samples_period"),
    info=scope("known"),
)

# Which grants' vouchers are open to whom, as whoever opened them wrote it in their own name.
RELEASED_VOUCHERS = sa.Table(
    "released_vouchers",
    METADATA,
    sa.Column("sample_id", sa.Uuid, primary_key=True),
    sa.Column("grant_id", sa.Uuid, primary_key=True),
    sa.Column("auditor_id", sa.Text, nullable=False),
    sa.Column("released_by", sa.Text, nullable=False),
    sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("auditor_id <> released_by", name="not_by_the_auditor"),
    sa.UniqueConstraint(*_OPENING, name="uq_released_vouchers_opening"),
    sa.Index(None, "grant_id"),
    info=scope("known", "actor:auditor_id", written_by="released_by"),
)

# What row security asks of each paper: whether it was a voucher as the sample was opened. Of which kind a paper is stands sealed, so
# whoever opens them writes which these are; a row goes with the opening, and with its file.
RELEASED_PAPERS = sa.Table(
    "released_papers",
    METADATA,
    sa.Column("sample_id", sa.Uuid, primary_key=True),
    sa.Column("evidence_id", sa.Uuid, primary_key=True),
    sa.Column("grant_id", sa.Uuid, nullable=False),
    sa.Column("auditor_id", sa.Text, nullable=False),
    sa.Column("released_by", sa.Text, nullable=False),
    sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
    # No paper of it is open to another, or for longer.
    sa.ForeignKeyConstraint(_OPENING, [f"released_vouchers.{name}" for name in _OPENING], name="fk_released_papers_opening", ondelete="CASCADE"),
    sa.ForeignKeyConstraint(("evidence_id",), ("evidence_files.evidence_id",), name="fk_released_papers_file", ondelete="CASCADE"),
    sa.Index(None, "evidence_id"),
    info=scope("known", "actor:auditor_id", written_by="released_by"),
)
