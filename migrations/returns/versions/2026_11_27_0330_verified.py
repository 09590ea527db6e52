"""What the rolling verification found, and how far it is."""

from migrations.kernel_11 import drop_verified, make_verified

revision = "returns_31"
down_revision = "returns_29"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_verified("returns")


def downgrade() -> None:
    drop_verified()
