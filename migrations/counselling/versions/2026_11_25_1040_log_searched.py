"""The log can be searched by its auditor."""

from migrations.kernel_3 import make_log_searchable, make_log_unsearchable

revision = "counselling_4"
down_revision = "counselling_3"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_log_searchable("counselling")


def downgrade() -> None:
    make_log_unsearchable()
