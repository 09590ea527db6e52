"""With papers whose time is over goes what kind each of them was."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql, statements_of
from migrations.kernel_6 import let_erase, let_erase_no_more

revision = "reintegration_12"
down_revision = "reintegration_11"
branch_labels = None
depends_on = None

_SQL: Final = Path(__file__).parents[2] / "sql"
_TRANSITION: Final = ("aggregate", "from_status", "to_status")


def upgrade() -> None:
    # Whoever changes a grant's row is asked by its trigger whether the status may follow: so is the role that erases, as soon as
    # PostgreSQL does not plan that question anew each time.
    let_erase("reintegration", "status_transition", "", *_TRANSITION)
    run_sql("kept_papers_2.sql")
    # Whose papers ended before is caught up with: once, by a row that changes nothing.
    op.execute(
        "CREATE TRIGGER ends_kept_papers_again AFTER UPDATE ON persons FOR EACH ROW "
        "WHEN (NEW.kept_ended_on IS NOT NULL) EXECUTE FUNCTION end_kept_papers()"
    )
    op.execute("UPDATE persons SET id = id WHERE kept_ended_on IS NOT NULL")
    op.execute("DROP TRIGGER ends_kept_papers_again ON persons")


def downgrade() -> None:
    written = (_SQL / "kept_papers_1.sql").read_text(encoding="utf-8")
    (former,) = (one for one in statements_of(written) if "FUNCTION end_kept_papers" in one)
    let_erase_no_more("reintegration", "status_transition")
    op.execute(sa.text(former.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").replace(":", "\\:")))
