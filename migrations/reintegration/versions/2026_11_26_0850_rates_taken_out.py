"""A rate can be taken out: its day is passed over, and may be recorded again."""

import sqlalchemy as sa
from alembic import op

revision = "reintegration_18"
down_revision = "reintegration_17"
branch_labels = None
depends_on = None

_CORRECTED = "ck_rates_corrected_for_a_reason"


def upgrade() -> None:
    for table in ("rates", "exchange_rates"):
        op.add_column(table, sa.Column("void", sa.Boolean(), server_default="false", nullable=False))
    op.drop_constraint(op.f(_CORRECTED), "rates")
    op.create_check_constraint(op.f(_CORRECTED), "rates", "revision > 1 OR reason IS NULL")
    op.create_check_constraint(op.f("ck_rates_void_for_a_reason"), "rates", "NOT void OR reason IS NOT NULL")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_rates_void_for_a_reason"), "rates")
    op.drop_constraint(op.f(_CORRECTED), "rates")
    op.create_check_constraint(op.f(_CORRECTED), "rates", "(revision = 1) = (reason IS NULL)")
    for table in ("rates", "exchange_rates"):
        op.drop_column(table, "void")
