"""Reintegration's tables of rates of exchange: each as it is now, and every revision."""

import sqlalchemy as sa

from services.reintegration.metadata import METADATA, amount
from shared.tables import aggregate_table, scope

# What is recorded under an id for a currency, base and day, as it is now; beside it every revision, none of which is ever
# changed, counted over the day: a conversion answers with the ones that it is made by.
RATES = aggregate_table(
    METADATA,
    "rates",
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("base", sa.Text, nullable=False),
    sa.Column("effective_on", sa.Date, nullable=False),
    amount("rate"),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("recorded_by", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("rate > 0", name="rate_above_zero"),
    sa.CheckConstraint("currency <> base AND currency <> 'USD' AND base IN ('USD', 'EUR')", name="one_measure"),
    sa.Column("void", sa.Boolean, nullable=False, server_default="false"),
    sa.CheckConstraint("revision > 1 OR reason IS NULL", name="corrected_for_a_reason"),
    sa.CheckConstraint("NOT void OR reason IS NOT NULL", name="void_for_a_reason"),
    sa.Index(None, "effective_on", "id"),
    sa.Index(None, "currency", "effective_on", "id"),
    info=scope("known"),
)

EXCHANGE_RATES = sa.Table(
    "exchange_rates",
    METADATA,
    sa.Column("currency", sa.Text, primary_key=True),
    sa.Column("base", sa.Text, primary_key=True),
    sa.Column("effective_on", sa.Date, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("rate_id", sa.Uuid, nullable=False),
    amount("rate"),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("recorded_by", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("void", sa.Boolean, nullable=False, server_default="false"),
    sa.CheckConstraint("rate > 0", name="rate_above_zero"),
    sa.UniqueConstraint("rate_id", "revision"),
    info=scope("known"),
)
