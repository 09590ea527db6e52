"""How far this database was set back, and who accepted that."""

from migrations.kernel_13 import drop_restored, make_restored

revision = "returns_33"
down_revision = "returns_31"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_restored("returns")


def downgrade() -> None:
    drop_restored()
