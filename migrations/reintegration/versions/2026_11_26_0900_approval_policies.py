"""Approval policies: the newest version of each programme's, and every version, which nobody changes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN

revision = "reintegration_19"
down_revision = "reintegration_18"
branch_labels = None
depends_on = None

TABLES = {"funding_policies": "SELECT, INSERT, UPDATE", "policy_versions": "SELECT, INSERT"}
IN_ORDER = (
    "one_approver_up_to > 0 AND one_approver_up_to <= two_approvers_up_to "
    "AND cap_per_person > 0 AND cap_per_person <= cap_per_family AND quotations_above > 0"
)


def of_a_version(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("cap_per_person", sa.Numeric(), nullable=False),
        sa.Column("cap_per_family", sa.Numeric(), nullable=False),
        sa.Column("one_approver_up_to", sa.Numeric(), nullable=False),
        sa.Column("two_approvers_up_to", sa.Numeric(), nullable=False),
        sa.Column("quotations_above", sa.Numeric(), nullable=False),
        sa.Column("own_contribution_percent", sa.Integer(), nullable=False),
        sa.Column("required_papers", pg.JSONB(), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(IN_ORDER, name=op.f(f"ck_{table}_amounts_in_order")),
        sa.CheckConstraint("own_contribution_percent BETWEEN 0 AND 100", name=op.f(f"ck_{table}_percent_of_it")),
    ]


def upgrade() -> None:
    op.create_table(
        "funding_policies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        *of_a_version("funding_policies"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_funding_policies")),
    )
    op.create_table(
        "policy_versions",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        *of_a_version("policy_versions"),
        sa.PrimaryKeyConstraint("programme", "policy_version", name=op.f("pk_policy_versions")),
        sa.UniqueConstraint("policy_id", "policy_version", name=op.f("uq_policy_versions_policy_id_policy_version")),
    )
    for table, rights in TABLES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        for role, action, rows in (
            ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "SELECT", EVERY_ROW),
            ("api", "ALL", SCOPE_IS_KNOWN),
        ):  # fmt: skip
            check = f" WITH CHECK ({rows})" if action == "ALL" else ""
            op.execute(
                f"CREATE POLICY reintegration_{role} ON {table} FOR {action} TO reintegration_{role} USING ({rows}){check}"
            )
        op.execute(f"GRANT SELECT ON {table} TO reintegration_verify")
        op.execute(f"GRANT {rights} ON {table} TO reintegration_api")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
