"""Whoever serves makes the first key of rows and no other, so that none that opens nothing stops every command."""

from migrations.kernel_15 import let_make_any_key, let_make_the_first_key

revision = "counselling_27"
down_revision = "counselling_26"
branch_labels = None
depends_on = None


def upgrade() -> None:
    let_make_the_first_key("counselling")


def downgrade() -> None:
    """Nothing is lost: no row is changed, and what was refused meanwhile was nobody's work."""
    let_make_any_key("counselling")
