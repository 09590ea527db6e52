"""Which lists an erased person's payee was screened against is as each fact says it, also where others were to be looked for."""

from alembic import op

from migrations.kernel_1 import run_sql

revision = "reintegration_116"
down_revision = "reintegration_122"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT SELECT (screened_lists), UPDATE (screened_lists) ON payees TO reintegration_eraser")
    op.execute("GRANT SELECT (type) ON event_log TO reintegration_eraser")
    run_sql("erasure_of_screenings_2.sql")


def downgrade() -> None:
    run_sql("erasure_of_screenings_0.sql")
    op.execute("REVOKE SELECT (type) ON event_log FROM reintegration_eraser")
    op.execute("REVOKE SELECT (screened_lists), UPDATE (screened_lists) ON payees FROM reintegration_eraser")
