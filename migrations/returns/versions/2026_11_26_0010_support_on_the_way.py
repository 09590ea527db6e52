"""Support on the way stands with its case; which it was goes with the person, but for what the report counts of it."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN
from migrations.kernel_6 import let_erase

revision = "returns_16"
down_revision = "returns_15"
branch_labels = None
depends_on = None

_GIVEN_WHOLE: Final = (
    """NOT jsonb_path_exists(supports, '$[*] ? (@.status == "given" """
    "&& !(@.cost.amount != null && @.cost.currency != null && @.given_from != null && @.given_until != null))')"
)
_FUNCTION: Final = "erase_support()"


def upgrade() -> None:
    op.add_column("cases", sa.Column("supports", pg.JSONB(astext_type=sa.Text()), nullable=False, server_default="[]"))
    op.alter_column("cases", "supports", server_default=None)
    op.create_check_constraint(op.f("ck_cases_support_given_whole"), "cases", _GIVEN_WHOLE)
    op.create_index("ix_cases_supported_id", "cases", ["id"], postgresql_where=sa.text("supports <> '[]'"))
    op.create_table(
        "supports_of_the_erased",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("supports", sa.Integer(), nullable=False),
        sa.CheckConstraint("supports > 0", name=op.f("ck_supports_of_the_erased_counted")),
        sa.PrimaryKeyConstraint("year", "kind", name=op.f("pk_supports_of_the_erased")),
    )
    op.execute("ALTER TABLE supports_of_the_erased ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE supports_of_the_erased FORCE ROW LEVEL SECURITY")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "SELECT", EVERY_ROW),
        ("api", "SELECT", SCOPE_IS_KNOWN),
    ):  # fmt: skip
        check = f" WITH CHECK ({rows})" if action == "ALL" else ""
        op.execute(
            f"CREATE POLICY returns_{role} ON supports_of_the_erased FOR {action} TO returns_{role} USING ({rows}){check}"
        )
    op.execute("GRANT SELECT ON supports_of_the_erased TO returns_verify, returns_api")
    let_erase("returns", "supports_of_the_erased", "INSERT, UPDATE", "year", "kind", "supports")
    op.execute("GRANT SELECT (supports), UPDATE (supports) ON cases TO returns_eraser")
    run_sql("erasure_of_support_1.sql")
    op.execute(f"REVOKE ALL ON FUNCTION {_FUNCTION} FROM PUBLIC")
    op.execute("GRANT CREATE ON SCHEMA public TO returns_eraser")
    op.execute(f"ALTER FUNCTION {_FUNCTION} OWNER TO returns_eraser")
    op.execute("REVOKE CREATE ON SCHEMA public FROM returns_eraser")
    op.execute(
        f"CREATE TRIGGER erases_support AFTER INSERT OR UPDATE OF erased_at ON persons FOR EACH ROW "
        f"WHEN (NEW.erased_at IS NOT NULL) EXECUTE FUNCTION {_FUNCTION}"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER erases_support ON persons")
    op.execute(f"DROP FUNCTION {_FUNCTION}")
    op.drop_table("supports_of_the_erased")
    op.drop_index("ix_cases_supported_id", table_name="cases")
    op.drop_constraint(op.f("ck_cases_support_given_whole"), "cases")
    op.drop_column("cases", "supports")
