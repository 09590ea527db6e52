"""How often at least a log was told to somebody else in the archive's name, and when last."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_10 import refuse_to_lose

revision = "audit_15"
down_revision = "audit_13"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("archive_watched", sa.Column("read_by_others", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("archive_watched", sa.Column("read_by_others_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    refuse_to_lose("archive_watched WHERE read_by_others > 0", "that somebody read a log in the archive's name would be known no more")
    op.drop_column("archive_watched", "read_by_others_at")
    op.drop_column("archive_watched", "read_by_others")
