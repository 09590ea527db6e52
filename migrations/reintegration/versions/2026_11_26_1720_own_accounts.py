"""The mission's own accounts, from which is paid: registered by one person and confirmed by another."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import follow_transitions
from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN

revision = "reintegration_48"
down_revision = "reintegration_44"
branch_labels = None
depends_on = None

TRANSITIONS = {"registered": ("active", "closed"), "active": ("closed",)}


def upgrade() -> None:
    op.create_table(
        "own_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("details", pg.JSONB(), nullable=False),
        sa.Column("same_account", sa.Text(), nullable=False),
        sa.Column("registered_by", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closing_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('bank', 'cash_box')", name=op.f("ck_own_accounts_kind_is_known")),
        sa.CheckConstraint("version > 1 OR status IN ('registered')", name=op.f("ck_own_accounts_beginning")),
        sa.CheckConstraint("registered_by <> confirmed_by", name=op.f("ck_own_accounts_two_persons")),
        sa.CheckConstraint("(confirmed_by IS NULL) = (confirmed_at IS NULL)", name=op.f("ck_own_accounts_confirmation_is_whole")),
        sa.CheckConstraint("status <> 'active' OR confirmed_by IS NOT NULL", name=op.f("ck_own_accounts_paid_from_once_confirmed")),
        sa.CheckConstraint("(status = 'closed') = (closing_reason IS NOT NULL)", name=op.f("ck_own_accounts_closed_for_a_reason")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_accounts")),
    )
    op.create_index(
        "uq_own_accounts_live", "own_accounts", ["same_account", "currency"], unique=True,
        postgresql_where=sa.text("status <> 'closed'"),
    )  # fmt: skip
    follow_transitions("own_accounts", TRANSITIONS)
    op.execute("ALTER TABLE own_accounts ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE own_accounts FORCE ROW LEVEL SECURITY")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "SELECT", EVERY_ROW), ("api", "ALL", SCOPE_IS_KNOWN),
    ):  # fmt: skip
        check = f" WITH CHECK ({rows})" if action == "ALL" else ""
        op.execute(
            f"CREATE POLICY reintegration_{role} ON own_accounts FOR {action} TO reintegration_{role} USING ({rows}){check}"
        )
    op.execute("GRANT SELECT ON own_accounts TO reintegration_verify")
    op.execute("GRANT SELECT, INSERT, UPDATE ON own_accounts TO reintegration_api")


def downgrade() -> None:
    op.execute("DROP TRIGGER own_accounts_status_follows ON own_accounts")
    op.execute("DELETE FROM status_transition WHERE aggregate = 'own_accounts'")
    op.drop_table("own_accounts")
