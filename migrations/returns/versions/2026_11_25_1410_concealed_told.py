"""What events conceal can be told to the person whom they are about."""

from migrations.kernel_5 import make_concealed_told, make_concealed_untold

revision = "returns_6"
down_revision = "returns_5"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_concealed_told("returns")


def downgrade() -> None:
    make_concealed_untold("returns")
