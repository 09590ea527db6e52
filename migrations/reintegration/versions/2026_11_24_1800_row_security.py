"""Row security in reintegration: cases, plans and grants by country; a person's cap counts what lies elsewhere too."""

from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import (
    SCOPE_IS_KNOWN,
    Open,
    create_access_tables,
    drop_access_tables,
    give_function,
    in_countries,
    let_read_all,
    let_read_none,
    open_again,
    secure,
    take_function_back,
)

revision = "reintegration_2"
down_revision = "reintegration_1"
branch_labels = None
depends_on = None

TABLES = (
    Open("case_limits", SCOPE_IS_KNOWN, "SELECT, UPDATE", "SELECT, INSERT, UPDATE"),
    Open("case_plans", SCOPE_IS_KNOWN, "SELECT, INSERT"),
    Open("cases", in_countries("destination_country"), "SELECT", "SELECT, INSERT, UPDATE"),
    Open("fund_balances", SCOPE_IS_KNOWN, "SELECT, INSERT, UPDATE"),
    Open("funds", SCOPE_IS_KNOWN, "SELECT, INSERT, UPDATE"),
    Open("grants", in_countries("destination_country"), "SELECT, INSERT, UPDATE"),
    Open("open_advances", SCOPE_IS_KNOWN, "SELECT, INSERT, DELETE"),
    Open("payment_references", SCOPE_IS_KNOWN, "SELECT, INSERT"),
    Open("person_caps", SCOPE_IS_KNOWN, "SELECT, UPDATE", "INSERT"),
    Open("plans", in_countries("destination_country"), "SELECT, INSERT, UPDATE"),
    Open("taken_plan_lines", SCOPE_IS_KNOWN, "SELECT, INSERT, DELETE"),
)
INDEXED = ("grants", "plans")


def upgrade() -> None:
    create_access_tables()
    for table in INDEXED:
        op.create_index(op.f(f"ix_{table}_destination_country_id"), table, ["destination_country", "id"])
        op.create_index(
            op.f(f"ix_{table}_destination_country_status_id"), table, ["destination_country", "status", "id"]
        )
    secure("reintegration", TABLES)
    let_read_all(
        "reintegration", "lookup", "grants", "id", "person_id", "status", "paid", "amount", "requested_at"
    )
    run_sql("support_elsewhere_1.sql")
    give_function("reintegration", "lookup", "support_elsewhere(uuid, uuid, timestamptz)")


def downgrade() -> None:
    take_function_back("reintegration", "lookup", "support_elsewhere(uuid, uuid, timestamptz)")
    let_read_none("reintegration", "lookup", "grants")
    for table in INDEXED:
        op.drop_index(op.f(f"ix_{table}_destination_country_status_id"), table)
        op.drop_index(op.f(f"ix_{table}_destination_country_id"), table)
    drop_access_tables()
    open_again("reintegration", [table.table for table in TABLES], ["open_advances", "taken_plan_lines"])
