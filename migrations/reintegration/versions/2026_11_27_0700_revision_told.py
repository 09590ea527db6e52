"""Who verifies sees at which revision the database is."""

from migrations.kernel_12 import keep_revision, tell_revision

revision = "reintegration_141"
down_revision = "reintegration_119"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tell_revision("reintegration")


def downgrade() -> None:
    keep_revision("reintegration")
