"""On which version of its plan a grant was asked for; requests of before do not say it."""

import sqlalchemy as sa
from alembic import op

revision = "reintegration_34"
down_revision = "reintegration_33"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("grants", sa.Column("plan_version", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("grants", "plan_version")
