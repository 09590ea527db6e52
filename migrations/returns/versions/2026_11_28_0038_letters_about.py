"""Who is cleared to board is asked of dead letters by whom their events name, and not by the key of them alone."""

from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import give_function, let_read_all, let_read_none

revision = "returns_38"
down_revision = "returns_37"
branch_labels = None
depends_on = None

_FUNCTION = "letter_about(text, uuid[])"


def upgrade() -> None:
    let_read_all("returns", "lookup", "dead_letter", "source", "partitionkey", "leaf")
    op.execute("GRANT EXECUTE ON FUNCTION leaf_ids(bytea) TO returns_lookup")
    run_sql("letter_about_1.sql")
    give_function("returns", "lookup", _FUNCTION)
    # A reaction's command is handed the same facts.
    op.execute(f"GRANT EXECUTE ON FUNCTION {_FUNCTION} TO returns_worker")


def downgrade() -> None:
    """Nothing is lost: nothing is kept by it."""
    op.execute(f"DROP FUNCTION {_FUNCTION}")
    op.execute("REVOKE EXECUTE ON FUNCTION leaf_ids(bytea) FROM returns_lookup")
    let_read_none("returns", "lookup", "dead_letter")
