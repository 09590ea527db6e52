"""The log can be searched by its auditor."""

from migrations.kernel_3 import make_log_searchable, make_log_unsearchable

revision = "returns_5"
down_revision = "returns_4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_log_searchable("returns")


def downgrade() -> None:
    make_log_unsearchable()
