"""An office asks whether the persons of a case departed at all, which sets its booking free, and a case says what tickets cost."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "returns_24"
down_revision = "returns_23"
branch_labels = None
depends_on = None

_TIMES: Final = ("departure_asked_at", "departure_confirmed_at")
_LIMIT: Final = "ck_cases_asked_while_departed"
_INDEX: Final = "ix_cases_departure_asked_id"
# Of a case of which it was said before that nobody departed the booking is nobody's either.
_SET_FREE: Final = """
    UPDATE cases c SET departs_at = NULL, arrives_at = NULL, booked_person_ids = '{}', flight = NULL, needs = '{}',
        transit_country = NULL, transit_visa_needed = false, booked_at = NULL, reception_arranged_at = NULL,
        cleared_at = NULL, clearance_lapsed_at = NULL, persons = (
            SELECT jsonb_agg(jsonb_set(one.person, '{confirmed_at}', 'null') ORDER BY one.place)
            FROM jsonb_array_elements(c.persons) WITH ORDINALITY AS one(person, place))
    WHERE c.status = 'not_departed'
"""


def upgrade() -> None:
    for name in _TIMES:
        op.add_column("cases", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("ticket_costs", pg.JSONB, nullable=False, server_default="[]"))
    op.alter_column("cases", "ticket_costs", server_default=None)
    op.execute(_SET_FREE)
    op.create_check_constraint(
        op.f(_LIMIT), "cases",
        "(departure_asked_at IS NULL AND departure_confirmed_at IS NULL) "
        "OR coalesce(status_before_hold, status) = 'departed'",
    )
    op.create_index(_INDEX, "cases", ["id"], postgresql_where=sa.text("departure_asked_at IS NOT NULL"))


def downgrade() -> None:
    op.drop_index(_INDEX, table_name="cases")
    op.drop_constraint(op.f(_LIMIT), "cases")
    for name in ("ticket_costs", *_TIMES):
        op.drop_column("cases", name)
