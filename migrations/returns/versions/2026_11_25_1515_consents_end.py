"""A consent has a last day."""

import sqlalchemy as sa
from alembic import op

revision = "returns_9"
down_revision = "returns_8"
branch_labels = None
depends_on = None

_DAYS = ("data_expires_on", "transfer_expires_on")


def upgrade() -> None:
    for day in _DAYS:
        op.add_column("persons", sa.Column(day, sa.Date(), nullable=True))


def downgrade() -> None:
    for day in reversed(_DAYS):
        op.drop_column("persons", day)
