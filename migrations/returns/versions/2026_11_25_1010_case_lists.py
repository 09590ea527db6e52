"""Lists of cases by their counsellor and of those that have not ended."""

import sqlalchemy as sa
from alembic import op

revision = "returns_3"
down_revision = "returns_2"
branch_labels = None
depends_on = None

_OPEN = sa.text("status NOT IN ('closed', 'withdrawn', 'ineligible', 'not_departed', 'lapsed')")


def upgrade() -> None:
    op.create_index(op.f("ix_cases_counsellor_id_id"), "cases", ["counsellor_id", "id"])
    op.create_index(op.f("ix_cases_counsellor_id_status_id"), "cases", ["counsellor_id", "status", "id"])
    op.create_index("ix_cases_open_id", "cases", ["id"], postgresql_where=_OPEN)
    op.create_index(
        "ix_cases_open_destination_country_id", "cases", ["destination_country", "id"], postgresql_where=_OPEN
    )
    op.create_index("ix_cases_open_counsellor_id_id", "cases", ["counsellor_id", "id"], postgresql_where=_OPEN)


def downgrade() -> None:
    op.drop_index("ix_cases_open_counsellor_id_id", table_name="cases")
    op.drop_index("ix_cases_open_destination_country_id", table_name="cases")
    op.drop_index("ix_cases_open_id", table_name="cases")
    op.drop_index(op.f("ix_cases_counsellor_id_status_id"), table_name="cases")
    op.drop_index(op.f("ix_cases_counsellor_id_id"), table_name="cases")
