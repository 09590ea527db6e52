"""Answers that were given long ago are forgotten."""

from migrations.kernel_7 import make_answers_forgettable, make_answers_unforgettable

revision = "counselling_10"
down_revision = "counselling_9"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_answers_forgettable("counselling")


def downgrade() -> None:
    make_answers_unforgettable("counselling")
