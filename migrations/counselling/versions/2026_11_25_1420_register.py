"""More of who a person is, the status in the host country, by what somebody is found, and members who leave a family."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN, in_sites

revision = "counselling_8"
down_revision = "counselling_7"
branch_labels = None
depends_on = None

_BEFORE = (
    "family_name", "given_names", "family_name_own_script", "given_names_own_script", "other_names", "birth_date",
    "nationalities", "languages", "contacts",
)  # fmt: skip
_ADDED = ("documents", "education", "occupation", "skills")
_AS_STATED = "ck_identities_sealed_as_stated"


def upgrade() -> None:
    op.add_column("persons", sa.Column("host_status_number", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.alter_column("persons", "host_status_number", server_default=None)
    op.add_column(
        "identities",
        sa.Column("emptied", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
    )
    op.alter_column("identities", "emptied", server_default=None)
    op.execute("GRANT SELECT (emptied) ON identities TO counselling_verify")
    for field in _ADDED:
        op.add_column("identities", sa.Column(field, sa.LargeBinary(), nullable=True))
    _sealed_as_stated((*_BEFORE, *_ADDED))
    op.create_table(
        "host_statuses",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("said", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "version", name=op.f("pk_host_statuses")),
        sa.UniqueConstraint("person_id", "number", name=op.f("uq_host_statuses_person_id_number")),
    )
    # What was stated once is never changed, and who verifies sees that something was sealed, not what.
    _secure("host_statuses", in_sites("site"), "SELECT, INSERT", "person_id, version, number, site, recorded_by, recorded_at")
    op.create_table(
        "search_tokens",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "field", "token", name=op.f("pk_search_tokens")),
    )
    op.create_index(op.f("ix_search_tokens_token_person_id"), "search_tokens", ["token", "person_id"], unique=False)
    op.create_index(op.f("ix_search_tokens_key_person_id"), "search_tokens", ["key", "person_id"], unique=False)
    # People are looked for at all sites; who verifies sees that there is a token, not which.
    _secure("search_tokens", SCOPE_IS_KNOWN, "SELECT, INSERT, DELETE", "person_id, field, key")
    # What is hashed anew may come out the same.
    op.execute("GRANT UPDATE (key) ON search_tokens TO counselling_api")
    op.execute("GRANT DELETE ON family_members TO counselling_api")


def downgrade() -> None:
    op.execute("REVOKE DELETE ON family_members FROM counselling_api")
    op.drop_table("search_tokens")
    op.drop_table("host_statuses")
    _sealed_as_stated(_BEFORE)
    for field in (*_ADDED, "emptied"):
        op.drop_column("identities", field)
    op.drop_column("persons", "host_status_number")


def _sealed_as_stated(fields: tuple[str, ...]) -> None:
    stated = ", ".join(f"CASE WHEN {field} IS NOT NULL THEN '{field}' END" for field in fields)
    op.drop_constraint(op.f(_AS_STATED), "identities", type_="check")
    op.create_check_constraint(op.f(_AS_STATED), "identities", f"array_remove(ARRAY[{stated}], NULL) = stated")


def _secure(table: str, within: str, granted: str, verified: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "SELECT", EVERY_ROW), ("api", "ALL", within)
    ):  # fmt: skip
        check = "" if action == "SELECT" else f" WITH CHECK ({rows})"
        op.execute(f"CREATE POLICY counselling_{role} ON {table} FOR {action} TO counselling_{role} USING ({rows}){check}")
    op.execute(f"GRANT {granted} ON {table} TO counselling_api")
    op.execute(f"GRANT SELECT ({verified}) ON {table} TO counselling_verify")
