"""Whoever erases somebody looks up the cases that name them, so that nobody records anything in them meanwhile."""

from alembic import op

revision = "returns_40"
down_revision = "returns_39"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT SELECT ON log_mentions TO returns_worker")


def downgrade() -> None:
    op.execute("REVOKE SELECT ON log_mentions FROM returns_worker")
