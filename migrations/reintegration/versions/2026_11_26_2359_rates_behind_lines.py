"""Whoever settles by the clock holds what was booked in another currency to the rates in force, and reads them for that."""

from alembic import op

revision = "reintegration_105"
down_revision = "reintegration_104"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT SELECT ON exchange_rates TO reintegration_worker")


def downgrade() -> None:
    op.execute("REVOKE ALL ON exchange_rates FROM reintegration_worker")
