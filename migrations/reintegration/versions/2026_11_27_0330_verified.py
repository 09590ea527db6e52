"""What the rolling verification found, and how far it is."""

from migrations.kernel_11 import drop_verified, make_verified

revision = "reintegration_140"
down_revision = "reintegration_115"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_verified("reintegration")


def downgrade() -> None:
    drop_verified()
