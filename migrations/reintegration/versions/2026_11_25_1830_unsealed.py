"""A sealed case takes grants again once returns has taken it up again."""

from alembic import op

revision = "reintegration_13"
down_revision = "reintegration_12"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("INSERT INTO status_transition VALUES ('cases', 'sealed', 'arrived')")


def downgrade() -> None:
    op.execute("DELETE FROM status_transition WHERE (aggregate, from_status, to_status) = ('cases', 'sealed', 'arrived')")
