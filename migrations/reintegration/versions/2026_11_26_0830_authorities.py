"""Delegated authority: what was given to whom, the terms that nobody changes, and one that is open of each kind."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN

revision = "reintegration_17"
down_revision = "reintegration_16"
branch_labels = None
depends_on = None

TABLES = {
    "authorities": "SELECT, INSERT, UPDATE", "authority_terms": "SELECT, INSERT",
    "open_authorities": "SELECT, INSERT, DELETE",
}  # fmt: skip
APPROVES = "role IN ('finance_approver', 'chief_of_mission')"


def upgrade() -> None:
    op.create_table(
        "authorities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("up_to", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deputies", pg.JSONB(), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("holder_id <> given_by", name=op.f("ck_authorities_nobody_for_themselves")),
        sa.CheckConstraint(APPROVES, name=op.f("ck_authorities_role_approves")),
        sa.CheckConstraint("up_to > 0", name=op.f("ck_authorities_limit_above_zero")),
        sa.CheckConstraint("valid_from <= valid_until", name=op.f("ck_authorities_validity_in_order")),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL) AND (ended_at IS NULL) = (end_reason IS NULL)",
            name=op.f("ck_authorities_end_is_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorities")),
    )
    op.create_table(
        "authority_terms",
        sa.Column("authority_id", sa.Uuid(), nullable=False),
        sa.Column("terms_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holder_id", sa.Text(), nullable=False),
        sa.Column("acting_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("up_to", sa.Numeric(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "given_by <> holder_id AND given_by <> acting_id", name=op.f("ck_authority_terms_nobody_for_themselves")
        ),
        sa.CheckConstraint(
            "(terms_no = 1) = (acting_id = holder_id)", name=op.f("ck_authority_terms_holder_comes_first")
        ),
        sa.CheckConstraint(APPROVES, name=op.f("ck_authority_terms_role_approves")),
        sa.CheckConstraint("up_to > 0", name=op.f("ck_authority_terms_limit_above_zero")),
        sa.CheckConstraint("valid_from <= valid_until", name=op.f("ck_authority_terms_validity_in_order")),
        sa.PrimaryKeyConstraint("authority_id", "terms_no", name=op.f("pk_authority_terms")),
    )
    op.create_index(op.f("ix_authority_terms_acting_id"), "authority_terms", ["acting_id"])
    op.create_table(
        "open_authorities",
        sa.Column("holder_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("authority_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("holder_id", "role", "currency", name=op.f("pk_open_authorities")),
        sa.UniqueConstraint("authority_id", name=op.f("uq_open_authorities_authority_id")),
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
