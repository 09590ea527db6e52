"""What needs, grants and papers are for is sealed; what the report counts of the erased is counted by who can open it."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql, statements_of
from migrations.kernel_2 import EVERY_ROW
from migrations.kernel_6 import let_erase, let_erase_no_more
from migrations.kernel_8 import drop_row_keys, make_row_keys

revision = "reintegration_15"
down_revision = "reintegration_14"
branch_labels = None
depends_on = None

_SQL: Final = Path(__file__).parents[2] / "sql"
_FORMER: Final = (("erasure_of_categories_1.sql", "erase_what_it_was_for"), ("kept_papers_2.sql", "end_kept_papers"))
_COUNTED: Final = "grants_of_the_erased"
# What whoever records an erasure reads of grants to count them.
_READ: Final = "version, category, approved_at, status"


def upgrade() -> None:
    make_row_keys("reintegration")
    run_sql("erasure_of_sealed_1.sql")
    let_erase_no_more("reintegration", _COUNTED)
    op.execute(f"DROP POLICY reintegration_worker ON {_COUNTED}")
    op.execute(
        f"CREATE POLICY reintegration_worker ON {_COUNTED} FOR ALL TO reintegration_worker USING ({EVERY_ROW}) "
        f"WITH CHECK ({EVERY_ROW})"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE (grants) ON {_COUNTED} TO reintegration_worker")
    op.execute(f"GRANT SELECT ({_READ}) ON grants TO reintegration_worker")


def downgrade() -> None:
    drop_row_keys()
    op.execute(f"REVOKE SELECT ({_READ}) ON grants FROM reintegration_worker")
    op.execute(f"REVOKE ALL ON {_COUNTED} FROM reintegration_worker")
    op.execute(f"DROP POLICY reintegration_worker ON {_COUNTED}")
    op.execute(f"CREATE POLICY reintegration_worker ON {_COUNTED} FOR SELECT TO reintegration_worker USING ({EVERY_ROW})")
    let_erase("reintegration", _COUNTED, "INSERT, UPDATE", "year", "category", "grants")
    for name, function in _FORMER:
        (former,) = (
            one for one in statements_of((_SQL / name).read_text(encoding="utf-8")) if f"FUNCTION {function}" in one
        )
        written = former[former.index("CREATE") :].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
        op.execute(sa.text(written.replace(":", "\\:")))
