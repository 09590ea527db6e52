"""Of each person the sessions in which they were heard alone; of those held before it is not known, and none counts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "returns_25"
down_revision = "returns_24"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("persons", sa.Column("heard_alone_in", pg.ARRAY(sa.Uuid()), nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("persons", "heard_alone_in")
