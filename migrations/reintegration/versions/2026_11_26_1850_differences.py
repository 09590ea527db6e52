"""What a reconciliation found paid and not received is a row that nobody changes."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_2 import EVERY_ROW, in_countries, of_the_actor

revision = "reintegration_57"
down_revision = "reintegration_45"
branch_labels = None
depends_on = None

_TABLE = "reconciliation_differences"


def upgrade() -> None:
    op.create_table(
        _TABLE,
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("tranche", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("destination_country", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reconciled_by", sa.Text(), nullable=False),
        sa.Column("reconciled_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_reconciliation_differences_something_differs")),
        sa.CheckConstraint(
            "reason IN ('rounding', 'exchange', 'bank_charge', 'unspent', 'not_accounted_for')",
            name=op.f("ck_reconciliation_differences_reason_is_known"),
        ),
        sa.CheckConstraint("tranche BETWEEN 1 AND 6", name=op.f("ck_reconciliation_differences_of_a_tranche")),
        sa.PrimaryKeyConstraint("grant_id", "tranche", name=op.f("pk_reconciliation_differences")),
    )
    op.execute(f"ALTER TABLE {_TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {_TABLE} FORCE ROW LEVEL SECURITY")
    within = in_countries("destination_country")
    own = f"{within} AND {of_the_actor('reconciled_by')}"
    for role, action, seen, written in (
        ("owner", "ALL", EVERY_ROW, EVERY_ROW), ("verify", "SELECT", EVERY_ROW, None), ("worker", "SELECT", EVERY_ROW, None),
        ("api", "ALL", within, own),
    ):  # fmt: skip
        check = f" WITH CHECK ({written})" if written is not None else ""
        op.execute(f"CREATE POLICY reintegration_{role} ON {_TABLE} FOR {action} TO reintegration_{role} USING ({seen}){check}")
    op.execute(f"GRANT SELECT ON {_TABLE} TO reintegration_verify")
    op.execute(f"GRANT SELECT, INSERT ON {_TABLE} TO reintegration_api")


def downgrade() -> None:
    op.drop_table(_TABLE)
