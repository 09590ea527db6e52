"""Reintegration's table of what restores lost of payments, which whoever orders money asks."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from services.reintegration.metadata import METADATA
from shared.tables import aggregate_table, jsonb, scope

LOST_PAYMENTS = aggregate_table(
    METADATA,
    "lost_payments",
    jsonb("payments"),
    sa.Column("listed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("asked_by", sa.Text),
    sa.Column("cleared_by", sa.Text),
    sa.Column("cleared_at", sa.DateTime(timezone=True)),
    # Of restores of before nobody said how much nobody knows.
    sa.Column("unknown", sa.Integer, nullable=False, server_default="0"),
    sa.Column("since", sa.DateTime(timezone=True)),
    sa.Column("stops", pg.JSONB, nullable=False, server_default="[]"),
    sa.Column("without_statements", pg.ARRAY(sa.Uuid), nullable=False, server_default="{}"),
    sa.CheckConstraint("unknown >= 0 AND (status <> 'waiting' OR cardinality(without_statements) = 0)", name="unknown_is_said"),
    sa.CheckConstraint("status IN ('waiting', 'asked', 'cleared')", name="status_known"),
    sa.CheckConstraint("cleared_by <> asked_by", name="two_persons"),
    # Nor by whoever ordered or recorded one of them.
    sa.CheckConstraint(
        "cleared_by IS NULL OR NOT payments @> jsonb_build_array(jsonb_build_object('by', cleared_by))", name="cleared_by_another"
    ),
    sa.CheckConstraint(
        "num_nulls(cleared_by, cleared_at) IN (0, 2) AND (status = 'cleared') = (cleared_by IS NOT NULL) AND "
        "(status = 'waiting' OR asked_by IS NOT NULL)",
        name="cleared_by_two",
    ),
    info=scope("any"),
)
