"""A fund is closed once what was paid of it is delivered, so that nothing comes back to it that it cannot hold."""

from migrations.kernel_1 import run_sql

revision = "reintegration_129"
down_revision = "reintegration_128"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("fund_closing_1.sql")


def downgrade() -> None:
    run_sql("fund_closing_0.sql")
