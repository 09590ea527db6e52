"""About whom an office abroad is asked before it knows of anything else is found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "returns_21"
down_revision = "returns_20"
branch_labels = None
depends_on = None

_INDEX = "ix_cases_inquired_destination_country_inquired_since_id"


def upgrade() -> None:
    op.add_column("cases", sa.Column("inquired_since", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        _INDEX, "cases", ["destination_country", "inquired_since", "id"],
        postgresql_where=sa.text("inquired_since IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(_INDEX, table_name="cases")
    op.drop_column("cases", "inquired_since")
