"""Row security in returns: cases and travels by country; who asks for a status learns why through one function."""

import sqlalchemy as sa
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

revision = "returns_2"
down_revision = "returns_1"
branch_labels = None
depends_on = None

_BOTH = "SELECT, INSERT, UPDATE"
TABLES = (
    Open("cases", in_countries("destination_country"), "SELECT, UPDATE", _BOTH),
    Open("persons", SCOPE_IS_KNOWN, "SELECT", _BOTH),
    Open("travels", in_countries("destination_country"), f"{_BOTH}, DELETE", f"{_BOTH}, DELETE"),
)
NEW = (Open("arrival_notices", in_countries("country"), _BOTH),)


def upgrade() -> None:
    create_access_tables()
    op.create_table(
        "arrival_notices",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_coming_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_arrival_notices")),
    )
    secure("returns", (*TABLES, *NEW))
    # A case's rules ask how far the others' logs were followed, and nothing else of these.
    op.execute("GRANT SELECT (source, stopped, caught_up_at) ON cursor TO returns_api")
    op.execute("GRANT SELECT (source, partitionkey) ON dead_letter TO returns_api")
    let_read_all("returns", "lookup", "cases", "id", "case_ref", "destination_country", "approved_by")
    let_read_all("returns", "lookup", "travels", "case_id")
    run_sql("status_lookup_1.sql")
    give_function("returns", "lookup", "status_lookup(text)")


def downgrade() -> None:
    take_function_back("returns", "lookup", "status_lookup(text)")
    let_read_none("returns", "lookup", "cases")
    let_read_none("returns", "lookup", "travels")
    op.drop_table("arrival_notices")
    drop_access_tables()
    open_again("returns", [table.table for table in TABLES], ["travels"])
