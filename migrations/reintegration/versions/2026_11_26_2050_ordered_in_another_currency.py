"""A line of the bank's keeps what was ordered, where that is said, and the rate of exchange beside what was booked."""

import sqlalchemy as sa
from alembic import op

revision = "reintegration_70"
down_revision = "reintegration_77"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("instructed_amount", sa.Numeric()), ("instructed_currency", sa.Text()), ("exchange_rate", sa.Numeric()), ("exchange_unit", sa.Text()),
)  # fmt: skip
_WHOLE = (
    "num_nulls(instructed_amount, instructed_currency) IN (0, 2) "
    "AND (instructed_amount IS NOT NULL OR num_nonnulls(exchange_rate, exchange_unit) = 0)"
)


def upgrade() -> None:
    for name, kind in _COLUMNS:
        op.add_column("bank_lines", sa.Column(name, kind, nullable=True))
    op.create_check_constraint(op.f("ck_bank_lines_order_is_whole"), "bank_lines", _WHOLE)


def downgrade() -> None:
    # Without what was ordered lines are not what was hashed, and payments in other currencies were settled by nothing.
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM bank_lines WHERE instructed_amount IS NOT NULL) THEN "
        "RAISE EXCEPTION 'there are lines of the bank with what was ordered'; END IF; END $$"
    )
    op.drop_constraint(op.f("ck_bank_lines_order_is_whole"), "bank_lines")
    for name, _ in reversed(_COLUMNS):
        op.drop_column("bank_lines", name)
