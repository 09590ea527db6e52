"""Who verifies sees at which revision the database is."""

from migrations.kernel_12 import keep_revision, tell_revision

revision = "audit_14"
down_revision = "audit_15"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tell_revision("audit")


def downgrade() -> None:
    keep_revision("audit")
