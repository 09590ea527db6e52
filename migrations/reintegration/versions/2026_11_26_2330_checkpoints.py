"""Who signs checkpoints of the log reads its hashes."""

from migrations.kernel_9 import let_checkpoint, let_nobody_checkpoint

revision = "reintegration_111"
down_revision = "reintegration_100"
branch_labels = None
depends_on = None


def upgrade() -> None:
    let_checkpoint("reintegration")


def downgrade() -> None:
    let_nobody_checkpoint("reintegration")
