"""A case is closed with a final report, which stands with it; what it says goes with the last of the case's persons."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import run_sql

revision = "returns_18"
down_revision = "returns_17"
branch_labels = None
depends_on = None

_FUNCTION: Final = "erase_final_reports()"
_CHECK: Final = "ck_cases_closed_with_a_report"


def upgrade() -> None:
    op.add_column("cases", sa.Column("final_report", pg.JSONB(astext_type=sa.Text()), nullable=True))
    # Whatever is being closed at this moment closes without one; from now on nothing begins to.
    op.create_check_constraint(
        op.f(_CHECK), "cases", "status NOT IN ('closing') OR (final_report IS NOT NULL) IS TRUE", postgresql_not_valid=True
    )
    op.execute(
        f"DO $$ BEGIN ALTER TABLE cases VALIDATE CONSTRAINT {_CHECK}; EXCEPTION WHEN check_violation THEN NULL; END $$"
    )
    op.execute("GRANT SELECT (final_report), UPDATE (final_report) ON cases TO returns_eraser")
    run_sql("erasure_of_final_reports_1.sql")
    op.execute(f"REVOKE ALL ON FUNCTION {_FUNCTION} FROM PUBLIC")
    op.execute("GRANT CREATE ON SCHEMA public TO returns_eraser")
    op.execute(f"ALTER FUNCTION {_FUNCTION} OWNER TO returns_eraser")
    op.execute("REVOKE CREATE ON SCHEMA public FROM returns_eraser")
    op.execute(
        "CREATE TRIGGER erases_final_reports AFTER INSERT OR UPDATE OF erased_at ON persons FOR EACH ROW "
        f"WHEN (NEW.erased_at IS NOT NULL) EXECUTE FUNCTION {_FUNCTION}"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER erases_final_reports ON persons")
    op.execute(f"DROP FUNCTION {_FUNCTION}")
    op.drop_constraint(op.f(_CHECK), "cases")
    op.drop_column("cases", "final_report")
