"""What needs and grants of a person were for goes when they are erased; what the report counts of it stays without them."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN
from migrations.kernel_6 import let_erase, let_erase_no_more
from shared.settings import MISSION

revision = "reintegration_11"
down_revision = "reintegration_10"
branch_labels = None
depends_on = None

_FUNCTION = "erase_what_it_was_for()"
_TRIGGER = "CREATE TRIGGER erases_what_it_was_for AFTER INSERT{} ON persons FOR EACH ROW EXECUTE FUNCTION erase_what_it_was_for()"


def upgrade() -> None:
    op.alter_column("grants", "category", nullable=True)
    op.create_table(
        "grants_of_the_erased",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("grants", sa.Integer(), nullable=False),
        sa.CheckConstraint("grants > 0", name=op.f("ck_grants_of_the_erased_counted")),
        sa.PrimaryKeyConstraint("year", "category", name=op.f("pk_grants_of_the_erased")),
    )
    op.execute("ALTER TABLE grants_of_the_erased ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE grants_of_the_erased FORCE ROW LEVEL SECURITY")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "SELECT", EVERY_ROW),
        ("api", "SELECT", SCOPE_IS_KNOWN),
    ):  # fmt: skip
        check = f" WITH CHECK ({rows})" if action == "ALL" else ""
        op.execute(
            f"CREATE POLICY reintegration_{role} ON grants_of_the_erased FOR {action} TO reintegration_{role} "
            f"USING ({rows}){check}"
        )
    op.execute("GRANT SELECT ON grants_of_the_erased TO reintegration_verify, reintegration_api")
    let_erase("reintegration", "grants_of_the_erased", "INSERT, UPDATE", "year", "category", "grants")
    let_erase_no_more("reintegration", "grants")
    let_erase(
        "reintegration", "grants", "UPDATE (category, evidence)",
        "id", "person_id", "paid", "category", "evidence", "approved_at", "status",
    )  # fmt: skip
    let_erase("reintegration", "plans", "UPDATE (lines)", "id", "person_ids", "lines")
    let_erase("reintegration", "log_mentions", "", "about", "idx")
    op.execute("GRANT SELECT (leaf) ON event_log TO reintegration_eraser")
    op.execute("GRANT SELECT (path) ON disclosure TO reintegration_eraser")
    run_sql("erasure_of_categories_1.sql")
    op.execute(f"REVOKE ALL ON FUNCTION {_FUNCTION} FROM PUBLIC")
    op.execute("GRANT CREATE ON SCHEMA public TO reintegration_eraser")
    op.execute(f"ALTER FUNCTION {_FUNCTION} OWNER TO reintegration_eraser")
    op.execute("REVOKE CREATE ON SCHEMA public FROM reintegration_eraser")
    # Who was erased before is caught up with: once, by a row that changes nothing.
    op.execute(_TRIGGER.format(" OR UPDATE"))
    op.execute(
        sa.text("SELECT set_config('app.mission_time_zone', :zone, true)").bindparams(zone=MISSION.mission_time_zone)
    )
    op.execute("UPDATE persons SET id = id")
    op.execute("DROP TRIGGER erases_what_it_was_for ON persons")
    op.execute(_TRIGGER.format(""))


def downgrade() -> None:
    op.execute("DROP TRIGGER erases_what_it_was_for ON persons")
    op.execute(f"DROP FUNCTION {_FUNCTION}")
    op.execute("REVOKE SELECT (path) ON disclosure FROM reintegration_eraser")
    op.execute("REVOKE SELECT (leaf) ON event_log FROM reintegration_eraser")
    for table in ("log_mentions", "plans", "grants"):
        let_erase_no_more("reintegration", table)
    let_erase("reintegration", "grants", "", "id", "person_id", "paid")
    op.drop_table("grants_of_the_erased")
    op.execute("UPDATE grants SET category = 'other' WHERE category IS NULL")
    op.alter_column("grants", "category", nullable=False)
