"""With somebody erased goes of a booking only what was booked for them, and not what was booked for whoever goes on."""

from alembic import op

from migrations.kernel_1 import run_sql

revision = "returns_39"
down_revision = "returns_38"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT SELECT (path) ON disclosure TO returns_eraser")
    op.execute("GRANT SELECT (leaf) ON event_log TO returns_eraser")
    run_sql("erasure_of_bookings_1.sql")


def downgrade() -> None:
    run_sql("erasure_of_bookings_0.sql")
    op.execute("REVOKE SELECT (leaf) ON event_log FROM returns_eraser")
    op.execute("REVOKE SELECT (path) ON disclosure FROM returns_eraser")
