"""Receipts that an erasure let stay end after their last day, with their keys."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import SCOPE_IS_KNOWN

revision = "reintegration_10"
down_revision = "reintegration_9"
branch_labels = None
depends_on = None

_FUNCTIONS = ("end_kept_papers()", "refuse_another_erasure()")


def upgrade() -> None:
    op.add_column("persons", sa.Column("kept_ended_on", sa.Date(), nullable=True))
    op.create_check_constraint(
        op.f("ck_persons_kept_for_its_time"), "persons",
        "kept_ended_on IS NULL OR (kept_until IS NOT NULL AND kept_ended_on > kept_until)",
    )  # fmt: skip
    # The order comes through the API; what else of the row it could change, a trigger refuses.
    op.execute("DROP POLICY reintegration_api ON persons")
    op.execute(
        f"CREATE POLICY reintegration_api ON persons FOR ALL TO reintegration_api USING ({SCOPE_IS_KNOWN}) "
        f"WITH CHECK ({SCOPE_IS_KNOWN})"
    )
    op.execute("GRANT UPDATE ON persons TO reintegration_api")
    run_sql("kept_papers_1.sql")
    for function in _FUNCTIONS:
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    op.execute("GRANT CREATE ON SCHEMA public TO reintegration_eraser")
    op.execute("ALTER FUNCTION end_kept_papers() OWNER TO reintegration_eraser")
    op.execute("REVOKE CREATE ON SCHEMA public FROM reintegration_eraser")
    op.execute(
        "CREATE TRIGGER an_erasure_stays BEFORE UPDATE ON persons FOR EACH ROW EXECUTE FUNCTION refuse_another_erasure()"
    )
    op.execute(
        "CREATE TRIGGER ends_kept_papers AFTER UPDATE OF kept_ended_on ON persons FOR EACH ROW "
        "WHEN (OLD.kept_ended_on IS NULL AND NEW.kept_ended_on IS NOT NULL) EXECUTE FUNCTION end_kept_papers()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER ends_kept_papers ON persons")
    op.execute("DROP TRIGGER an_erasure_stays ON persons")
    for function in _FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.execute("REVOKE UPDATE ON persons FROM reintegration_api")
    op.execute("DROP POLICY reintegration_api ON persons")
    op.execute(f"CREATE POLICY reintegration_api ON persons FOR SELECT TO reintegration_api USING ({SCOPE_IS_KNOWN})")
    op.drop_constraint(op.f("ck_persons_kept_for_its_time"), "persons")
    op.drop_column("persons", "kept_ended_on")
