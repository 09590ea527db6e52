"""How far this database was set back, and who accepted that."""

from migrations.kernel_13 import drop_restored, make_restored

revision = "reintegration_142"
down_revision = "reintegration_113"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_restored("reintegration")


def downgrade() -> None:
    drop_restored()
