"""Who signs checkpoints of the log reads its hashes."""

from migrations.kernel_9 import let_checkpoint, let_nobody_checkpoint

revision = "returns_29"
down_revision = "returns_28"
branch_labels = None
depends_on = None


def upgrade() -> None:
    let_checkpoint("returns")


def downgrade() -> None:
    let_nobody_checkpoint("returns")
