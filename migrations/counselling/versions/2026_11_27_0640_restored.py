"""How far this database was set back, and who accepted that."""

from migrations.kernel_13 import drop_restored, make_restored

revision = "counselling_22"
down_revision = "counselling_20"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_restored("counselling")


def downgrade() -> None:
    drop_restored()
