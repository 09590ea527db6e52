"""Each attempt to pay a tranche is a row: one that failed or came back leaves the tranche to be released anew."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import EVERY_ROW, in_countries

revision = "reintegration_41"
down_revision = "reintegration_40"
branch_labels = None
depends_on = None

_TABLE = "payment_attempts"
_CHECKS = {
    "status_is_known": "status IN ('released', 'paid', 'failed', 'reversed')",
    "counted": "attempt_no >= 1 AND amount > 0 AND amount_in_fund > 0",
    "same_currency_same_amount": "fund_currency <> currency OR amount_in_fund = amount",
    "payment_is_whole": (
        "(status IN ('paid', 'reversed')) = (paid_on IS NOT NULL) AND num_nulls(paid_on, paid_month, reference) IN (0, 3)"
    ),
    "end_is_whole": (
        "(status IN ('failed', 'reversed')) = (ended_by IS NOT NULL) AND (status = 'reversed') = (return_month IS NOT NULL) "
        "AND num_nulls(ended_by, ended_as, ended_at, ended_on, reason) IN (0, 5)"
    ),
    "reversed_by_another": (
        "ended_as IN ('payer', 'reconciler') AND (status <> 'reversed' OR ended_as = 'reconciler' "
        "AND ended_by <> released_by AND ended_by <> confirmed_by)"
    ),
    "back_after_the_payment": "return_month IS NULL OR ended_on >= paid_on",
    "month_not_before_the_day": (
        "paid_month >= date_trunc('month', cast(paid_on AS timestamp)) "
        "AND return_month >= date_trunc('month', cast(ended_on AS timestamp))"
    ),
}
_WHO_TRIED = (
    "NOT jsonb_path_exists(former_attempts, '$[*] ? ((@.released_by != null && @.released_by == $others[*]) || "
    "(@.confirmed_by != null && @.confirmed_by == $others[*]) || @.ended_by == $others[*])', "
    "jsonb_build_object('others', jsonb_build_array(requester_id, endorser_id, approver_id, counsellor_id, "
    "certificate -> 'attested_by') || to_jsonb(former_endorsers) || to_jsonb(former_approvers) "
    "|| jsonb_path_query_array(approvals, '$[*].approver_id') || jsonb_path_query_array(additions, '$[*].adder_id') "
    "|| jsonb_path_query_array(tranches, '$[*].delivered_by'))) "
    "AND NOT jsonb_path_exists(former_attempts, '$[*] ? ((@.released_by != null && @.released_by == $theirs[*]) || "
    "(@.confirmed_by != null && @.confirmed_by == $theirs[*]) || (@.ended_as == \"payer\" && @.ended_by == $theirs[*]))', "
    "jsonb_build_object('theirs', jsonb_build_array(reconciler_id) || jsonb_path_query_array(tranches, '$[*].reconciled_by') "
    "|| jsonb_path_query_array(former_attempts, '$[*] ? (@.ended_as == \"reconciler\").ended_by'))) "
    "AND NOT jsonb_path_exists(former_attempts, '$[*] ? (@.ended_as == \"reconciler\" && @.ended_by == $theirs[*])', "
    "jsonb_build_object('theirs', jsonb_build_array(payer_id) || jsonb_path_query_array(tranches, '$[*].released_by') "
    "|| jsonb_path_query_array(tranches, '$[*].confirmed_by')))"
)
_OF_POSTINGS = {
    "kind_is_known": (
        "kind IN ('commit', 'add', 'release', 'spend', 'reverse', 'difference') "
        "AND (kind IN ('spend', 'reverse', 'difference')) = (tranche IS NOT NULL)"
    ),
    "month_of_the_day": (
        "month = date_trunc('month', cast(occurred_on AS timestamp)) OR (kind IN ('spend', 'reverse', 'difference') "
        "AND month > occurred_on AND month = date_trunc('month', cast(month AS timestamp)))"
    ),
}
_OF_POSTINGS_BEFORE = {
    "kind_is_known": (
        "kind IN ('commit', 'add', 'release', 'spend', 'difference') AND (kind IN ('spend', 'difference')) = (tranche IS NOT NULL)"
    ),
    "month_of_the_day": "month = date_trunc('month', cast(occurred_on AS timestamp))",
}
_TRANSITION = ("grants", "disbursed", "in_disbursement")
# What was released before was tried once, under no id.
_WHAT_WAS = (
    "INSERT INTO payment_attempts (grant_id, tranche, attempt_no, destination_country, fund_id, amount, currency, amount_in_fund, "
    "fund_currency, status, released_by, released_at, confirmed_by, confirmed_at, reference, paid_on, paid_month) "
    "SELECT g.id, t.number, 1, g.destination_country, g.fund_id, t.amount, g.currency, coalesce(t.in_fund, t.amount), "
    "g.fund_currency, CASE WHEN t.paid_on IS NULL THEN 'released' ELSE 'paid' END, t.released_by, t.released_at, t.confirmed_by, "
    "t.confirmed_at, t.reference, t.paid_on, (SELECT p.month FROM fund_postings p WHERE p.grant_id = g.id AND p.kind = 'spend' "
    "AND p.tranche = t.number) "
    "FROM grants g, jsonb_to_recordset(g.tranches) AS t(number integer, status text, amount numeric, in_fund numeric, "
    "released_by text, released_at timestamptz, confirmed_by text, confirmed_at timestamptz, reference text, paid_on date) "
    "WHERE g.fund_id IS NOT NULL AND t.status <> 'planned'"
)


def upgrade() -> None:
    _attempts()
    op.execute(_WHAT_WAS)
    run_sql("attempts_1.sql")
    op.execute("REVOKE ALL ON FUNCTION attempt_goes_on() FROM PUBLIC")
    op.execute(
        f"CREATE TRIGGER attempt_is_never_edited BEFORE UPDATE ON {_TABLE} FOR EACH ROW EXECUTE FUNCTION attempt_goes_on()"
    )
    op.add_column("grants", sa.Column("former_attempts", pg.JSONB(), nullable=True))
    op.execute("UPDATE grants SET former_attempts = '[]'")
    op.alter_column("grants", "former_attempts", nullable=False)
    op.create_check_constraint(op.f("ck_grants_who_tried_to_pay"), "grants", _WHO_TRIED)
    _hold_postings_to(_OF_POSTINGS)
    op.execute(f"INSERT INTO status_transition VALUES {_TRANSITION!r}")


def _attempts() -> None:
    op.create_table(
        _TABLE,
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("tranche", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attempt_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=True),
        sa.Column("destination_country", sa.Text(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_in_fund", sa.Numeric(), nullable=False),
        sa.Column("fund_currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("paid_month", sa.Date(), nullable=True),
        sa.Column("ended_as", sa.Text(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("return_month", sa.Date(), nullable=True),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_{_TABLE}_{name}")) for name, rule in _CHECKS.items()),
        sa.ForeignKeyConstraint(
            ["fund_id", "fund_currency"], ["fund_balances.fund_id", "fund_balances.currency"],
            name=op.f("fk_payment_attempts_currency_of_the_fund"),
        ),
        sa.PrimaryKeyConstraint("grant_id", "tranche", "attempt_no", name=op.f(f"pk_{_TABLE}")),
        sa.UniqueConstraint("attempt_id", name=op.f(f"uq_{_TABLE}_attempt_id")),
        sa.UniqueConstraint("reference", name=op.f(f"uq_{_TABLE}_reference")),
    )  # fmt: skip
    op.create_index(
        "uq_payment_attempts_live", _TABLE, ["grant_id", "tranche"], unique=True,
        postgresql_where=sa.text("status IN ('released', 'paid')"),
    )  # fmt: skip
    within = in_countries("destination_country")
    op.execute(f"ALTER TABLE {_TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {_TABLE} FORCE ROW LEVEL SECURITY")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "SELECT", EVERY_ROW), ("api", "ALL", within),
    ):  # fmt: skip
        check = f" WITH CHECK ({rows})" if action == "ALL" else ""
        op.execute(f"CREATE POLICY reintegration_{role} ON {_TABLE} FOR {action} TO reintegration_{role} USING ({rows}){check}")
    op.execute(f"GRANT SELECT ON {_TABLE} TO reintegration_verify")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {_TABLE} TO reintegration_api")


def downgrade() -> None:
    # A database in which a payment came back, or was posted in a later month, is not taken back: its postings do not fit.
    op.execute("DELETE FROM grant_decisions WHERE what IN ('failed', 'reversed')")
    op.execute(f"DELETE FROM status_transition WHERE (aggregate, from_status, to_status) = {_TRANSITION!r}")
    _hold_postings_to(_OF_POSTINGS_BEFORE)
    op.drop_constraint(op.f("ck_grants_who_tried_to_pay"), "grants")
    op.drop_column("grants", "former_attempts")
    op.drop_table(_TABLE)
    op.execute("DROP FUNCTION attempt_goes_on()")


def _hold_postings_to(rules: dict[str, str]) -> None:
    for name, rule in rules.items():
        op.drop_constraint(op.f(f"ck_fund_postings_{name}"), "fund_postings")
        op.create_check_constraint(op.f(f"ck_fund_postings_{name}"), "fund_postings", rule)
