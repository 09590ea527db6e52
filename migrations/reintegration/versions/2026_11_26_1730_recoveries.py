"""What is asked back of a grant comes back, posted to its fund, or is written off by two persons."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_2 import EVERY_ROW, in_countries, of_the_actor

revision = "reintegration_56"
down_revision = "reintegration_52"
branch_labels = None
depends_on = None

_WHO_RECOVERED = (
    "NOT jsonb_path_exists(recoveries, '$[*].recorded_by ? (@ == $others[*])', jsonb_build_object('others', "
    "jsonb_build_array(requester_id, endorser_id, approver_id, counsellor_id, payer_id, certificate -> 'attested_by') "
    "|| to_jsonb(former_endorsers) || to_jsonb(former_approvers) || jsonb_path_query_array(approvals, '$[*].approver_id') "
    "|| jsonb_path_query_array(additions, '$[*].adder_id') || jsonb_path_query_array(tranches, '$[*].released_by') "
    "|| jsonb_path_query_array(tranches, '$[*].confirmed_by') || jsonb_path_query_array(tranches, '$[*].delivered_by') "
    "|| jsonb_path_query_array(former_attempts, '$[*].released_by') || jsonb_path_query_array(former_attempts, '$[*].confirmed_by') "
    "|| jsonb_path_query_array(former_attempts, '$[*] ? (@.ended_as == \"payer\").ended_by')))"
)
_OF_GRANTS = {
    "recovered_within_asked": "recovered >= 0 AND written_off >= 0 AND recovered + written_off <= coalesce(recovery_amount, 0)",
    "closed_when_settled": (
        "(recovery_closed_at IS NOT NULL) = (recovery_amount IS NOT NULL AND recovered + written_off = recovery_amount)"
    ),
    "recovered_of_the_fund": (
        "coalesce(fund_recovered, 0) BETWEEN 0 AND coalesce(fund_paid, 0) "
        "AND (recovered < paid OR coalesce(fund_recovered, 0) = coalesce(fund_paid, 0)) "
        "AND (fund_currency IS NULL OR fund_currency <> currency OR coalesce(fund_recovered, 0) = recovered)"
    ),
    "who_recovered": _WHO_RECOVERED,
    "written_off_by_two": "NOT jsonb_path_exists(write_offs, '$[*] ? (@.confirmed_by == null || @.asked_by == @.confirmed_by)')",
}
_COLUMNS = (
    ("recovered", sa.Numeric(), "0"), ("fund_recovered", sa.Numeric(), None), ("recoveries", pg.JSONB(), "[]"),
    ("written_off", sa.Numeric(), "0"), ("write_off", pg.JSONB(), None), ("write_off_no", sa.Integer(), "0"),
    ("write_offs", pg.JSONB(), "[]"), ("recovery_closed_at", sa.DateTime(timezone=True), None),
)  # fmt: skip
_OF_POSTINGS = {
    "kind_is_known": (
        "kind IN ('commit', 'add', 'release', 'spend', 'reverse', 'difference', 'recover') "
        "AND (kind IN ('spend', 'reverse', 'difference')) = (tranche IS NOT NULL)"
    ),
    "amount_above_zero": (
        "(amount_in_fund > 0 OR kind = 'recover' AND amount_in_fund = 0) AND amount >= 0 "
        "AND (amount = 0) = (kind IN ('add', 'difference'))"
    ),
    "month_of_the_day": (
        "month = date_trunc('month', cast(occurred_on AS timestamp)) OR (kind IN ('spend', 'reverse', 'difference', 'recover') "
        "AND month > occurred_on AND month = date_trunc('month', cast(month AS timestamp)))"
    ),
}
_OF_POSTINGS_BEFORE = {
    "kind_is_known": (
        "kind IN ('commit', 'add', 'release', 'spend', 'reverse', 'difference') "
        "AND (kind IN ('spend', 'reverse', 'difference')) = (tranche IS NOT NULL)"
    ),
    "amount_above_zero": "amount_in_fund > 0 AND amount >= 0 AND (amount = 0) = (kind IN ('add', 'difference'))",
    "month_of_the_day": (
        "month = date_trunc('month', cast(occurred_on AS timestamp)) OR (kind IN ('spend', 'reverse', 'difference') "
        "AND month > occurred_on AND month = date_trunc('month', cast(month AS timestamp)))"
    ),
}
_ASKED = ["grant_id", "write_off_no", "amount", "currency", "reason", "asked_by"]
_DECISIONS = "'recovered', 'write_off_asked', 'write_off_dropped', 'written_off'"


def upgrade() -> None:
    for name, kind, default in _COLUMNS:
        op.add_column("grants", sa.Column(name, kind, nullable=default is None, server_default=default))
    for name, rule in _OF_GRANTS.items():
        op.create_check_constraint(op.f(f"ck_grants_{name}"), "grants", rule)
    op.create_index(
        "ix_grants_recovery_open", "grants", ["id"],
        postgresql_where=sa.text("recovery_opened_at IS NOT NULL AND recovery_closed_at IS NULL"),
    )  # fmt: skip
    _hold_postings_to(_OF_POSTINGS)
    _recovered_money()
    _write_offs()


def _recovered_money() -> None:
    op.create_table(
        "recovered_money",
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("recovery_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("destination_country", sa.Text(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_in_fund", sa.Numeric(), nullable=False),
        sa.Column("fund_currency", sa.Text(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("bank_line", sa.Uuid(), nullable=True),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("recovery_no >= 1 AND amount > 0 AND amount_in_fund >= 0", name=op.f("ck_recovered_money_counted")),
        sa.CheckConstraint(
            "fund_currency <> currency OR amount_in_fund = amount", name=op.f("ck_recovered_money_same_currency_same_amount")
        ),
        sa.CheckConstraint(
            "month >= date_trunc('month', cast(received_on AS timestamp))", name=op.f("ck_recovered_money_month_not_before_the_day")
        ),
        sa.ForeignKeyConstraint(
            ["fund_id", "fund_currency"], ["fund_balances.fund_id", "fund_balances.currency"],
            name=op.f("fk_recovered_money_currency_of_the_fund"),
        ),
        sa.PrimaryKeyConstraint("grant_id", "recovery_no", name=op.f("pk_recovered_money")),
        sa.UniqueConstraint("reference", name=op.f("uq_recovered_money_reference")),
        sa.UniqueConstraint("bank_line", name=op.f("uq_recovered_money_bank_line")),
    )  # fmt: skip
    _opened("recovered_money", "recorded_by")


def _write_offs() -> None:
    for table, columns, rules in (
        (
            "write_offs_asked",
            (sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),),
            (
                sa.CheckConstraint("write_off_no >= 1 AND amount > 0", name=op.f("ck_write_offs_asked_counted")),
                sa.UniqueConstraint(*_ASKED, name=op.f("uq_write_offs_asked_as_asked")),
            ),
        ),
        (
            "write_offs",
            (
                sa.Column("confirmed_by", sa.Text(), nullable=False),
                sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
            ),
            (
                sa.CheckConstraint("asked_by <> confirmed_by", name=op.f("ck_write_offs_two_persons")),
                sa.ForeignKeyConstraint(_ASKED, [f"write_offs_asked.{name}" for name in _ASKED], name=op.f("fk_write_offs_as_asked")),
            ),
        ),
    ):
        op.create_table(
            table,
            sa.Column("grant_id", sa.Uuid(), nullable=False),
            sa.Column("write_off_no", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("destination_country", sa.Text(), nullable=False),
            sa.Column("amount", sa.Numeric(), nullable=False),
            sa.Column("currency", sa.Text(), nullable=False),
            sa.Column("reason", sa.Text(), nullable=False),
            sa.Column("asked_by", sa.Text(), nullable=False),
            *columns,
            *rules,
            sa.PrimaryKeyConstraint("grant_id", "write_off_no", name=op.f(f"pk_{table}")),
        )
    _opened("write_offs_asked", "asked_by")
    _opened("write_offs", "confirmed_by")


def _opened(table: str, actor: str) -> None:
    within = in_countries("destination_country")
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    own = f"{within} AND {of_the_actor(actor)}"
    for role, action, seen, written in (
        ("owner", "ALL", EVERY_ROW, EVERY_ROW), ("verify", "SELECT", EVERY_ROW, None), ("worker", "SELECT", EVERY_ROW, None),
        ("api", "ALL", within, own),
    ):  # fmt: skip
        check = f" WITH CHECK ({written})" if written is not None else ""
        op.execute(f"CREATE POLICY reintegration_{role} ON {table} FOR {action} TO reintegration_{role} USING ({seen}){check}")
    op.execute(f"GRANT SELECT ON {table} TO reintegration_verify")
    op.execute(f"GRANT SELECT, INSERT ON {table} TO reintegration_api")


def downgrade() -> None:
    # A database in which money came back is not taken back: what came before knows no such posting.
    op.execute(f"DELETE FROM grant_decisions WHERE what IN ({_DECISIONS})")
    for table in ("write_offs", "write_offs_asked", "recovered_money"):
        op.drop_table(table)
    _hold_postings_to(_OF_POSTINGS_BEFORE)
    op.drop_index("ix_grants_recovery_open", "grants")
    for name in _OF_GRANTS:
        op.drop_constraint(op.f(f"ck_grants_{name}"), "grants")
    for name, _, _ in reversed(_COLUMNS):
        op.drop_column("grants", name)


def _hold_postings_to(rules: dict[str, str]) -> None:
    for name, rule in rules.items():
        op.drop_constraint(op.f(f"ck_fund_postings_{name}"), "fund_postings")
        op.create_check_constraint(op.f(f"ck_fund_postings_{name}"), "fund_postings", rule)
