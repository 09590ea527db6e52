"""Of a child it is known who stands up for it in its return case, so that nobody erases them while that is open."""

import sqlalchemy as sa
from alembic import op

revision = "counselling_24"
down_revision = "counselling_23"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("persons", sa.Column("case_guardian_id", sa.Uuid(), nullable=True))
    op.create_index(
        op.f("ix_persons_case_guardian_id"), "persons", ["case_guardian_id"],
        postgresql_where=sa.text("case_guardian_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Nothing is lost: the log says who stands up for whom, and the column is folded from it again."""
    op.drop_index(op.f("ix_persons_case_guardian_id"), "persons")
    op.drop_column("persons", "case_guardian_id")
