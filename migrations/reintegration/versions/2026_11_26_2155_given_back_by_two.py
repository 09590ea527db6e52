"""Money given back without a line of the bank's counts once a second person confirmed what the first one recorded."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "reintegration_100"
down_revision = "reintegration_99"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("grants", sa.Column("recovery_proposed", pg.JSONB(), nullable=True))
    op.add_column("grants", sa.Column("recovery_proposal_no", sa.Integer(), server_default="0", nullable=False))
    op.add_column("recovered_money", sa.Column("proposed_by", sa.Text(), nullable=True))
    # Of what was recorded before nobody else was asked, and nobody changes such a row: it is held of new ones alone.
    op.create_check_constraint(
        op.f("ck_recovered_money_two_persons_without_a_line"), "recovered_money",
        "bank_line IS NOT NULL OR (proposed_by <> recorded_by) IS TRUE", postgresql_not_valid=True,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_constraint(op.f("ck_recovered_money_two_persons_without_a_line"), "recovered_money")
    op.drop_column("recovered_money", "proposed_by")
    op.drop_column("grants", "recovery_proposal_no")
    op.drop_column("grants", "recovery_proposed")
