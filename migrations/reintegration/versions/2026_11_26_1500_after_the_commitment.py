"""Nothing is posted before the month of its commitment; a function that nobody asks is gone."""

from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import give_function

revision = "reintegration_37"
down_revision = "reintegration_36"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("after_the_commitment_1.sql")
    op.execute("REVOKE ALL ON FUNCTION post_after_the_commitment() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER after_the_commitment BEFORE INSERT ON fund_postings FOR EACH ROW WHEN (NEW.posting_no > 1) "
        "EXECUTE FUNCTION post_after_the_commitment()"
    )
    # Since caps know currencies and families, nobody asks it.
    op.execute("DROP FUNCTION support_elsewhere(uuid, uuid, timestamptz)")


def downgrade() -> None:
    run_sql("support_elsewhere_2.sql")
    give_function("reintegration", "lookup", "support_elsewhere(uuid, uuid, timestamptz)")
    op.execute("DROP TRIGGER after_the_commitment ON fund_postings")
    op.execute("DROP FUNCTION post_after_the_commitment()")

