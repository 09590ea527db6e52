"""Answers that were given long ago are forgotten."""

from migrations.kernel_7 import make_answers_forgettable, make_answers_unforgettable

revision = "reintegration_8"
down_revision = "reintegration_7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_answers_forgettable("reintegration")


def downgrade() -> None:
    make_answers_unforgettable("reintegration")
