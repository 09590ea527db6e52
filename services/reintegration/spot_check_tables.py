"""Reintegration's tables of spot checks: what was drawn when and by whom, and what was found."""

import sqlalchemy as sa

from services.reintegration.metadata import METADATA
from shared.tables import aggregate_table, jsonb, scope

SPOT_CHECK_DRAWS = aggregate_table(
    METADATA,
    "spot_check_draws",
    sa.Column("from_day", sa.Date, nullable=False),
    sa.Column("to_day", sa.Date, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("population", sa.Integer, nullable=False),
    sa.Column("population_hash", sa.Text, nullable=False),
    sa.Column("seed", sa.Text, nullable=False),
    jsonb("drawn"),
    sa.Column("drawn_by", sa.Text, nullable=False),
    sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("from_day <= to_day", name="period_is_one"),
    sa.CheckConstraint("jsonb_array_length(drawn) = least(size, population) AND size > 0", name="drew_as_many"),
    sa.UniqueConstraint("drawn_by", "from_day", "to_day", name="uq_spot_check_draws_period"),
    info=scope("known", written_by="drawn_by"),
)

# Each delivery of each draw; nobody changes a row.
DRAWN_DELIVERIES = sa.Table(
    "drawn_deliveries",
    METADATA,
    sa.Column("draw_id", sa.Uuid, primary_key=True),
    sa.Column("grant_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("country", sa.Text, nullable=False),
    sa.Column("place", sa.Integer, nullable=False),
    info=scope("country:country"),
)

SPOT_CHECKS = aggregate_table(
    METADATA,
    "spot_checks",
    sa.Column("draw_id", sa.Uuid, nullable=False),
    sa.Column("grant_id", sa.Uuid, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("country", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("checked_on", sa.Date, nullable=False),
    sa.Column("recorded_by", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("outcome IN ('confirmed', 'differs', 'not_found', 'beneficiary_unreachable')", name="outcome_is_known"),
    # What was not drawn is not looked at.
    sa.ForeignKeyConstraint(
        ("draw_id", "grant_id", "number"), [f"drawn_deliveries.{name}" for name in ("draw_id", "grant_id", "number")],
        name="fk_spot_checks_drawn",
    ),
    # Who could not be reached is tried again.
    sa.Index(
        "uq_spot_checks_found", "draw_id", "grant_id", "number", unique=True,
        postgresql_where=sa.text("outcome <> 'beneficiary_unreachable'"),
    ),
    sa.Index(None, "grant_id"),
    info=scope("country:country", written_by="recorded_by"),
)  # fmt: skip
