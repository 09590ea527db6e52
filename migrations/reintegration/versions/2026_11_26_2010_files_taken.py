"""Who took the file of a batch to the bank, and how often: taking it again is a fact too."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "reintegration_76"
down_revision = "reintegration_68"
branch_labels = None
depends_on = None

_TAKEN_BY_WHOM = (
    "CASE WHEN sent_by IS NULL THEN cardinality(takers) = 0 AND times_taken = 0 "
    "ELSE takers[1] = sent_by AND times_taken >= cardinality(takers) END"
)


def upgrade() -> None:
    op.add_column("payment_batches", sa.Column("takers", pg.ARRAY(sa.Text()), nullable=False, server_default="{}"))
    op.add_column("payment_batches", sa.Column("times_taken", sa.Integer(), nullable=False, server_default="0"))
    # Of before only the first time is known.
    op.execute("UPDATE payment_batches SET takers = ARRAY[sent_by], times_taken = 1 WHERE sent_by IS NOT NULL")
    for column in ("takers", "times_taken"):
        op.alter_column("payment_batches", column, server_default=None)
    op.create_check_constraint(op.f("ck_payment_batches_taken_by_whom"), "payment_batches", _TAKEN_BY_WHOM)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_payment_batches_taken_by_whom"), "payment_batches")
    for column in ("times_taken", "takers"):
        op.drop_column("payment_batches", column)
