"""Reintegration's table of payments that were made although something stood against them."""

import sqlalchemy as sa

from services.reintegration.domain.grant_facts import MOST_TRANCHES
from services.reintegration.metadata import METADATA, amount
from shared.tables import scope

# What was said once is never said otherwise: it is written in the name of who said it, and nobody changes it. What stood against
# it is not here: it may be what a list of sanctions says of somebody, so it is concealed beside the log and goes with them.
PAID_ALTHOUGH = sa.Table(
    "paid_although",
    METADATA,
    sa.Column("grant_id", sa.Uuid, primary_key=True),
    sa.Column("tranche", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("attempt_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("what", sa.Text, primary_key=True),
    sa.Column("destination_country", sa.Text, nullable=False),
    sa.Column("payee_id", sa.Uuid),
    amount("amount"),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("said_by", sa.Text, nullable=False),
    sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("what IN ('handed_over', 'paid')", name="what_is_known"),
    sa.CheckConstraint(f"amount > 0 AND attempt_no >= 1 AND tranche BETWEEN 1 AND {MOST_TRANCHES}", name="of_an_attempt"),
    info=scope("country:destination_country", written_by="said_by"),
)
