"""Reintegration's table of what a reconciliation found paid and not received."""

from typing import get_args

import sqlalchemy as sa

from services.reintegration.domain.grant_facts import MOST_TRANCHES
from services.reintegration.metadata import METADATA
from shared.contracts.accounting import DifferenceReason, ShortReason
from shared.tables import scope

_REASONS = ", ".join(f"'{reason}'" for reason in get_args(DifferenceReason))
_SHORT_REASONS = ", ".join(f"'{reason}'" for reason in get_args(ShortReason))

# A tranche is reconciled once, so it has at most one; it is written in the name of who reconciled, and nobody changes it. What was
# booked and not received stands apart from what was never booked.
RECONCILIATION_DIFFERENCES = sa.Table(
    "reconciliation_differences",
    METADATA,
    sa.Column("grant_id", sa.Uuid, primary_key=True),
    sa.Column("tranche", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("destination_country", sa.Text, nullable=False),
    sa.Column("amount", sa.Numeric),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("reconciled_by", sa.Text, nullable=False),
    sa.Column("reconciled_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("booked_short", sa.Numeric),
    sa.Column("short_reason", sa.Text),
    sa.CheckConstraint(
        "num_nonnulls(amount, booked_short) > 0 AND coalesce(amount, 1) > 0 AND coalesce(booked_short, 1) > 0", name="something_differs"
    ),
    sa.CheckConstraint(
        f"num_nulls(amount, reason) IN (0, 2) AND num_nulls(booked_short, short_reason) IN (0, 2) AND short_reason IN ({_SHORT_REASONS})",
        name="each_has_its_reason",
    ),
    sa.CheckConstraint(f"reason IN ({_REASONS})", name="reason_is_known"),
    sa.CheckConstraint(f"tranche BETWEEN 1 AND {MOST_TRANCHES}", name="of_a_tranche"),
    info=scope("country:destination_country", written_by="reconciled_by"),
)
