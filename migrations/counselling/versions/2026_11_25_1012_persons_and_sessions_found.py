"""Persons are found by country and year of birth, sessions by who took part and by when they were."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_2 import EVERY_ROW, in_sites, of_the_actor

revision = "counselling_3"
down_revision = "counselling_2"
branch_labels = None
depends_on = None

_WALKED = (
    ("persons", ("country_of_origin", "birth_year", "id")),
    ("persons", ("country_of_origin", "birth_year", "sex", "id")),
    ("sessions", ("counsellor_id", "at", "id")),
)


def upgrade() -> None:
    op.add_column("persons", sa.Column("registered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sessions", sa.Column("at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE sessions SET at = coalesce(held_at, scheduled_for)")
    op.alter_column("sessions", "at", nullable=False)
    for table, columns in _WALKED:
        op.create_index(_name(table, columns), table, list(columns))
    op.create_table(
        "session_persons",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("counsellor_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "session_id", name=op.f("pk_session_persons")),
    )
    op.execute(
        "INSERT INTO session_persons SELECT unnest(person_ids), id, site, counsellor_id FROM sessions"
    )
    _secure_session_persons()


def downgrade() -> None:
    op.drop_table("session_persons")
    for table, columns in _WALKED:
        op.drop_index(_name(table, columns), table)
    op.drop_column("sessions", "at")
    op.drop_column("persons", "registered_at")


def _name(table: str, columns: tuple[str, ...]) -> str:
    return op.f(f"ix_{table}_{'_'.join(columns)}")


def _secure_session_persons() -> None:
    # Who may not know of a session may not learn either that somebody took part in one.
    within = f"{in_sites('site')} OR {of_the_actor('counsellor_id')}"
    op.execute("ALTER TABLE session_persons ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE session_persons FORCE ROW LEVEL SECURITY")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "SELECT", EVERY_ROW), ("api", "ALL", within)
    ):  # fmt: skip
        check = "" if action == "SELECT" else f" WITH CHECK ({rows})"
        op.execute(
            f"CREATE POLICY counselling_{role} ON session_persons FOR {action} TO counselling_{role} USING ({rows}){check}"
        )
    op.execute("GRANT SELECT ON session_persons TO counselling_verify")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON session_persons TO counselling_api")
