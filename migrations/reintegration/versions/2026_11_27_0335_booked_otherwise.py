"""Of a debit of another amount two persons say which part is the payment; what it has beyond or below stands with the attempt."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql

revision = "reintegration_112"
down_revision = "reintegration_140"
branch_labels = None
depends_on = None

_ATTEMPTS = "payment_attempts"
_ACT_IS_WHOLE = (
    "(status IN ('explained', 'explanation_asked')) = (explanation IS NOT NULL) "
    "AND (status IN ('match_asked', 'matched', 'undo_asked', 'match_kept')) = (attempt_id IS NOT NULL) "
    "AND (other_than_named IS NULL OR attempt_id IS NOT NULL) {part}AND CASE WHEN status IN ('match_asked', 'matched', 'undo_asked', "
    "'match_undone', 'explanation_asked', 'apart_asked', 'told_apart') THEN asked_by IS NOT NULL ELSE status = 'explained' OR asked_by IS NULL END"
)
_OF_A_MATCH = "AND (paid_part IS NULL OR attempt_id IS NOT NULL AND paid_part > 0) "


def upgrade() -> None:
    for table, column in (("bank_lines", "paid_part"), ("bank_line_acts", "paid_part"), (_ATTEMPTS, "bank_charges"), (_ATTEMPTS, "booked_short")):
        op.add_column(table, sa.Column(column, sa.Numeric(), nullable=True))
    op.execute("GRANT UPDATE (paid_part) ON bank_lines TO reintegration_api")
    op.create_check_constraint(
        op.f("ck_bank_lines_part_is_two_persons_word"), "bank_lines",
        "paid_part IS NULL OR (by_hand AND direction = 'debit' AND paid_part > 0) IS TRUE",
    )  # fmt: skip
    _act_is_whole(_OF_A_MATCH)
    op.create_check_constraint(
        op.f(f"ck_{_ATTEMPTS}_booked_otherwise"), _ATTEMPTS,
        "num_nonnulls(bank_charges, booked_short) = 0 OR (paid_line IS NOT NULL AND coalesce(bank_charges, 1) > 0 "
        "AND coalesce(booked_short, amount / 2) > 0 AND coalesce(booked_short, 0) < amount) IS TRUE",
    )  # fmt: skip
    op.create_index(
        "ix_payment_attempts_booked_otherwise", _ATTEMPTS, ["grant_id", "tranche", "attempt_no"],
        postgresql_where=sa.text("bank_charges IS NOT NULL OR booked_short IS NOT NULL"),
    )  # fmt: skip
    run_sql("attempts_booked_1.sql")


def downgrade() -> None:
    # How much of a line is the payment nobody else says, so that a database in which two persons said it is not taken back.
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM bank_lines WHERE paid_part IS NOT NULL) OR EXISTS (SELECT FROM bank_line_acts WHERE paid_part IS NOT NULL) THEN "
        "RAISE EXCEPTION 'two persons said of a line how much of it is a payment'; END IF; END $$"
    )
    run_sql("attempts_by_the_bank_1.sql")
    op.drop_index("ix_payment_attempts_booked_otherwise", _ATTEMPTS)
    op.drop_constraint(op.f(f"ck_{_ATTEMPTS}_booked_otherwise"), _ATTEMPTS)
    _act_is_whole("")
    op.drop_constraint(op.f("ck_bank_lines_part_is_two_persons_word"), "bank_lines")
    for table, column in ((_ATTEMPTS, "booked_short"), (_ATTEMPTS, "bank_charges"), ("bank_line_acts", "paid_part"), ("bank_lines", "paid_part")):
        op.drop_column(table, column)


def _act_is_whole(part: str) -> None:
    op.drop_constraint(op.f("ck_bank_line_acts_act_is_whole"), "bank_line_acts")
    op.create_check_constraint(op.f("ck_bank_line_acts_act_is_whole"), "bank_line_acts", _ACT_IS_WHOLE.format(part=part))
