"""Every approval is kept as a decision, and so is whoever stopped money, let it go on, asked it back or added to it."""

from alembic import op

revision = "reintegration_39"
down_revision = "reintegration_38"
branch_labels = None
depends_on = None

# The names of a decision's event, of what was decided, and of who took it and when in its leaf.
KINDS = (
    ("approval_given", "approved", "approved_by", "approved_at"), ("suspended", "suspended", "suspended_by", "suspended_at"),
    ("resumed", "resumed", "resumed_by", "resumed_at"), ("recovery_opened", "recovery_opened", "opened_by", "opened_at"),
    ("commitment_added", "commitment_added", "added_by", "added_at"),
)  # fmt: skip
_TYPES = ", ".join(f"('avrr.reintegration.grant.{event}.v1', '{what}', '{by}', '{at}')" for event, what, by, at in KINDS)
_ASKED = ", ".join(f"'avrr.reintegration.grant.{event}.v1'" for event in ("requested", "resubmitted", "drafted", "revised"))
# For how much is the event's own, or else what was asked for then. Of the last approval there is a row already.
FROM_THE_LOG = (
    "INSERT INTO grant_decisions SELECT e.subject, a.request_version, k.what, 0, s.decided_by, s.decided_at, "
    "coalesce(own.amount, a.amount), coalesce(own.currency, a.currency), g.destination_country "
    f"FROM (VALUES {_TYPES}) k(type, what, by, at) JOIN event_log e ON e.type = k.type JOIN grants g ON g.id = e.subject "
    "CROSS JOIN LATERAL leaf_decision(e.leaf, k.by, k.at) s CROSS JOIN LATERAL leaf_asked(e.leaf, 0) own "
    "CROSS JOIN LATERAL (SELECT r.leaf FROM event_log r WHERE r.subject = e.subject AND r.aggver < e.aggver "
    f" AND r.type IN ({_ASKED}) ORDER BY r.aggver DESC LIMIT 1) r CROSS JOIN LATERAL leaf_asked(r.leaf, 0) a "
    "ON CONFLICT DO NOTHING"
)


def upgrade() -> None:
    op.execute(FROM_THE_LOG)


def downgrade() -> None:
    kinds = ", ".join(f"'{what}'" for _, what, _, _ in KINDS if what != "approved")
    op.execute(
        f"DELETE FROM grant_decisions d WHERE d.what IN ({kinds}) OR (d.what = 'approved' AND NOT EXISTS (SELECT FROM grants g "
        "WHERE g.id = d.grant_id AND (g.approver_id, g.approved_at) = (d.decided_by, d.decided_at)))"
    )
