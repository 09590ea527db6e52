"""The list of what tickets cost, which holds no other cases than those whose bill is known."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "returns_27"
down_revision = "returns_26"
branch_labels = None
depends_on = None

_INDEX: Final = "ix_cases_ticketed_id"


def upgrade() -> None:
    op.create_index(_INDEX, "cases", ["id"], postgresql_where=sa.text("ticket_costs <> '[]'"))


def downgrade() -> None:
    op.drop_index(_INDEX, table_name="cases")
