"""How often a case was booked stands in its row, so that what was arranged for one booking is not taken for another's."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "returns_14"
down_revision = "returns_13"
branch_labels = None
depends_on = None

# As the fold of their events has it.
_BOOKED: Final = """
    UPDATE cases c SET times_booked = booked.times FROM (
        SELECT subject, count(*) AS times FROM event_log WHERE type = 'avrr.returns.case.booking_confirmed.v1' GROUP BY subject
    ) booked WHERE booked.subject = c.id
"""


def upgrade() -> None:
    op.add_column("cases", sa.Column("times_booked", sa.Integer(), nullable=False, server_default="0"))
    op.execute(sa.text(_BOOKED))


def downgrade() -> None:
    op.drop_column("cases", "times_booked")
