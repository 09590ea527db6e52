"""The waiting of a database that was set back ends by two persons' word alone, behind what was lost of payments, and who signs its log knows of it."""

from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_14 import end_waiting_by_one, end_waiting_by_two

revision = "reintegration_134"
down_revision = "reintegration_129"
branch_labels = None
depends_on = None


def upgrade() -> None:
    end_waiting_by_two("reintegration")
    run_sql("restored_payments_1.sql")


def downgrade() -> None:
    op.execute("DROP TRIGGER restored_opens_with_payments ON restored")
    op.execute("DROP FUNCTION restored_opens_with_payments()")
    end_waiting_by_one("reintegration")
