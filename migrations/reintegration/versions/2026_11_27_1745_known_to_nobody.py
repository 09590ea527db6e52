"""Of what a restore lost finance is told how much nobody knows and which stops, and says of which accounts no statement can be had."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_10 import refuse_to_lose

revision = "reintegration_135"
down_revision = "reintegration_132"
branch_labels = None
depends_on = None

_LOOKED_AT = "ix_bank_lines_looked_at"


def upgrade() -> None:
    op.add_column("lost_payments", sa.Column("unknown", sa.Integer(), server_default="0", nullable=False))
    op.add_column("lost_payments", sa.Column("since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("lost_payments", sa.Column("stops", pg.JSONB(), server_default="[]", nullable=False))
    op.add_column("lost_payments", sa.Column("without_statements", pg.ARRAY(sa.Uuid()), server_default="{}", nullable=False))
    op.create_check_constraint(
        op.f("ck_lost_payments_unknown_is_said"), "lost_payments", "unknown >= 0 AND (status <> 'waiting' OR cardinality(without_statements) = 0)"
    )
    # The page of a restore finds of these, of which there are ever more, those of its days alone.
    op.create_index(_LOOKED_AT, "bank_lines", ["imported_at", "id"], postgresql_where=sa.text("state IN ('accepted', 'explained')"))


def downgrade() -> None:
    refuse_to_lose(
        "lost_payments WHERE unknown > 0 OR stops <> '[]' OR cardinality(without_statements) > 0 OR (since IS NOT NULL AND status <> 'cleared') "
        "OR jsonb_path_exists(payments, '$[*].line_id ? (@ != null)')",
        "a restore lost entries that nobody knows, or stops, or is not cleared, or what it lost was found in the bank's lines, and a version of "
        "before would clear it without the bank's statements, or order it again",
    )
    op.drop_index(_LOOKED_AT, "bank_lines")
    op.drop_constraint(op.f("ck_lost_payments_unknown_is_said"), "lost_payments")
    for name in ("without_statements", "stops", "since", "unknown"):
        op.drop_column("lost_payments", name)
