"""Reintegration's tables of recoveries: money that came back, and what two persons wrote off."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from services.reintegration.metadata import METADATA, amount
from shared.tables import scope

# Who recorded that money came back has worn the reconciler's hat, and wears no other one on the grant; nor does who said so first,
# which a trigger holds (`who_proposed_1.sql`): what was said before there was that rule stands, in rows that go on.
_OTHER_HATS: Final = (
    "jsonb_build_object('others', "
    "jsonb_build_array(requester_id, endorser_id, approver_id, counsellor_id, payer_id, certificate -> 'attested_by') "
    "|| to_jsonb(former_endorsers) || to_jsonb(former_approvers) || jsonb_path_query_array(approvals, '$[*].approver_id') "
    "|| jsonb_path_query_array(additions, '$[*].adder_id') || jsonb_path_query_array(tranches, '$[*].released_by') "
    "|| jsonb_path_query_array(tranches, '$[*].confirmed_by') || jsonb_path_query_array(tranches, '$[*].delivered_by') "
    "|| jsonb_path_query_array(former_attempts, '$[*].released_by') || jsonb_path_query_array(former_attempts, '$[*].confirmed_by') "
    "|| jsonb_path_query_array(former_attempts, '$[*] ? (@.ended_as == \"payer\").ended_by'))"
)
_WHO_RECOVERED: Final = f"NOT jsonb_path_exists(recoveries, '$[*].recorded_by ? (@ == $others[*])', {_OTHER_HATS})"


def on_a_grant() -> Sequence[sa.Column[object] | sa.Constraint | sa.Index]:
    """The columns of a grant that say what of it came back or is written off, and what they are held to."""
    return (
        sa.Column("recovered", sa.Numeric, nullable=False, server_default="0"),
        sa.Column("fund_recovered", sa.Numeric),
        sa.Column("recoveries", pg.JSONB, nullable=False, server_default="[]"),
        sa.Column("written_off", sa.Numeric, nullable=False, server_default="0"),
        sa.Column("write_off", pg.JSONB),
        sa.Column("write_off_no", sa.Integer, nullable=False, server_default="0"),
        sa.Column("write_offs", pg.JSONB, nullable=False, server_default="[]"),
        sa.Column("recovery_closed_at", sa.DateTime(timezone=True)),
        sa.Column("recovery_proposed", pg.JSONB),
        sa.Column("recovery_proposal_no", sa.Integer, nullable=False, server_default="0"),
        sa.CheckConstraint(
            "recovered >= 0 AND written_off >= 0 AND recovered + written_off <= coalesce(recovery_amount, 0)",
            name="recovered_within_asked",
        ),
        sa.CheckConstraint(
            "(recovery_closed_at IS NOT NULL) = (recovery_amount IS NOT NULL AND recovered + written_off = recovery_amount)",
            name="closed_when_settled",
        ),
        # What came back whole has cost its fund nothing.
        sa.CheckConstraint(
            "coalesce(fund_recovered, 0) BETWEEN 0 AND coalesce(fund_paid, 0) "
            "AND (recovered < paid OR coalesce(fund_recovered, 0) = coalesce(fund_paid, 0)) "
            "AND (fund_currency IS NULL OR fund_currency <> currency OR coalesce(fund_recovered, 0) = recovered)",
            name="recovered_of_the_fund",
        ),
        sa.CheckConstraint(_WHO_RECOVERED, name="who_recovered"),
        sa.Index(
            "ix_grants_recovery_open", "id",
            postgresql_where=sa.text("recovery_opened_at IS NOT NULL AND recovery_closed_at IS NULL"),
        ),
        sa.CheckConstraint(
            "NOT jsonb_path_exists(write_offs, '$[*] ? (@.confirmed_by == null || @.asked_by == @.confirmed_by)')",
            name="written_off_by_two",
        ),
    )  # fmt: skip


# Money that came back, each under a reference, and by a line of a statement where it came to an account; nobody changes a row.
RECOVERED_MONEY = sa.Table(
    "recovered_money",
    METADATA,
    sa.Column("grant_id", sa.Uuid, primary_key=True),
    sa.Column("recovery_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("destination_country", sa.Text, nullable=False),
    sa.Column("fund_id", sa.Uuid, nullable=False),
    amount("amount"),
    sa.Column("currency", sa.Text, nullable=False),
    amount("amount_in_fund"),
    sa.Column("fund_currency", sa.Text, nullable=False),
    sa.Column("received_on", sa.Date, nullable=False),
    sa.Column("month", sa.Date, nullable=False),
    sa.Column("reference", sa.Text, nullable=False),
    sa.Column("bank_line", sa.Uuid),
    sa.Column("recorded_by", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("proposed_by", sa.Text),
    # What no line of the bank's tells of is two persons' word. Not asked of rows of before that rule.
    sa.CheckConstraint(
        "bank_line IS NOT NULL OR (proposed_by <> recorded_by) IS TRUE", name="two_persons_without_a_line", postgresql_not_valid=True
    ),
    sa.CheckConstraint("recovery_no >= 1 AND amount > 0 AND amount_in_fund >= 0", name="counted"),
    sa.CheckConstraint("fund_currency <> currency OR amount_in_fund = amount", name="same_currency_same_amount"),
    sa.CheckConstraint("month >= date_trunc('month', cast(received_on AS timestamp))", name="month_not_before_the_day"),
    sa.ForeignKeyConstraint(
        ("fund_id", "fund_currency"), ("fund_balances.fund_id", "fund_balances.currency"),
        name="fk_recovered_money_currency_of_the_fund",
    ),
    sa.UniqueConstraint("reference"),
    sa.Index(None, "bank_line"),
    # Several sums may come by one line, which holds how much of it they are in all.
    sa.ForeignKeyConstraint(("bank_line",), ("bank_lines.id",), name="fk_recovered_money_bank_line"),
    info=scope("country:destination_country", written_by="recorded_by"),
)  # fmt: skip

_ASKED: Final = ("grant_id", "write_off_no", "amount", "currency", "reason", "asked_by")


def _what_was_asked() -> Sequence[sa.Column[object]]:
    return (
        sa.Column("grant_id", sa.Uuid, primary_key=True),
        sa.Column("write_off_no", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("destination_country", sa.Text, nullable=False),
        amount("amount"),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
    )


# What somebody asked to be written off, and what another one confirmed of it: each row is written in the name of who did it,
# and nobody changes one.
WRITE_OFFS_ASKED = sa.Table(
    "write_offs_asked",
    METADATA,
    *_what_was_asked(),
    sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("write_off_no >= 1 AND amount > 0", name="counted"),
    sa.UniqueConstraint(*_ASKED, name="uq_write_offs_asked_as_asked"),
    info=scope("country:destination_country", written_by="asked_by"),
)
WRITE_OFFS = sa.Table(
    "write_offs",
    METADATA,
    *_what_was_asked(),
    sa.Column("confirmed_by", sa.Text, nullable=False),
    sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(_ASKED, [f"write_offs_asked.{name}" for name in _ASKED], name="fk_write_offs_as_asked"),
    sa.CheckConstraint("asked_by <> confirmed_by", name="two_persons"),
    info=scope("country:destination_country", written_by="confirmed_by"),
)
