"""A grant takes of its fund in the fund's currency: what is committed, added, paid and not needed, each held by keys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import EVERY_ROW, in_countries, of_the_actor

revision = "reintegration_36"
down_revision = "reintegration_35"
branch_labels = None
depends_on = None

_OF_A_FUND = (["fund_id", "fund_currency"], ["fund_id", "currency"])
_AMOUNTS = ("fund_amount", "fund_total", "fund_committed", "fund_paid")
_APPROVED = ["grant_id", "request_version", "amount", "fund_id"]
_ADDED_TO = [
    "grant_id", "request_version", "fund_id", "fund_currency", "levels_needed", "policy_currency", "one_approver_up_to",
    "two_approvers_up_to",
]  # fmt: skip
_HATS = (
    "NOT jsonb_path_exists(additions, '$[*].adder_id ? (@ == $others[*])', jsonb_build_object('others', "
    "jsonb_build_array(requester_id, endorser_id, counsellor_id, payer_id, reconciler_id))) "
    "AND NOT jsonb_path_exists(tranches, '$[*] ? (@.released_by == $adders[*] || @.confirmed_by == $adders[*] || "
    "@.delivered_by == $adders[*] || @.reconciled_by == $adders[*])', jsonb_build_object('adders', "
    "jsonb_path_query_array(additions, '$[*].adder_id')))"
)
_OF_GRANTS = {
    "fund_is_whole": "num_nulls(fund_id, fund_currency, fund_amount, fund_total, fund_committed, fund_paid) IN (0, 6)",
    "paid_within_commitment": "fund_amount > 0 AND fund_committed >= 0 AND fund_paid >= 0 AND fund_committed + fund_paid <= fund_total",
    "same_currency_same_amounts": (
        "fund_currency <> currency OR (fund_amount, fund_total, fund_committed, fund_paid) = (amount, amount, committed, paid)"
    ),
    "nothing_held_back": "(committed = 0) = (coalesce(fund_committed, 0) = 0) AND (paid = 0) = (coalesce(fund_paid, 0) = 0)",
    "total_is_added_up": (
        "jsonb_array_length(additions) = coalesce(last_addition, 0) AND (last_addition IS NOT NULL OR fund_total = fund_amount) "
        "AND (approved_before IS NULL OR fund_currency = currency)"
    ),
    "who_added": _HATS,
}
_OF_POSTINGS = {
    "kind_is_known": (
        "kind IN ('commit', 'add', 'release', 'spend', 'difference') AND (kind IN ('spend', 'difference')) = (tranche IS NOT NULL)"
    ),
    "amount_above_zero": "amount_in_fund > 0 AND amount >= 0 AND (amount = 0) = (kind IN ('add', 'difference'))",
}
_OF_POSTINGS_BEFORE = {
    "kind_is_known": "kind IN ('commit', 'release', 'spend') AND (kind = 'spend') = (tranche IS NOT NULL)",
    "amount_above_zero": "amount > 0 AND amount_in_fund > 0",
}


def upgrade() -> None:
    op.create_unique_constraint(op.f("uq_fund_balances_currency"), "fund_balances", ["fund_id", "currency"])
    _commitments()
    run_sql("commitment_additions_1.sql")
    _opened()
    _columns_of_grants()
    _held("fund_postings", _OF_POSTINGS)
    op.create_check_constraint(
        op.f("ck_fund_postings_same_currency_same_amount"), "fund_postings", "fund_currency <> currency OR amount_in_fund = amount"
    )
    op.create_foreign_key(op.f("fk_fund_postings_currency_of_the_fund"), "fund_postings", "fund_balances", *_OF_A_FUND)
    # What is added is committed as well, so on the fund's days alone.
    _while_valid("NEW.kind IN ('commit', 'add')")


def _commitments() -> None:
    # What was committed until now was so in the fund's currency, which was the grant's.
    op.drop_constraint(op.f("fk_grants_as_approved"), "grants")
    op.drop_constraint(op.f("uq_grant_commitments_as_approved"), "grant_commitments")
    op.add_column("grant_commitments", sa.Column("fund_currency", sa.Text(), nullable=True))
    op.add_column("grant_commitments", sa.Column("fund_amount", sa.Numeric(), nullable=True))
    op.execute("UPDATE grant_commitments SET fund_currency = currency, fund_amount = amount")
    for name in ("fund_currency", "fund_amount"):
        op.alter_column("grant_commitments", name, nullable=False)
    op.create_check_constraint(
        op.f("ck_grant_commitments_amount_in_fund"), "grant_commitments",
        "fund_amount > 0 AND (fund_currency <> currency OR fund_amount = amount)",
    )  # fmt: skip
    op.create_foreign_key(op.f("fk_grant_commitments_currency_of_the_fund"), "grant_commitments", "fund_balances", *_OF_A_FUND)
    for name, columns in (
        ("approved", [*_APPROVED, "fund_currency", "fund_amount"]), ("begun", ["grant_id", "request_version", "fund_amount"]),
        ("added", _ADDED_TO),
    ):  # fmt: skip
        op.create_unique_constraint(op.f(f"uq_grant_commitments_as_{name}"), "grant_commitments", columns)


def _opened() -> None:
    within = in_countries("destination_country")
    op.execute("ALTER TABLE commitment_additions ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE commitment_additions FORCE ROW LEVEL SECURITY")
    own = f"{within} AND {of_the_actor('adder_id')}"
    for role, action, seen, written in (
        ("owner", "ALL", EVERY_ROW, EVERY_ROW), ("verify", "SELECT", EVERY_ROW, None), ("worker", "SELECT", EVERY_ROW, None),
        ("api", "ALL", within, own),
    ):  # fmt: skip
        check = f" WITH CHECK ({written})" if written is not None else ""
        op.execute(
            f"CREATE POLICY reintegration_{role} ON commitment_additions FOR {action} TO reintegration_{role} USING ({seen}){check}"
        )
    op.execute("GRANT SELECT ON commitment_additions TO reintegration_verify")
    op.execute("GRANT SELECT, INSERT ON commitment_additions TO reintegration_api")


def _columns_of_grants() -> None:
    op.add_column("grants", sa.Column("fund_currency", sa.Text(), nullable=True))
    for name in _AMOUNTS:
        op.add_column("grants", sa.Column(name, sa.Numeric(), nullable=True))
    for name in ("fund_rates", "additions"):
        op.add_column("grants", sa.Column(name, pg.JSONB(), nullable=True))
    op.add_column("grants", sa.Column("last_addition", sa.Integer(), nullable=True))
    op.execute(
        "UPDATE grants SET fund_currency = currency, fund_amount = amount, fund_total = amount, fund_committed = committed, "
        "fund_paid = paid WHERE fund_id IS NOT NULL"
    )
    op.execute("UPDATE grants SET fund_rates = '[]', additions = '[]'")
    for name in ("fund_rates", "additions"):
        op.alter_column("grants", name, nullable=False)
    for name, rule in _OF_GRANTS.items():
        op.create_check_constraint(op.f(f"ck_grants_{name}"), "grants", rule)
    op.create_foreign_key(op.f("fk_grants_currency_of_the_fund"), "grants", "fund_balances", *_OF_A_FUND)
    op.create_foreign_key(
        op.f("fk_grants_as_approved"), "grants", "grant_commitments",
        ["id", "approved_version", "amount", "fund_id", "fund_currency", "fund_amount"],
        [*_APPROVED, "fund_currency", "fund_amount"],
    )  # fmt: skip
    op.create_foreign_key(
        op.f("fk_grants_as_added"), "grants", "commitment_additions", ["id", "last_addition", "fund_total"],
        ["grant_id", "addition_no", "total"],
    )  # fmt: skip


def downgrade() -> None:
    # A database in which a fund committed in another currency than a grant's is not taken back: what came before knows no such money.
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM grant_commitments WHERE fund_currency <> currency) THEN "
        "RAISE EXCEPTION 'a grant is paid from a fund in another currency; this revision cannot be taken back'; END IF; END $$"
    )
    _while_valid("NEW.kind = 'commit'")
    op.drop_constraint(op.f("fk_fund_postings_currency_of_the_fund"), "fund_postings")
    op.drop_constraint(op.f("ck_fund_postings_same_currency_same_amount"), "fund_postings")
    _held("fund_postings", _OF_POSTINGS_BEFORE)
    for name in ("fk_grants_currency_of_the_fund", "fk_grants_as_approved", "fk_grants_as_added", *map("ck_grants_{}".format, _OF_GRANTS)):
        op.drop_constraint(op.f(name), "grants")
    for name in ("fund_currency", *_AMOUNTS, "fund_rates", "additions", "last_addition"):
        op.drop_column("grants", name)
    op.drop_table("commitment_additions")
    for name in ("approved", "begun", "added"):
        op.drop_constraint(op.f(f"uq_grant_commitments_as_{name}"), "grant_commitments")
    op.drop_column("grant_commitments", "fund_currency")
    op.drop_column("grant_commitments", "fund_amount")
    op.create_unique_constraint(op.f("uq_grant_commitments_as_approved"), "grant_commitments", _APPROVED)
    op.create_foreign_key(
        op.f("fk_grants_as_approved"), "grants", "grant_commitments", ["id", "approved_version", "amount", "fund_id"], _APPROVED
    )
    op.drop_constraint(op.f("uq_fund_balances_currency"), "fund_balances")


def _held(table: str, rules: dict[str, str]) -> None:
    for name, rule in rules.items():
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)


def _while_valid(postings: str) -> None:
    op.execute("DROP TRIGGER while_the_fund_is_valid ON fund_postings")
    op.execute(
        f"CREATE TRIGGER while_the_fund_is_valid BEFORE INSERT ON fund_postings FOR EACH ROW WHEN ({postings}) "
        "EXECUTE FUNCTION commit_while_the_fund_is_valid()"
    )
