"""A file that was taken was taken by somebody: a comparison with nobody is not let through as unknown."""

from typing import Final

from alembic import op

revision = "reintegration_99"
down_revision = "reintegration_90"
branch_labels = None
depends_on = None

_TAKEN: Final = (
    "CASE WHEN sent_by IS NULL THEN cardinality(takers) = 0 AND times_taken = 0 "
    "ELSE {first} AND times_taken >= cardinality(takers) END"
)


def upgrade() -> None:
    _held_to("(takers[1] = sent_by) IS TRUE")


def downgrade() -> None:
    _held_to("takers[1] = sent_by")


def _held_to(first: str) -> None:
    op.drop_constraint(op.f("ck_payment_batches_taken_by_whom"), "payment_batches")
    op.create_check_constraint(op.f("ck_payment_batches_taken_by_whom"), "payment_batches", _TAKEN.format(first=first))
