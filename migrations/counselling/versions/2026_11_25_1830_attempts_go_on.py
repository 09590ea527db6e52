"""A return attempt that has ended goes on when returns takes its closed case up again."""

from alembic import op

revision = "counselling_12"
down_revision = "counselling_11"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("INSERT INTO status_transition VALUES ('intentions', 'ended', 'active')")
    # What begins an attempt is a wish, which people record; that one goes on the worker hears from returns.
    op.execute("GRANT INSERT ON active_attempts TO counselling_worker")


def downgrade() -> None:
    op.execute("REVOKE INSERT ON active_attempts FROM counselling_worker")
    op.execute("DELETE FROM status_transition WHERE (aggregate, from_status, to_status) = ('intentions', 'ended', 'active')")
