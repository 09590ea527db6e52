"""A return attempt goes on under another intention when returns splits a family's case or joins it again."""

import sqlalchemy as sa
from alembic import op

revision = "counselling_14"
down_revision = "counselling_13"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("intentions", sa.Column("split_from", sa.Uuid(), nullable=True))
    # What people record is a wish; that some of a family go on apart the worker hears from returns.
    op.execute("GRANT INSERT ON intentions TO counselling_worker")
    op.execute("GRANT UPDATE ON active_attempts TO counselling_worker")


def downgrade() -> None:
    op.execute("REVOKE UPDATE ON active_attempts FROM counselling_worker")
    op.execute("REVOKE INSERT ON intentions FROM counselling_worker")
    op.drop_column("intentions", "split_from")
