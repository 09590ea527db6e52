"""Until when the archive was told which differences of a service's rows are gone."""

import sqlalchemy as sa
from alembic import op

revision = "audit_13"
down_revision = "audit_12"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("archive_verified", sa.Column("gone_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Loses nothing: the archive asks each service from the beginning on, and what it was told stays."""
    op.drop_column("archive_verified", "gone_until")
