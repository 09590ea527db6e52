"""What a booking has beyond its parts are charges, in the account's currency; what was never booked is explained apart from what was not received."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql

revision = "reintegration_117"
down_revision = "reintegration_141"
branch_labels = None
depends_on = None

_ATTEMPTS, _DIFFERENCES = "payment_attempts", "reconciliation_differences"
_OF_A_PART = "part_worth IS NULL OR (paid_part IS NOT NULL AND part_worth > 0) IS TRUE"
_DIFFERS = "ck_reconciliation_differences_something_differs"


def upgrade() -> None:
    for table in ("bank_lines", "bank_line_acts"):
        op.add_column(table, sa.Column("part_worth", sa.Numeric(), nullable=True))
        op.create_check_constraint(op.f(f"ck_{table}_worth_of_a_part"), table, _OF_A_PART)
    op.add_column("bank_lines", sa.Column("before_sums", sa.Boolean(), server_default="false", nullable=False))
    op.execute("UPDATE bank_lines SET before_sums = true WHERE state = 'matched'")
    op.execute("GRANT UPDATE (part_worth) ON bank_lines TO reintegration_api")
    op.add_column(_ATTEMPTS, sa.Column("charges_currency", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f(f"ck_{_ATTEMPTS}_charges_in_another"), _ATTEMPTS,
        "charges_currency IS NULL OR (bank_charges IS NOT NULL AND charges_currency <> currency)",
    )  # fmt: skip
    op.add_column(_DIFFERENCES, sa.Column("booked_short", sa.Numeric(), nullable=True))
    op.add_column(_DIFFERENCES, sa.Column("short_reason", sa.Text(), nullable=True))
    op.drop_constraint(op.f(_DIFFERS), _DIFFERENCES)
    op.create_check_constraint(
        op.f(_DIFFERS), _DIFFERENCES,
        "num_nonnulls(amount, booked_short) > 0 AND coalesce(amount, 1) > 0 AND coalesce(booked_short, 1) > 0",
    )  # fmt: skip
    op.create_check_constraint(
        op.f("ck_reconciliation_differences_each_has_its_reason"), _DIFFERENCES,
        "num_nulls(amount, reason) IN (0, 2) AND num_nulls(booked_short, short_reason) IN (0, 2) AND short_reason IN ('rounding', 'exchange', 'bank_charge')",
    )  # fmt: skip
    for column in ("amount", "reason"):
        op.alter_column(_DIFFERENCES, column, nullable=True)
    run_sql("attempts_charged_1.sql")


def downgrade() -> None:
    # In which currency charges are, and why less was booked, nothing else tells.
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM payment_attempts WHERE charges_currency IS NOT NULL) OR EXISTS (SELECT FROM bank_lines WHERE part_worth IS NOT NULL) "
        "OR EXISTS (SELECT FROM bank_line_acts WHERE part_worth IS NOT NULL) OR EXISTS (SELECT FROM reconciliation_differences WHERE booked_short IS NOT NULL) THEN "
        "RAISE EXCEPTION 'what was booked in another currency, or less than ordered, was explained'; END IF; END $$"
    )
    run_sql("attempts_answered_late_1.sql")
    for column in ("reason", "amount"):
        op.alter_column(_DIFFERENCES, column, nullable=False)
    op.drop_constraint(op.f("ck_reconciliation_differences_each_has_its_reason"), _DIFFERENCES)
    op.drop_constraint(op.f(_DIFFERS), _DIFFERENCES)
    op.create_check_constraint(op.f(_DIFFERS), _DIFFERENCES, "amount > 0")
    for column in ("short_reason", "booked_short"):
        op.drop_column(_DIFFERENCES, column)
    op.drop_constraint(op.f(f"ck_{_ATTEMPTS}_charges_in_another"), _ATTEMPTS)
    op.drop_column(_ATTEMPTS, "charges_currency")
    op.drop_column("bank_lines", "before_sums")
    for table in ("bank_line_acts", "bank_lines"):
        op.drop_constraint(op.f(f"ck_{table}_worth_of_a_part"), table)
        op.drop_column(table, "part_worth")
