"""Reintegration's table of what a reconciliation found paid and not received."""

from typing import get_args

import sqlalchemy as sa

from services.reintegration.domain.grant_facts import MOST_TRANCHES
from services.reintegration.metadata import METADATA, amount
from shared.contracts.accounting import DifferenceReason
from shared.tables import scope

_REASONS = ", ".join(f"'{reason}'" for reason in get_args(DifferenceReason))

# A tranche is reconciled once, so it has at most one; it is written in the name of who reconciled, and nobody changes it.
RECONCILIATION_DIFFERENCES = sa.Table(
    "reconciliation_differences",
    METADATA,
    sa.Column("grant_id", sa.Uuid, primary_key=True),
    sa.Column("tranche", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("destination_country", sa.Text, nullable=False),
    amount("amount"),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("reconciled_by", sa.Text, nullable=False),
    sa.Column("reconciled_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("amount > 0", name="something_differs"),
    sa.CheckConstraint(f"reason IN ({_REASONS})", name="reason_is_known"),
    sa.CheckConstraint(f"tranche BETWEEN 1 AND {MOST_TRANCHES}", name="of_a_tranche"),
    info=scope("country:destination_country", written_by="reconciled_by"),
)
