"""An arrival that had been recorded wrongly is taken back, and with the only one of a case what it had opened."""

from alembic import op

revision = "reintegration_14"
down_revision = "reintegration_13"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("INSERT INTO status_transition VALUES ('cases', 'arrived', 'noted')")


def downgrade() -> None:
    op.execute("DELETE FROM status_transition WHERE (aggregate, from_status, to_status) = ('cases', 'arrived', 'noted')")
