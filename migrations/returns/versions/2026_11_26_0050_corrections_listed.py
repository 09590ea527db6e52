"""Cases of which somebody says that a journey was recorded wrongly are listed, the longest open first."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "returns_20"
down_revision = "returns_19"
branch_labels = None
depends_on = None

_INDEX: Final = "ix_cases_doubted_correction_since_id"
_SINCE: Final = """
    UPDATE cases c SET correction_since = (
        SELECT min((asked #>> '{}')::timestamptz) FROM jsonb_path_query(c.persons, '$[*].correction.asked_at') asked
        WHERE asked <> 'null'
    ) WHERE jsonb_path_exists(c.persons, '$[*].correction.asked_at')
"""


def upgrade() -> None:
    op.add_column("cases", sa.Column("correction_since", sa.DateTime(timezone=True), nullable=True))
    op.execute(sa.text(_SINCE.replace(":", "\\:")))
    op.create_index(
        _INDEX, "cases", ["correction_since", "id"], postgresql_where=sa.text("correction_since IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index(_INDEX, table_name="cases")
    op.drop_column("cases", "correction_since")
