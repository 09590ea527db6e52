"""A wrong year of birth is corrected: another is sealed in its place, bound to the version of the person that said it."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_10 import refuse_to_lose

revision = "counselling_25"
down_revision = "counselling_24"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("birth_years", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.execute("GRANT UPDATE (birth_year, version) ON birth_years TO counselling_api")
    op.execute("GRANT SELECT (version) ON birth_years TO counselling_verify")


def downgrade() -> None:
    # Without its version such a year opens no more, and with it goes whether somebody is a child.
    refuse_to_lose("birth_years WHERE version > 1", "years of birth were corrected, which opens only with their version")
    op.execute("REVOKE UPDATE (birth_year) ON birth_years FROM counselling_api")
    op.drop_column("birth_years", "version")
