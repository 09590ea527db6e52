"""Who verifies sees at which revision the database is."""

from migrations.kernel_12 import keep_revision, tell_revision

revision = "counselling_21"
down_revision = "counselling_22"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tell_revision("counselling")


def downgrade() -> None:
    keep_revision("counselling")
