"""Of a case those are known whose consent it goes by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "reintegration_9"
down_revision = "reintegration_8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # For the cases that there are it is not known: everybody who arrived has to agree. A fold comes to the same.
    op.add_column(
        "cases",
        sa.Column("deciding_ids", postgresql.ARRAY(sa.Uuid()), server_default=sa.text("'{}'::uuid[]"), nullable=False),
    )
    op.alter_column("cases", "deciding_ids", server_default=None)


def downgrade() -> None:
    op.drop_column("cases", "deciding_ids")
