"""Why somebody is on legal hold is sealed under a key that ends with its epoch, as everything beside the log is."""

from migrations.kernel_8 import drop_row_keys, make_row_keys

revision = "counselling_15"
down_revision = "counselling_14"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_row_keys("counselling")


def downgrade() -> None:
    drop_row_keys()
