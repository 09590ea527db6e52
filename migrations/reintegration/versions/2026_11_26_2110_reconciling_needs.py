"""A version of a policy says what a reconciliation waits for; those of before for nothing."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "reintegration_82"
down_revision = "reintegration_70"
branch_labels = None
depends_on = None

_TABLES = ("funding_policies", "policy_versions")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("reconciling_needs", pg.ARRAY(sa.Text()), nullable=False, server_default="{}"))


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_column(table, "reconciling_needs")
