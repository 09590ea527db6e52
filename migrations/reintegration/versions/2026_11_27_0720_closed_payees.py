"""Name, accounts and contacts of vendors and offices that were closed end after ten years, with their key."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_10 import refuse_to_lose

revision = "reintegration_123"
down_revision = "reintegration_118"
branch_labels = None
depends_on = None

# As the log has it; of a returnee's it goes with the person.
_CLOSED = (
    "UPDATE payees p SET closed_at = (SELECT cast(convert_from(e.leaf, 'UTF8') AS jsonb) -> 'data' ->> 'closed_at' FROM event_log e "
    "WHERE e.subject = p.id AND e.type IN ('avrr.reintegration.payee.closed.v1', 'avrr.reintegration.payee.ended.v1') ORDER BY e.idx DESC LIMIT 1)"
    "::timestamptz WHERE p.status = 'closed' AND p.person_id IS NULL"
)
_FUNCTIONS = ("delete_payee_details()", "keep_deleted_details()")


def upgrade() -> None:
    op.add_column("payees", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("payees", sa.Column("details_deleted_on", sa.Date(), nullable=True))
    op.get_bind().exec_driver_sql(_CLOSED)
    op.create_check_constraint(
        op.f("ck_payees_closed_at_a_moment"), "payees", "(closed_at IS NOT NULL) = (status = 'closed' AND person_id IS NULL)"
    )
    op.create_check_constraint(
        op.f("ck_payees_details_kept_for_their_time"), "payees",
        "details_deleted_on IS NULL OR (details_deleted_on > cast(closed_at AT TIME ZONE 'UTC' AS date) + interval '3650 days') IS TRUE",
    )  # fmt: skip
    op.execute("GRANT SELECT (payee_id) ON payee_details TO reintegration_eraser")
    run_sql("payee_details_deleted_1.sql")
    for function in _FUNCTIONS:
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    op.execute("GRANT CREATE ON SCHEMA public TO reintegration_eraser")
    op.execute("ALTER FUNCTION delete_payee_details() OWNER TO reintegration_eraser")
    op.execute("REVOKE CREATE ON SCHEMA public FROM reintegration_eraser")
    op.execute(
        "CREATE TRIGGER deletes_the_details AFTER UPDATE OF details_deleted_on ON payees FOR EACH ROW "
        "WHEN (OLD.details_deleted_on IS NULL AND NEW.details_deleted_on IS NOT NULL) EXECUTE FUNCTION delete_payee_details()"
    )
    op.execute(
        "CREATE TRIGGER details_stay_deleted BEFORE UPDATE ON payees FOR EACH ROW "
        "WHEN (OLD.details_deleted_on IS NOT NULL AND NEW.details_deleted_on IS DISTINCT FROM OLD.details_deleted_on) "
        "EXECUTE FUNCTION keep_deleted_details()"
    )


def downgrade() -> None:
    refuse_to_lose("payees WHERE details_deleted_on IS NOT NULL", "there are payees of which name and account were deleted, which nothing else would tell")
    for trigger in ("details_stay_deleted", "deletes_the_details"):
        op.execute(f"DROP TRIGGER {trigger} ON payees")
    for function in reversed(_FUNCTIONS):
        op.execute(f"DROP FUNCTION {function}")
    op.execute("REVOKE SELECT (payee_id) ON payee_details FROM reintegration_eraser")
    for name in ("details_kept_for_their_time", "closed_at_a_moment"):
        op.drop_constraint(op.f(f"ck_payees_{name}"), "payees")
    op.drop_column("payees", "details_deleted_on")
    op.drop_column("payees", "closed_at")
