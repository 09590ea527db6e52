"""The year of birth is sealed under the person's key, and found by a keyed hash, no more in clear.

What there is of years waits in a table of its own for a process of the service, which has the keys, to seal it.
"""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN, in_countries
from migrations.kernel_6 import goes_with_the_person, take_out

revision = "counselling_13"
down_revision = "counselling_12"
branch_labels = None
depends_on = None

_INDEXES = (
    ("country_of_origin", "token", "person_id"), ("country_of_origin", "token", "sex", "person_id"), ("key", "person_id")
)  # fmt: skip
_FORMER = (("country_of_origin", "birth_year", "id"), ("country_of_origin", "birth_year", "sex", "id"))
_TABLES = ("birth_years", "birth_years_in_clear")
_IN_CLEAR = """
    INSERT INTO birth_years_in_clear (person_id, birth_year, salt)
    SELECT p.id, p.birth_year, d.salt FROM persons p LEFT JOIN event_log e ON e.subject = p.id AND e.aggver = 1
    LEFT JOIN disclosure d ON d.event_id = e.id AND d.path = 'birth_year' WHERE p.erased_at IS NULL
"""
_NO_MORE_BESIDE_THE_LOG = """
    DELETE FROM disclosure d USING event_log e WHERE e.id = d.event_id AND d.path = 'birth_year'
    AND e.type = 'avrr.counselling.person.registered.v1'
"""


def upgrade() -> None:
    op.create_table(
        "birth_years",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("country_of_origin", sa.Text(), nullable=False),
        sa.Column("sex", sa.Text(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("birth_year", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_birth_years")),
    )
    for columns in _INDEXES:
        op.create_index(op.f(f"ix_birth_years_{'_'.join(columns)}"), "birth_years", list(columns))
    op.create_table(
        "birth_years_in_clear",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("birth_year", sa.Integer(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_birth_years_in_clear")),
    )
    op.execute(_IN_CLEAR)
    op.execute(_NO_MORE_BESIDE_THE_LOG)
    # A year is kept once and only hashed anew; who verifies sees that there is one, not which.
    _secure("birth_years", in_countries("country_of_origin"), "SELECT, INSERT, UPDATE (token, key)")
    _secure("birth_years_in_clear", SCOPE_IS_KNOWN, "SELECT, DELETE, UPDATE (person_id)")
    op.execute("GRANT SELECT (person_id, country_of_origin, sex, key) ON birth_years TO counselling_verify")
    op.execute("GRANT SELECT (person_id) ON birth_years_in_clear TO counselling_verify")
    for table in _TABLES:
        goes_with_the_person("counselling", table)
    for columns in _FORMER:
        op.drop_index(op.f(f"ix_persons_{'_'.join(columns)}"), "persons")
    op.drop_constraint(op.f("ck_persons_erased_has_no_birth_year"), "persons")
    op.drop_column("persons", "birth_year")


def downgrade() -> None:
    # What is sealed already nobody can open here, and a year made up would make an adult of a child.
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM birth_years) THEN "
        "RAISE EXCEPTION 'years of birth are sealed and cannot be taken back'; END IF; END $$"
    )
    op.add_column("persons", sa.Column("birth_year", sa.Integer(), nullable=True))
    op.execute("UPDATE persons p SET birth_year = c.birth_year FROM birth_years_in_clear c WHERE c.person_id = p.id")
    op.create_check_constraint(
        op.f("ck_persons_erased_has_no_birth_year"), "persons", "(birth_year IS NULL) = (erased_at IS NOT NULL)"
    )
    for columns in _FORMER:
        op.create_index(op.f(f"ix_persons_{'_'.join(columns)}"), "persons", list(columns))
    for table in reversed(_TABLES):
        take_out("counselling", table)
        op.drop_table(table)


def _secure(table: str, within: str, granted: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "SELECT", EVERY_ROW), ("api", "ALL", within)
    ):  # fmt: skip
        check = "" if action == "SELECT" else f" WITH CHECK ({rows})"
        op.execute(f"CREATE POLICY counselling_{role} ON {table} FOR {action} TO counselling_{role} USING ({rows}){check}")
    op.execute(f"GRANT {granted} ON {table} TO counselling_api")
