"""Spot checks: which deliveries were drawn by whom, and what somebody found who had no part in them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN, in_countries, of_the_actor

revision = "reintegration_61"
down_revision = "reintegration_64"
branch_labels = None
depends_on = None

TABLES = {
    "spot_check_draws": "SELECT, INSERT, UPDATE (id)", "drawn_deliveries": "SELECT, INSERT",
    "spot_checks": "SELECT, INSERT, UPDATE (id)",
}  # fmt: skip
# The column that says by whom a row is written: the API writes none in another's name.
WRITTEN_BY = {"spot_check_draws": "drawn_by", "spot_checks": "recorded_by"}
DRAWN = ["draw_id", "grant_id", "number"]


def upgrade() -> None:
    op.create_table(
        "spot_check_draws",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("to_day", sa.Date(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column("population_hash", sa.Text(), nullable=False),
        sa.Column("seed", sa.Text(), nullable=False),
        sa.Column("drawn", pg.JSONB(), nullable=False),
        sa.Column("drawn_by", sa.Text(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("from_day <= to_day", name=op.f("ck_spot_check_draws_period_is_one")),
        sa.CheckConstraint(
            "jsonb_array_length(drawn) = least(size, population) AND size > 0", name=op.f("ck_spot_check_draws_drew_as_many")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spot_check_draws")),
        sa.UniqueConstraint("drawn_by", "from_day", "to_day", name="uq_spot_check_draws_period"),
    )
    op.create_table(
        "drawn_deliveries",
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(*DRAWN, name=op.f("pk_drawn_deliveries")),
    )
    op.create_table(
        "spot_checks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("checked_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('confirmed', 'differs', 'not_found', 'beneficiary_unreachable')",
            name=op.f("ck_spot_checks_outcome_is_known"),
        ),
        sa.ForeignKeyConstraint(DRAWN, [f"drawn_deliveries.{name}" for name in DRAWN], name="fk_spot_checks_drawn"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spot_checks")),
    )
    op.create_index(
        "uq_spot_checks_found", "spot_checks", DRAWN, unique=True,
        postgresql_where=sa.text("outcome <> 'beneficiary_unreachable'"),
    )  # fmt: skip
    op.create_index(op.f("ix_spot_checks_grant_id"), "spot_checks", ["grant_id"])
    for table, rights in TABLES.items():
        _open(table, rights)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _open(table: str, rights: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    within = SCOPE_IS_KNOWN if table == "spot_check_draws" else in_countries("country")
    written = f"{within} AND {of_the_actor(WRITTEN_BY[table])}" if table in WRITTEN_BY else within
    for role, action, rows, checked in (
        ("owner", "ALL", EVERY_ROW, EVERY_ROW), ("verify", "SELECT", EVERY_ROW, None), ("worker", "SELECT", EVERY_ROW, None),
        ("api", "ALL", within, written),
    ):  # fmt: skip
        check = f" WITH CHECK ({checked})" if checked is not None else ""
        op.execute(
            f"CREATE POLICY reintegration_{role} ON {table} FOR {action} TO reintegration_{role} USING ({rows}){check}"
        )
    op.execute(f"GRANT SELECT ON {table} TO reintegration_verify")
    op.execute(f"GRANT {rights} ON {table} TO reintegration_api")
