"""Reintegration's tables of what is paid from: the mission's own accounts, each by two persons."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from services.reintegration.domain import own_accounts
from services.reintegration.metadata import METADATA, begins
from shared.tables import aggregate_table, scope

# The mission's accounts are nobody's personal data; the API shows them in full to those alone who pay, account and audit.
OWN_ACCOUNTS = aggregate_table(
    METADATA,
    "own_accounts",
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("country", sa.Text),
    sa.Column("details", pg.JSONB, nullable=False),
    sa.Column("same_account", sa.Text, nullable=False),
    sa.Column("registered_by", sa.Text, nullable=False),
    sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("confirmed_by", sa.Text),
    sa.Column("confirmed_at", sa.DateTime(timezone=True)),
    sa.Column("closing_reason", sa.Text),
    sa.CheckConstraint("kind IN ('bank', 'cash_box')", name="kind_is_known"),
    begins(own_accounts.BEGINNINGS),
    sa.CheckConstraint("registered_by <> confirmed_by", name="two_persons"),
    sa.CheckConstraint("(confirmed_by IS NULL) = (confirmed_at IS NULL)", name="confirmation_is_whole"),
    sa.CheckConstraint("status <> 'active' OR confirmed_by IS NOT NULL", name="paid_from_once_confirmed"),
    sa.CheckConstraint("(status = 'closed') = (closing_reason IS NOT NULL)", name="closed_for_a_reason"),
    # One that was closed gives its number back: else a mistyped currency could never be set right.
    sa.Index(
        "uq_own_accounts_live", "same_account", "currency", unique=True, postgresql_where=sa.text("status <> 'closed'")
    ),
    info=scope("known"),
)
