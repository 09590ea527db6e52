"""What lists of sanctions say of a payee is concealed beside the log, and goes with the person from there and from the rows."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import run_sql
from migrations.kernel_6 import let_erase, let_erase_no_more

revision = "reintegration_107"
down_revision = "reintegration_105"
branch_labels = None
depends_on = None

_CHANGED = "hits, cleared, clearers, clearing_reason, clearing_asked_by, cleared_by, status, closing_reason"


def upgrade() -> None:
    op.add_column("payees", sa.Column("clearers", pg.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.execute("INSERT INTO status_transition VALUES ('payees', 'blocked', 'closed')")
    let_erase("reintegration", "payees", f"UPDATE ({_CHANGED})", "id", "person_id", "status")
    let_erase("reintegration", "payee_clearances", "DELETE", "payee_id")
    run_sql("erasure_of_screenings_1.sql")
    op.execute("REVOKE ALL ON FUNCTION erase_screenings() FROM PUBLIC")
    op.execute("GRANT CREATE ON SCHEMA public TO reintegration_eraser")
    op.execute("ALTER FUNCTION erase_screenings() OWNER TO reintegration_eraser")
    op.execute("REVOKE CREATE ON SCHEMA public FROM reintegration_eraser")
    op.execute(
        "CREATE TRIGGER erases_screenings BEFORE INSERT OR UPDATE OF erased_at ON persons FOR EACH ROW "
        "WHEN (NEW.erased_at IS NOT NULL) EXECUTE FUNCTION erase_screenings()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER erases_screenings ON persons")
    op.execute("DROP FUNCTION erase_screenings()")
    for table in ("payee_clearances", "payees"):
        let_erase_no_more("reintegration", table)
    op.execute("DELETE FROM status_transition WHERE aggregate = 'payees' AND from_status = 'blocked'")
    op.drop_column("payees", "clearers")
