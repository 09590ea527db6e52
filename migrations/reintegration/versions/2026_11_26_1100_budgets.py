"""A request holds a budget, and one of health a certificate: both are sealed, and go with the person."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import run_sql, statements_of
from migrations.kernel_6 import let_erase, let_erase_no_more

revision = "reintegration_25"
down_revision = "reintegration_24"
branch_labels = None
depends_on = None

_SQL: Final = Path(__file__).parents[2] / "sql"
_READ: Final = ("id", "person_id", "paid", "category", "evidence", "approved_at", "status")


def upgrade() -> None:
    op.add_column("grants", sa.Column("budget", pg.JSONB(), nullable=True))
    op.add_column("grants", sa.Column("budget_hash", sa.Text(), nullable=True))
    op.add_column("grants", sa.Column("certificate", pg.JSONB(), nullable=True))
    let_erase_no_more("reintegration", "grants")
    let_erase("reintegration", "grants", "UPDATE (category, evidence, budget, certificate)", *_READ)
    run_sql("erasure_of_budgets_1.sql")


def downgrade() -> None:
    """What budgets and certificates said is lost with their columns."""
    written = (_SQL / "erasure_of_sealed_1.sql").read_text(encoding="utf-8")
    (former,) = (one for one in statements_of(written) if "FUNCTION erase_what_it_was_for" in one)
    op.execute(sa.text(former.replace(":", "\\:")))
    let_erase_no_more("reintegration", "grants")
    let_erase("reintegration", "grants", "UPDATE (category, evidence)", *_READ)
    for name in ("certificate", "budget_hash", "budget"):
        op.drop_column("grants", name)
