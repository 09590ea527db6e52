"""What the rolling verification found, and how far it is."""

from migrations.kernel_11 import drop_verified, make_verified

revision = "counselling_20"
down_revision = "counselling_18"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_verified("counselling")


def downgrade() -> None:
    drop_verified()
