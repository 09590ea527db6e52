"""The log can be searched by its auditor."""

from migrations.kernel_3 import make_log_searchable, make_log_unsearchable

revision = "reintegration_5"
down_revision = "reintegration_4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_log_searchable("reintegration")


def downgrade() -> None:
    make_log_unsearchable()
