"""Rates of exchange: what is recorded now, and every revision of it, which nobody changes."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN

revision = "reintegration_16"
down_revision = "reintegration_15"
branch_labels = None
depends_on = None

TABLES = {"rates": "SELECT, INSERT, UPDATE", "exchange_rates": "SELECT, INSERT"}


def upgrade() -> None:
    op.create_table(
        "rates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("rate", sa.Numeric(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("rate > 0", name=op.f("ck_rates_rate_above_zero")),
        sa.CheckConstraint(
            "currency <> base AND currency <> 'USD' AND base IN ('USD', 'EUR')", name=op.f("ck_rates_one_measure")
        ),
        sa.CheckConstraint("(revision = 1) = (reason IS NULL)", name=op.f("ck_rates_corrected_for_a_reason")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rates")),
    )
    op.create_index(op.f("ix_rates_effective_on_id"), "rates", ["effective_on", "id"])
    op.create_index(op.f("ix_rates_currency_effective_on_id"), "rates", ["currency", "effective_on", "id"])
    op.create_table(
        "exchange_rates",
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rate_id", sa.Uuid(), nullable=False),
        sa.Column("rate", sa.Numeric(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("rate > 0", name=op.f("ck_exchange_rates_rate_above_zero")),
        sa.PrimaryKeyConstraint("currency", "base", "effective_on", "revision", name=op.f("pk_exchange_rates")),
        sa.UniqueConstraint("rate_id", "revision", name=op.f("uq_exchange_rates_rate_id_revision")),
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
