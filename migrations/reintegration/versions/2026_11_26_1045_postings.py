"""Postings of funds, one for each movement, and accounting months that can be closed; old grants are posted from their rows."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import follow_transitions, run_sql
from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN, in_countries
from shared.settings import MISSION

revision = "reintegration_23"
down_revision = "reintegration_22"
branch_labels = None
depends_on = None

TABLES = {
    "fund_postings": (in_countries("destination_country"), "SELECT, INSERT"),
    "accounting_periods": (SCOPE_IS_KNOWN, "SELECT, INSERT, UPDATE"),
    "closed_months": (SCOPE_IS_KNOWN, "SELECT, INSERT, DELETE"),
}
FUNCTIONS = ("post_into_an_open_month()", "close_after_the_postings()")
# What grants took before there were postings: the approval, each payment on its day, and what a cancellation freed.
WHAT_WAS = (
    "INSERT INTO fund_postings SELECT id, cast(row_number() OVER (PARTITION BY id ORDER BY place, tranche) AS integer), "
    "fund_id, destination_country, kind, tranche, amount, currency, amount, currency, occurred_on, "
    "date_trunc('month', cast(occurred_on AS timestamp)) FROM ("
    "SELECT id, fund_id, destination_country, currency, 1 AS place, 'commit' AS kind, cast(NULL AS integer) AS tranche, "
    " amount, cast(approved_at AT TIME ZONE :zone AS date) AS occurred_on FROM grants WHERE fund_id IS NOT NULL "
    "UNION ALL SELECT g.id, g.fund_id, g.destination_country, g.currency, 2, 'spend', cast(t ->> 'number' AS integer), "
    " cast(t ->> 'amount' AS numeric), cast(t ->> 'paid_on' AS date) FROM grants g, jsonb_array_elements(g.tranches) t "
    " WHERE g.fund_id IS NOT NULL AND t ->> 'paid_on' IS NOT NULL "
    "UNION ALL SELECT id, fund_id, destination_country, currency, 3, 'release', NULL, amount - committed - paid, "
    " cast(waiting_since AT TIME ZONE :zone AS date) FROM grants WHERE fund_id IS NOT NULL AND committed + paid < amount"
    ") posted"
)


def upgrade() -> None:
    op.create_table(
        "fund_postings",
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("posting_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("destination_country", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("tranche", sa.Integer(), nullable=True),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_in_fund", sa.Numeric(), nullable=False),
        sa.Column("fund_currency", sa.Text(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('commit', 'release', 'spend') AND (kind = 'spend') = (tranche IS NOT NULL)",
            name=op.f("ck_fund_postings_kind_is_known"),
        ),
        sa.CheckConstraint("amount > 0 AND amount_in_fund > 0", name=op.f("ck_fund_postings_amount_above_zero")),
        sa.CheckConstraint(
            "month = date_trunc('month', cast(occurred_on AS timestamp))", name=op.f("ck_fund_postings_month_of_the_day")
        ),
        sa.PrimaryKeyConstraint("grant_id", "posting_no", name=op.f("pk_fund_postings")),
    )
    op.create_index(op.f("ix_fund_postings_fund_id_month"), "fund_postings", ["fund_id", "month"])
    op.create_table(
        "accounting_periods",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting", pg.JSONB(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=True),
        sa.Column("reopened_by", sa.Text(), nullable=True),
        sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("version > 1 OR status IN ('closed')", name=op.f("ck_accounting_periods_beginning")),
        sa.CheckConstraint("asked_by <> reopened_by", name=op.f("ck_accounting_periods_two_persons")),
        sa.CheckConstraint(
            "(reopened_by IS NULL) = (asked_by IS NULL) AND (reopened_by IS NULL) = (reopened_at IS NULL) "
            "AND (status = 'closed' OR reopened_by IS NOT NULL)",
            name=op.f("ck_accounting_periods_reopening_is_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounting_periods")),
        sa.UniqueConstraint("month", name=op.f("uq_accounting_periods_month")),
    )
    follow_transitions("accounting_periods", {"closed": ("reopened",), "reopened": ("closed",)})
    op.create_table(
        "closed_months",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("period_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_closed_months")),
    )
    for table, (within, rights) in TABLES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        for role, action, rows in (
            ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "SELECT", EVERY_ROW), ("api", "ALL", within),
        ):  # fmt: skip
            check = f" WITH CHECK ({rows})" if action == "ALL" else ""
            op.execute(
                f"CREATE POLICY reintegration_{role} ON {table} FOR {action} TO reintegration_{role} USING ({rows}){check}"
            )
        op.execute(f"GRANT SELECT ON {table} TO reintegration_verify")
        op.execute(f"GRANT {rights} ON {table} TO reintegration_api")
    op.execute(sa.text(WHAT_WAS).bindparams(zone=MISSION.mission_time_zone))
    run_sql("open_months_1.sql")
    for function in FUNCTIONS:
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER into_an_open_month BEFORE INSERT ON fund_postings FOR EACH ROW EXECUTE FUNCTION post_into_an_open_month()"
    )
    op.execute(
        "CREATE TRIGGER after_the_postings BEFORE INSERT ON closed_months FOR EACH ROW EXECUTE FUNCTION close_after_the_postings()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER after_the_postings ON closed_months")
    op.execute("DROP TRIGGER into_an_open_month ON fund_postings")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("DELETE FROM status_transition WHERE aggregate = 'accounting_periods'")
