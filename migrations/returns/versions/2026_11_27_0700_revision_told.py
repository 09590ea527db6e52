"""Who verifies sees at which revision the database is."""

from migrations.kernel_12 import keep_revision, tell_revision

revision = "returns_32"
down_revision = "returns_33"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tell_revision("returns")


def downgrade() -> None:
    keep_revision("returns")
