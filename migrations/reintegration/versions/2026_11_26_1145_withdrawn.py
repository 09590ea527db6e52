"""Whoever withdrew before their case left belongs to it no more, and again if they left all the same."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "reintegration_30"
down_revision = "reintegration_29"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("withdrawn_ids", pg.ARRAY(sa.Uuid()), server_default="{}", nullable=False))
    op.alter_column("cases", "withdrawn_ids", server_default=None)


def downgrade() -> None:
    op.drop_column("cases", "withdrawn_ids")
