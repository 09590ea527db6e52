"""What the rolling verification found, and how far it is."""

from migrations.kernel_11 import drop_verified, make_verified

revision = "audit_20"
down_revision = "audit_11"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_verified("audit")


def downgrade() -> None:
    drop_verified()
