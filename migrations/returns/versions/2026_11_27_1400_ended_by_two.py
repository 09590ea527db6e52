"""The waiting of a database that was set back ends by two persons' word alone, and who signs its log knows of it."""

from migrations.kernel_14 import end_waiting_by_one, end_waiting_by_two

revision = "returns_34"
down_revision = "returns_32"
branch_labels = None
depends_on = None


def upgrade() -> None:
    end_waiting_by_two("returns")


def downgrade() -> None:
    end_waiting_by_one("returns")
