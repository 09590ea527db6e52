"""Reintegration's tables of what goes to the bank: the mission's own accounts, and payments that are ordered together."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from services.reintegration.domain import batch_state, own_accounts
from services.reintegration.metadata import METADATA, begins
from shared.tables import aggregate_table, jsonb, scope

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

PAYMENT_BATCHES = aggregate_table(
    METADATA,
    "payment_batches",
    sa.Column("own_account_id", sa.Uuid, sa.ForeignKey("own_accounts.id"), nullable=False),
    sa.Column("execution_on", sa.Date, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    jsonb("sums"),
    # A bank may book a block as one; those of before are not known.
    sa.Column("block_sums", pg.JSONB, nullable=False, server_default="[]"),
    sa.Column("file_sha256", sa.Text, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("attempts", pg.ARRAY(sa.Uuid), nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("approved_by", sa.Text),
    sa.Column("approved_at", sa.DateTime(timezone=True)),
    sa.Column("sent_by", sa.Text),
    sa.Column("sent_at", sa.DateTime(timezone=True)),
    sa.Column("drop_reason", sa.Text),
    sa.Column("drop_asked_by", sa.Text),
    sa.Column("drop_asked_at", sa.DateTime(timezone=True)),
    sa.Column("dropped_by", sa.Text),
    sa.Column("dropped_at", sa.DateTime(timezone=True)),
    sa.Column("takers", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("times_taken", sa.Integer, nullable=False),
    # A batch begins with its payments, so that its version is never 1 alone.
    sa.CheckConstraint(f"approved_by IS NOT NULL OR status IN ({', '.join(map(repr, sorted({*batch_state.BEGINNINGS, 'dropped'})))})", name="nothing_goes_unapproved"),
    sa.CheckConstraint("cardinality(attempts) = count AND count BETWEEN 1 AND 1000", name="counted"),
    sa.CheckConstraint("made_by <> approved_by", name="two_persons"),
    sa.CheckConstraint("num_nulls(approved_by, approved_at) IN (0, 2) AND num_nulls(sent_by, sent_at) IN (0, 2)", name="acts_are_whole"),
    sa.CheckConstraint("(status IN ('made', 'approved')) <= (sent_by IS NULL) AND (status = 'sent') <= (sent_by IS NOT NULL)", name="sent_by_somebody"),
    sa.CheckConstraint(
        "(status = 'dropped') = (dropped_by IS NOT NULL) AND num_nulls(dropped_by, dropped_at) IN (0, 2) "
        "AND num_nulls(drop_asked_by, drop_asked_at) IN (0, 2)",
        name="drop_is_whole",
    ),
    # Whoever took the file first is the first of those who did.
    sa.CheckConstraint(
        "CASE WHEN sent_by IS NULL THEN cardinality(takers) = 0 AND times_taken = 0 "
        "ELSE (takers[1] = sent_by) IS TRUE AND times_taken >= cardinality(takers) END",
        name="taken_by_whom",
    ),
    sa.CheckConstraint(
        "dropped_by IS NULL OR sent_by IS NULL OR (drop_asked_by <> dropped_by) IS TRUE", name="dropped_by_two_persons"
    ),
    sa.Index(None, "status", "id"),
    info=scope("known"),
)

# Which attempts stand in which batch; an attempt stands in at most one that was not dropped.
BATCH_PAYMENTS = sa.Table(
    "batch_payments",
    METADATA,
    sa.Column("batch_id", sa.Uuid, primary_key=True),
    sa.Column("attempt_id", sa.Uuid, sa.ForeignKey("payment_attempts.attempt_id"), primary_key=True),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("live", sa.Boolean, nullable=False),
    # Also of batches that were dropped: the bank may have had one.
    sa.Index(None, "attempt_id"),
    sa.Index("uq_batch_payments_live", "attempt_id", unique=True, postgresql_where=sa.text("live")),
    info=scope("known"),
)

# How far the bank is with each batch, by what its attempts say: counted by triggers (`batch_progress_1.sql`), so that no list
# counts a thousand payments of each batch that it shows. No login writes to it.
BATCH_PROGRESS = sa.Table(
    "batch_progress",
    METADATA,
    sa.Column("batch_id", sa.Uuid, primary_key=True),
    *(sa.Column(name, sa.Integer, nullable=False, server_default="0") for name in ("waiting", "paid", "failed", "returned")),
    sa.CheckConstraint("least(waiting, paid, failed, returned) >= 0", name="counted"),
    info=scope("known"),
)
