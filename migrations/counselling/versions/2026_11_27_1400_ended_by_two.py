"""The waiting of a database that was set back ends by two persons' word alone, and who signs its log knows of it."""

from migrations.kernel_14 import end_waiting_by_one, end_waiting_by_two

revision = "counselling_23"
down_revision = "counselling_21"
branch_labels = None
depends_on = None


def upgrade() -> None:
    end_waiting_by_two("counselling")


def downgrade() -> None:
    end_waiting_by_one("counselling")
