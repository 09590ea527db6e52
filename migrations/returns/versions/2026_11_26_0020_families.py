"""A family's case may be split and joined again: one begins as far as another was, and one ends in another."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "returns_17"
down_revision = "returns_16"
branch_labels = None
depends_on = None

_SPLIT: Final = "'intention', 'screening', 'applied', 'approved', 'preparing'"
_JOINING: Final = ("intention", "screening", "applied", "approved", "preparing", "ready_to_travel")
_BEGINNING: Final = "version > 1 OR status IN ('intention')"
_ENDED: Final = ("closed", "withdrawn", "ineligible", "not_departed", "lapsed")
_OPEN: Final = (
    ("ix_cases_open_id", ["id"]),
    ("ix_cases_open_destination_country_id", ["destination_country", "id"]),
    ("ix_cases_open_counsellor_id_id", ["counsellor_id", "id"]),
)
_REPORTED: Final = (
    "opened", "application_submitted", "approved", "declared_ineligible", "person_withdrew", "withdrawn", "lapsed",
    "flight_missed", "not_departed", "closed", "reopened",
)  # fmt: skip


def upgrade() -> None:
    for name in ("split_from", "joined_into", "regrouping_with"):
        op.add_column("cases", sa.Column(name, sa.Uuid(), nullable=True))
    op.add_column("cases", sa.Column("split_into", pg.ARRAY(sa.Uuid()), nullable=False, server_default="{}"))
    op.alter_column("cases", "split_into", server_default=None)
    _begin(f"{_BEGINNING} OR (split_from IS NOT NULL AND status IN ({_SPLIT}))")
    op.create_check_constraint(
        op.f("ck_cases_joined_with_another"), "cases", "(status = 'joined') = (joined_into IS NOT NULL)"
    )
    for status in _JOINING:
        op.execute(f"INSERT INTO status_transition VALUES ('cases', '{status}', 'joined')")
    _index_open(*_ENDED, "joined")
    _report(*_REPORTED, "split_off", "joined")


def downgrade() -> None:
    _report(*_REPORTED)
    _index_open(*_ENDED)
    op.execute("DELETE FROM status_transition WHERE (aggregate, to_status) = ('cases', 'joined')")
    op.drop_constraint(op.f("ck_cases_joined_with_another"), "cases")
    _begin(_BEGINNING)
    for name in ("split_into", "regrouping_with", "joined_into", "split_from"):
        op.drop_column("cases", name)


def _begin(condition: str) -> None:
    op.drop_constraint(op.f("ck_cases_beginning"), "cases")
    op.create_check_constraint(op.f("ck_cases_beginning"), "cases", condition, postgresql_not_valid=True)
    # What began with a split is there also going down, where the limit is one for what changes.
    op.execute(
        "DO $$ BEGIN ALTER TABLE cases VALIDATE CONSTRAINT ck_cases_beginning; "
        "EXCEPTION WHEN check_violation THEN NULL; END $$"
    )


def _index_open(*ended: str) -> None:
    listed = ", ".join(f"'{status}'" for status in ended)
    for name, columns in _OPEN:
        op.drop_index(name, table_name="cases")
        op.create_index(name, "cases", columns, postgresql_where=sa.text(f"status NOT IN ({listed})"))


def _report(*facts: str) -> None:
    listed = ", ".join(f"'avrr.returns.case.{fact}.v1'" for fact in facts)
    op.drop_index("ix_event_log_reported", table_name="event_log")
    op.create_index("ix_event_log_reported", "event_log", ["type", "idx"], postgresql_where=sa.text(f"type IN ({listed})"))
