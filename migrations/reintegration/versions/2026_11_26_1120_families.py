"""Families, whose cap is one; what a person and their family were granted by currency; requests just below a threshold."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN, give_function

revision = "reintegration_27"
down_revision = "reintegration_26"
branch_labels = None
depends_on = None

_SUPPORT = "support_in(uuid[], uuid, timestamptz)"


def upgrade() -> None:
    op.create_table(
        "families",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("member_ids", pg.ARRAY(sa.Uuid()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_families")),
    )
    op.create_index(op.f("ix_families_member_ids"), "families", ["member_ids"], postgresql_using="gin")
    op.execute("ALTER TABLE families ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE families FORCE ROW LEVEL SECURITY")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "ALL", EVERY_ROW),
        ("api", "SELECT", SCOPE_IS_KNOWN),
    ):  # fmt: skip
        check = f" WITH CHECK ({rows})" if action == "ALL" else ""
        op.execute(
            f"CREATE POLICY reintegration_{role} ON families FOR {action} TO reintegration_{role} USING ({rows}){check}"
        )
    op.execute("GRANT SELECT ON families TO reintegration_verify, reintegration_api")
    op.execute("GRANT SELECT, INSERT, UPDATE ON families TO reintegration_worker")
    op.add_column("grants", sa.Column("just_below_threshold", sa.Boolean(), server_default="false", nullable=False))
    op.execute("GRANT SELECT (currency) ON grants TO reintegration_lookup")
    run_sql("support_in_1.sql")
    give_function("reintegration", "lookup", _SUPPORT)


def downgrade() -> None:
    op.execute(f"DROP FUNCTION {_SUPPORT}")
    op.execute("REVOKE SELECT (currency) ON grants FROM reintegration_lookup")
    op.drop_column("grants", "just_below_threshold")
    op.drop_table("families")
