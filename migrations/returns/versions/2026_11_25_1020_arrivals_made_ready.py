"""A booking's flight and what must stand ready at its arrival, and who is expected when."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "returns_4"
down_revision = "returns_3"
branch_labels = None
depends_on = None

_EXPECTED = sa.text("status IN ('preparing', 'ready_to_travel', 'cleared_to_board', 'departed')")


def upgrade() -> None:
    # Bookings up to here name no flight; a fold of their events comes to the same.
    op.add_column("cases", sa.Column("flight", sa.Text(), nullable=True))
    op.add_column("cases", sa.Column("needs", pg.ARRAY(sa.Text()), nullable=False, server_default="{}"))
    op.alter_column("cases", "needs", server_default=None)
    op.create_check_constraint(
        op.f("ck_cases_no_flight_without_booking"), "cases", "departs_at IS NOT NULL OR (flight IS NULL AND needs = '{}')"
    )
    op.create_index("ix_cases_expected_arrives_at_id", "cases", ["arrives_at", "id"], postgresql_where=_EXPECTED)
    op.create_index(
        "ix_cases_expected_destination_country_arrives_at_id", "cases", ["destination_country", "arrives_at", "id"],
        postgresql_where=_EXPECTED,
    )


def downgrade() -> None:
    op.drop_index("ix_cases_expected_destination_country_arrives_at_id", table_name="cases")
    op.drop_index("ix_cases_expected_arrives_at_id", table_name="cases")
    op.drop_constraint(op.f("ck_cases_no_flight_without_booking"), "cases")
    op.drop_column("cases", "needs")
    op.drop_column("cases", "flight")
