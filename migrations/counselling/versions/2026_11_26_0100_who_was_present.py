"""Sessions say who else was present and who interpreted; of those held before it was never said."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "counselling_16"
down_revision = "counselling_15"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("interpreter_kind", sa.Text(), nullable=True))
    op.add_column("sessions", sa.Column("present", pg.ARRAY(sa.Text()), nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("sessions", "present")
    op.drop_column("sessions", "interpreter_kind")
