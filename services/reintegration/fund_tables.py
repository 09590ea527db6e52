"""Reintegration's tables of donors' money: funds, who asked for and confirmed what, what each holds, postings and periods."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from services.reintegration.domain import fund, periods
from services.reintegration.metadata import METADATA, amount, begins
from shared.tables import aggregate_table, scope

FUNDS = aggregate_table(
    METADATA,
    "funds",
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("donor", sa.Text, nullable=False),
    amount("granted"),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_until", sa.Date, nullable=False),
    sa.Column("countries", pg.ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("grant_categories", pg.ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("programmes", pg.ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("status", sa.Text, nullable=False, server_default="open"),
    sa.Column("change_no", sa.Integer, nullable=False, server_default="0"),
    sa.Column("waiting", pg.JSONB),
    sa.Column("confirmed_no", sa.Integer, nullable=False, server_default="0"),
    sa.Column("asked_by", sa.Text),
    sa.Column("confirmed_by", sa.Text),
    sa.Column("confirmed_at", sa.DateTime(timezone=True)),
    begins(fund.BEGINNINGS),
    sa.CheckConstraint("granted > 0", name="granted_above_zero"),
    sa.CheckConstraint("valid_from <= valid_until", name="validity_in_order"),
    sa.CheckConstraint("asked_by <> confirmed_by", name="two_persons"),
    sa.CheckConstraint(
        "(confirmed_no = 0) = (confirmed_by IS NULL) AND (confirmed_by IS NULL) = (asked_by IS NULL) "
        "AND (confirmed_by IS NULL) = (confirmed_at IS NULL) AND confirmed_no <= change_no",
        name="confirmation_is_whole",
    ),
    info=scope("known"),
)


def _of_a_change() -> list[sa.Column[object]]:
    return [
        sa.Column("fund_id", sa.Uuid, primary_key=True),
        sa.Column("change_no", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("what", sa.Text, nullable=False),
        amount("granted"),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("valid_until", sa.Date, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
    ]


_TERMS = ("fund_id", "change_no", "what", "granted", "currency", "valid_until", "asked_by")

# What was asked for each fund and, beside it, what of that somebody else confirmed or dropped. Nobody changes a row. From a
# confirmation alone, by a trigger, comes what a fund grants: the API's login has no right to write that.
FUND_CHANGES = sa.Table(
    "fund_changes",
    METADATA,
    *_of_a_change(),
    sa.Column("reason", sa.Text),
    sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("what IN ('open', 'change', 'close') AND (what = 'open') = (change_no = 1 AND reason IS NULL)", name="what_is_asked"),
    sa.CheckConstraint("granted > 0", name="granted_above_zero"),
    sa.UniqueConstraint(*_TERMS, name="uq_fund_changes_terms"),
    info=scope("known", written_by="asked_by"),
)

FUND_CONFIRMATIONS = sa.Table(
    "fund_confirmations",
    METADATA,
    *_of_a_change(),
    sa.Column("confirmed_by", sa.Text, nullable=False),
    sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(_TERMS, [f"fund_changes.{name}" for name in _TERMS], name="fk_fund_confirmations_what_was_asked"),
    sa.CheckConstraint("asked_by <> confirmed_by", name="two_persons"),
    info=scope("known", written_by="confirmed_by"),
)

# What was asked and is not confirmed any more. A trigger of both lets each thing that was asked be answered once, and one of
# what is asked lets nothing in while something waits: what is confirmed is the newest, and nobody declined it.
FUND_DROPS = sa.Table(
    "fund_drops",
    METADATA,
    sa.Column("fund_id", sa.Uuid, primary_key=True),
    sa.Column("change_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("dropped_by", sa.Text, nullable=False),
    sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(
        ("fund_id", "change_no"), ("fund_changes.fund_id", "fund_changes.change_no"), name="fk_fund_drops_what_was_asked"
    ),
    info=scope("known", written_by="dropped_by"),
)

FUND_BALANCES = sa.Table(
    "fund_balances",
    METADATA,
    sa.Column("fund_id", sa.Uuid, primary_key=True),
    sa.Column("currency", sa.Text, nullable=False),
    amount("granted"),
    amount("committed"),
    amount("spent"),
    sa.Column("closed", sa.Boolean, nullable=False, server_default="false"),
    # Beside the balance, so that an approval and a change of the last day come one after the other: a trigger of the postings
    # lets no commitment in on another day.
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_until", sa.Date, nullable=False),
    sa.CheckConstraint(
        "committed >= 0 AND spent >= 0 AND committed + spent <= granted", name="within_granted"
    ),
    sa.CheckConstraint("NOT closed OR committed = 0", name="closed_holds_nothing_back"),
    sa.UniqueConstraint("fund_id", "currency", name="uq_fund_balances_currency"),
    info=scope("known"),
)

# What grants took of funds, one row for each movement; nobody changes a row. Into a month that is closed a trigger lets
# none in.
FUND_POSTINGS = sa.Table(
    "fund_postings",
    METADATA,
    sa.Column("grant_id", sa.Uuid, primary_key=True),
    sa.Column("posting_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("fund_id", sa.Uuid, nullable=False),
    sa.Column("destination_country", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("tranche", sa.Integer),
    amount("amount"),
    sa.Column("currency", sa.Text, nullable=False),
    amount("amount_in_fund"),
    sa.Column("fund_currency", sa.Text, nullable=False),
    sa.Column("occurred_on", sa.Date, nullable=False),
    sa.Column("month", sa.Date, nullable=False),
    sa.CheckConstraint(
        "kind IN ('commit', 'add', 'release', 'spend', 'reverse', 'difference', 'recover') "
        "AND (kind IN ('spend', 'reverse', 'difference')) = (tranche IS NOT NULL)",
        name="kind_is_known",
    ),
    # What is added, and what is not needed, since the rates have moved is nothing in the currency of the grant.
    sa.CheckConstraint(
        # A share of what came back may be less than half of the fund's smallest unit.
        "(amount_in_fund > 0 OR kind = 'recover' AND amount_in_fund = 0) AND amount >= 0 "
        "AND (amount = 0) = (kind IN ('add', 'difference'))",
        name="amount_above_zero",
    ),
    sa.CheckConstraint("fund_currency <> currency OR amount_in_fund = amount", name="same_currency_same_amount"),
    sa.ForeignKeyConstraint(
        ("fund_id", "fund_currency"), ("fund_balances.fund_id", "fund_balances.currency"),
        name="fk_fund_postings_currency_of_the_fund",
    ),
    # What becomes known of a payment once its month is closed is posted in a later one, under its own day; so is what is free by it.
    sa.CheckConstraint(
        "month = date_trunc('month', cast(occurred_on AS timestamp)) OR (kind IN ('spend', 'reverse', 'release', 'difference', 'recover') "
        "AND month > occurred_on AND month = date_trunc('month', cast(month AS timestamp)))",
        name="month_of_the_day",
    ),
    sa.Index(None, "fund_id", "month"),
    info=scope("country:destination_country"),
)

ACCOUNTING_PERIODS = aggregate_table(
    METADATA,
    "accounting_periods",
    sa.Column("month", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("closed_by", sa.Text, nullable=False),
    sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("waiting", pg.JSONB),
    sa.Column("asked_by", sa.Text),
    sa.Column("reopened_by", sa.Text),
    sa.Column("reopened_at", sa.DateTime(timezone=True)),
    begins(periods.BEGINNINGS),
    sa.UniqueConstraint("month"),
    sa.CheckConstraint("asked_by <> reopened_by", name="two_persons"),
    sa.CheckConstraint(
        "(reopened_by IS NULL) = (asked_by IS NULL) AND (reopened_by IS NULL) = (reopened_at IS NULL) "
        "AND (status = 'closed' OR reopened_by IS NOT NULL)",
        name="reopening_is_whole",
    ),
    info=scope("known"),
)

# The months that are closed now; a month that is not here takes postings.
CLOSED_MONTHS = sa.Table(
    "closed_months",
    METADATA,
    sa.Column("month", sa.Date, primary_key=True),
    sa.Column("period_id", sa.Uuid, nullable=False),
    info=scope("known"),
)
