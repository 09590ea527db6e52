"""Money that was asked back came by a line of the bank's, of which no more is recorded than it says, and which is no return as well."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "reintegration_78"
down_revision = "reintegration_82"
branch_labels = None
depends_on = None

_KNOWN: Final = (
    "CASE WHEN state IN ('unconfirmed', 'dropped') THEN true "
    "WHEN state IN ('unmatched', 'matched', 'returned', 'rejected', 'explained', {more}'duplicate', 'accepted') "
    "THEN (state = 'accepted') = (kind = 'accepted') AND (state = 'duplicate') = (duplicate_of IS NOT NULL) "
    "AND (state <> 'rejected' OR kind = 'rejected') AND (state NOT IN ('matched', 'returned') OR kind = 'booked') ELSE false END"
)
_WITHIN: Final = (
    "(state = 'recovered') = (recovered > 0) AND recovered >= 0 "
    "AND (recovered = 0 OR (kind = 'booked' AND direction = 'credit' AND recovered <= amount) IS TRUE)"
)


def upgrade() -> None:
    op.add_column("bank_lines", sa.Column("recovered", sa.Numeric(), server_default="0", nullable=False))
    op.execute("GRANT UPDATE (recovered) ON bank_lines TO reintegration_api")
    _known("'recovered', ")
    # A line that was named and is not known, or is no such credit, is for somebody to look at before this is held.
    op.execute(
        "UPDATE bank_lines l SET state = 'recovered', recovered = m.amount FROM (SELECT bank_line, sum(amount) AS amount "
        "FROM recovered_money WHERE bank_line IS NOT NULL GROUP BY bank_line) m WHERE m.bank_line = l.id"
    )
    op.create_check_constraint(op.f("ck_bank_lines_recovered_within_line"), "bank_lines", _WITHIN)
    op.drop_constraint(op.f("uq_recovered_money_bank_line"), "recovered_money")
    op.create_index(op.f("ix_recovered_money_bank_line"), "recovered_money", ["bank_line"])
    op.create_foreign_key(op.f("fk_recovered_money_bank_line"), "recovered_money", "bank_lines", ["bank_line"], ["id"])


def downgrade() -> None:
    op.drop_constraint(op.f("fk_recovered_money_bank_line"), "recovered_money")
    op.drop_index(op.f("ix_recovered_money_bank_line"), "recovered_money")
    op.create_unique_constraint(op.f("uq_recovered_money_bank_line"), "recovered_money", ["bank_line"])
    op.drop_constraint(op.f("ck_bank_lines_recovered_within_line"), "bank_lines")
    op.execute(
        "UPDATE bank_lines l SET state = CASE WHEN EXISTS (SELECT FROM bank_line_acts a WHERE a.id = l.id AND a.status = 'explained') "
        "THEN 'explained' ELSE 'unmatched' END WHERE state = 'recovered'"
    )
    _known("")
    op.drop_column("bank_lines", "recovered")


def _known(more: str) -> None:
    op.drop_constraint(op.f("ck_bank_lines_state_is_known"), "bank_lines")
    op.create_check_constraint(op.f("ck_bank_lines_state_is_known"), "bank_lines", _KNOWN.format(more=more))
