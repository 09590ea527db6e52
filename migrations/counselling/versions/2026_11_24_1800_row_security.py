"""Row security in counselling: persons and intentions by country, sessions by site or counsellor."""

from migrations.kernel_2 import (
    SCOPE_IS_KNOWN,
    Open,
    create_access_tables,
    drop_access_tables,
    in_countries,
    in_sites,
    of_the_actor,
    open_again,
    secure,
)

revision = "counselling_2"
down_revision = "counselling_1"
branch_labels = None
depends_on = None

TABLES = (
    Open("active_attempts", SCOPE_IS_KNOWN, "SELECT, INSERT, DELETE", "SELECT, DELETE"),
    Open("families", SCOPE_IS_KNOWN, "SELECT, INSERT, UPDATE"),
    Open("family_members", SCOPE_IS_KNOWN, "SELECT, INSERT"),
    Open("group_sessions", in_sites("site"), "SELECT, INSERT, UPDATE"),
    Open("intentions", in_countries("destination_country"), "SELECT, INSERT, UPDATE", "SELECT, UPDATE"),
    Open("outreach", SCOPE_IS_KNOWN, "SELECT, INSERT, UPDATE"),
    Open("persons", in_countries("country_of_origin"), "SELECT, INSERT, UPDATE"),
    Open("sessions", f"{in_sites('site')} OR {of_the_actor('counsellor_id')}", "SELECT, INSERT, UPDATE"),
)


def upgrade() -> None:
    create_access_tables()
    secure("counselling", TABLES)


def downgrade() -> None:
    drop_access_tables()
    open_again("counselling", [table.table for table in TABLES], ["active_attempts"])
