"""Answers that were given long ago are forgotten."""

from migrations.kernel_7 import make_answers_forgettable, make_answers_unforgettable

revision = "returns_8"
down_revision = "returns_7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_answers_forgettable("returns")


def downgrade() -> None:
    make_answers_unforgettable("returns")
