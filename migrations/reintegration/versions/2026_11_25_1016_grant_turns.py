"""Since when a grant waits, when it was endorsed, and whose turn it is: what the lists of finance are made of."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_2 import EVERY_ROW, in_countries

revision = "reintegration_4"
down_revision = "reintegration_3"
branch_labels = None
depends_on = None

_HAS = "g.tranches @> '[{{\"status\": \"{}\"}}]'"


def upgrade() -> None:
    # Rows security holds for the owner too; it has a policy for all rows of grants.
    op.add_column("grants", sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("grants", sa.Column("endorsed_at", sa.DateTime(timezone=True), nullable=True))
    # Events up to here say of two steps alone when they were; a fold of them comes to the same.
    op.execute("UPDATE grants SET waiting_since = coalesce(approved_at, requested_at)")
    op.alter_column("grants", "waiting_since", nullable=False)
    op.create_table(
        "grant_turns",
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("hat", sa.Text(), nullable=False),
        sa.Column("destination_country", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("grant_id", "hat", name=op.f("pk_grant_turns")),
    )
    op.execute(
        "INSERT INTO grant_turns (grant_id, hat, destination_country, step, since) "
        "SELECT g.id, due.hat, g.destination_country, due.step, g.waiting_since FROM grants g CROSS JOIN LATERAL (VALUES "
        "('endorser', 'endorse', g.status = 'submitted'), ('requester', 'resubmit', g.status = 'returned'), "
        "('approver', 'approve', g.status = 'endorsed'), "
        f"('payer', 'confirm_payment', {_HAS.format('released')} AND g.status <> 'cancelled'), "
        f"('payer', 'release', {_HAS.format('planned')} AND NOT {_HAS.format('released')} "
        f" AND NOT {_HAS.format('paid')} AND g.status IN ('approved', 'in_disbursement')), "
        f"('deliverer', 'confirm_delivery', {_HAS.format('paid')}), "
        f"('reconciler', 'reconcile', {_HAS.format('delivered')})) due(hat, step, is_due) WHERE due.is_due"
    )
    op.create_index(op.f("ix_grant_turns_hat_since_grant_id"), "grant_turns", ["hat", "since", "grant_id"])
    op.create_index(
        op.f("ix_grant_turns_destination_country_hat_since_grant_id"), "grant_turns",
        ["destination_country", "hat", "since", "grant_id"],
    )
    op.execute("ALTER TABLE grant_turns ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE grant_turns FORCE ROW LEVEL SECURITY")
    within = in_countries("destination_country")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "SELECT", EVERY_ROW), ("api", "ALL", within),
    ):  # fmt: skip
        check = "" if action == "SELECT" else f" WITH CHECK ({rows})"
        op.execute(
            f"CREATE POLICY reintegration_{role} ON grant_turns FOR {action} TO reintegration_{role} USING ({rows}){check}"
        )
    op.execute("GRANT SELECT ON grant_turns TO reintegration_verify")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON grant_turns TO reintegration_api")


def downgrade() -> None:
    op.drop_table("grant_turns")
    op.drop_column("grants", "endorsed_at")
    op.drop_column("grants", "waiting_since")
