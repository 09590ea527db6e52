"""Of whoever stands up for a child it is known in which case, so that they are kept for that one alone."""

import sqlalchemy as sa
from alembic import op

revision = "counselling_26"
down_revision = "counselling_25"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("persons", sa.Column("case_guardian_of", sa.Uuid(), nullable=True))


def downgrade() -> None:
    """Nothing is lost: the log says in which case somebody stands up for whom, and the column is folded from it again."""
    op.drop_column("persons", "case_guardian_of")
