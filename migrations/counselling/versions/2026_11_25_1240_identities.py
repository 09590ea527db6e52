"""Who a person is, sealed: a row for each version, open where the person is registered."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.kernel_2 import EVERY_ROW, in_sites

revision = "counselling_6"
down_revision = "counselling_5"
branch_labels = None
depends_on = None

_SEALED = (
    "family_name", "given_names", "family_name_own_script", "given_names_own_script", "other_names", "birth_date",
    "nationalities", "languages", "contacts",
)  # fmt: skip


def upgrade() -> None:
    op.add_column("persons", sa.Column("identity_number", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column(
        "persons",
        sa.Column("identity_fields", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
    )
    # For the persons that there are; from now on each says what is known.
    op.alter_column("persons", "identity_number", server_default=None)
    op.alter_column("persons", "identity_fields", server_default=None)
    stated = ", ".join(f"CASE WHEN {field} IS NOT NULL THEN '{field}' END" for field in _SEALED)
    op.create_table(
        "identities",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stated", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        *(sa.Column(field, sa.LargeBinary(), nullable=True) for field in _SEALED),
        sa.CheckConstraint(
            f"array_remove(ARRAY[{stated}], NULL) = stated", name=op.f("ck_identities_sealed_as_stated")
        ),
        sa.PrimaryKeyConstraint("person_id", "version", name=op.f("pk_identities")),
        sa.UniqueConstraint("person_id", "number", name=op.f("uq_identities_person_id_number")),
    )
    _secure()


def downgrade() -> None:
    op.drop_table("identities")
    op.drop_column("persons", "identity_fields")
    op.drop_column("persons", "identity_number")


def _secure() -> None:
    op.execute("ALTER TABLE identities ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE identities FORCE ROW LEVEL SECURITY")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "SELECT", EVERY_ROW),
        ("api", "ALL", in_sites("site")),
    ):  # fmt: skip
        check = "" if action == "SELECT" else f" WITH CHECK ({rows})"
        op.execute(f"CREATE POLICY counselling_{role} ON identities FOR {action} TO counselling_{role} USING ({rows}){check}")
    # What was believed once is never changed, and who verifies sees that something was sealed, not what.
    op.execute("GRANT SELECT, INSERT ON identities TO counselling_api")
    op.execute(
        "GRANT SELECT (person_id, version, number, site, recorded_by, recorded_at, stated, reason) ON identities "
        "TO counselling_verify"
    )
