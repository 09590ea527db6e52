"""What events conceal can be told to the person whom they are about."""

from alembic import op

from migrations.kernel_5 import make_concealed_told, make_concealed_untold

revision = "counselling_7"
down_revision = "counselling_6"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_concealed_told("counselling")


def downgrade() -> None:
    make_concealed_untold("counselling")
    # The role owned nothing before.
    op.execute("REVOKE ALL ON SCHEMA public FROM counselling_lookup")
