"""By which rules the names of a payee were compared last stands with it, so that whoever was screened by others is screened anew."""

import sqlalchemy as sa
from alembic import op

revision = "reintegration_132"
down_revision = "reintegration_131"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payees", sa.Column("screened_with", sa.Integer(), server_default="1", nullable=False))


def downgrade() -> None:
    """Nothing is lost: taken up again, everybody is screened anew."""
    op.drop_column("payees", "screened_with")
