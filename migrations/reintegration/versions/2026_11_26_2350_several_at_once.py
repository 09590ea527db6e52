"""Lines of the bank's that name several payments of ours, and what each block of a file orders together."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "reintegration_109"
down_revision = "reintegration_108"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bank_lines", sa.Column("names_several", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("payment_batches", sa.Column("block_sums", pg.JSONB(), server_default="[]", nullable=False))


def downgrade() -> None:
    op.drop_column("payment_batches", "block_sums")
    op.drop_column("bank_lines", "names_several")
