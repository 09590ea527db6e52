"""Reintegration's table of what restores lost of payments, which whoever orders money asks."""

import sqlalchemy as sa

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
