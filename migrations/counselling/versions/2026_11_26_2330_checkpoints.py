"""Who signs checkpoints of the log reads its hashes."""

from migrations.kernel_9 import let_checkpoint, let_nobody_checkpoint

revision = "counselling_18"
down_revision = "counselling_17"
branch_labels = None
depends_on = None


def upgrade() -> None:
    let_checkpoint("counselling")


def downgrade() -> None:
    let_nobody_checkpoint("counselling")
