"""How far this database was set back, and who accepted that."""

from migrations.kernel_13 import drop_restored, make_restored

revision = "audit_17"
down_revision = "audit_21"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_restored("audit")


def downgrade() -> None:
    drop_restored()
