"""Of a credit of less than was booked, or in another currency, two persons say how much came back; what a bank kept stands with the attempt."""

import sqlalchemy as sa
from alembic import op

revision = "reintegration_118"
down_revision = "reintegration_142_2"
branch_labels = None
depends_on = None

_ATTEMPTS = "payment_attempts"
_INDEX = "ix_payment_attempts_booked_otherwise"
_PART = "ck_bank_lines_part_is_two_persons_word"
_BEFORE = "bank_charges IS NOT NULL OR booked_short IS NOT NULL"


def upgrade() -> None:
    op.add_column(_ATTEMPTS, sa.Column("kept_by_bank", sa.Numeric(), nullable=True))
    op.create_check_constraint(
        op.f(f"ck_{_ATTEMPTS}_kept_by_bank"), _ATTEMPTS,
        "kept_by_bank IS NULL OR (returned_line IS NOT NULL AND kept_by_bank > 0 AND kept_by_bank <= (amount - coalesce(booked_short, 0)) / 2) IS TRUE",
    )  # fmt: skip
    _listed(f"{_BEFORE} OR kept_by_bank IS NOT NULL")
    _said("paid_part IS NULL OR (by_hand AND paid_part > 0) IS TRUE")


def downgrade() -> None:
    # How much came back nobody else says, so that a database in which two persons said it is not taken back.
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM bank_lines WHERE paid_part IS NOT NULL AND direction = 'credit') THEN "
        "RAISE EXCEPTION 'two persons said of a line how much came back by it'; END IF; END $$"
    )
    _said("paid_part IS NULL OR (by_hand AND direction = 'debit' AND paid_part > 0) IS TRUE")
    _listed(_BEFORE)
    op.drop_constraint(op.f(f"ck_{_ATTEMPTS}_kept_by_bank"), _ATTEMPTS)
    op.drop_column(_ATTEMPTS, "kept_by_bank")


def _listed(which: str) -> None:
    op.drop_index(_INDEX, _ATTEMPTS)
    op.create_index(_INDEX, _ATTEMPTS, ["grant_id", "tranche", "attempt_no"], postgresql_where=sa.text(which))


def _said(held: str) -> None:
    op.drop_constraint(op.f(_PART), "bank_lines")
    op.create_check_constraint(op.f(_PART), "bank_lines", held)
