"""Reintegration's table of attempts to pay, in which a tranche has at most one that is under way or was paid."""

from typing import Final

import sqlalchemy as sa

from services.reintegration.metadata import METADATA, amount
from shared.tables import scope

# Who took part in an attempt that is over has worn that hat all the same, and wears no other one on the grant.
WHO_TRIED_TO_PAY: Final = (
    "NOT jsonb_path_exists(former_attempts, '$[*] ? ((@.released_by != null && @.released_by == $others[*]) || "
    "(@.confirmed_by != null && @.confirmed_by == $others[*]) || (@.ended_by != null && @.ended_by == $others[*]))', "
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

# That an attempt is over a person says in a hat, or a line of the bank's, and one of them alone.
SAID_BY_SOMEBODY: Final = (
    "num_nonnulls(ended_by, failed_line, returned_line) = CASE WHEN ended_on IS NULL THEN 0 ELSE 1 END "
    "AND (failed_line IS NULL OR status = 'failed') AND (returned_line IS NULL OR status = 'reversed')"
)
# What a file of payments orders is paid and sent back by what the bank says alone, and nothing else is.
PAID_BY_THE_BANK: Final = (
    "CASE WHEN method = 'bank_file' THEN confirmed_by IS NULL AND (paid_on IS NULL) = (paid_line IS NULL) "
    "AND (status <> 'reversed' OR returned_line IS NOT NULL) "
    "ELSE num_nonnulls(paid_line, failed_line, returned_line) = 0 END"
)
# What is paid by hand nobody else sees, so that nobody ends the attempt that they released themselves.
FAILED_BY_ANOTHER: Final = (
    "status <> 'failed' OR method IS NULL OR method = 'bank_file' "
    "OR (ended_by <> released_by AND (ended_as = 'reconciler' OR reason = 'not_sent'))"
)
# What the bank never answered two persons end who paid nothing of it.
ENDED_BY_TWO: Final = (
    "CASE WHEN reason IS DISTINCT FROM 'not_answered' THEN end_asked_by IS NULL "
    "ELSE (status = 'failed' AND method = 'bank_file' AND ended_as = 'reconciler' AND ended_by <> end_asked_by "
    "AND ended_by <> released_by AND end_asked_by <> released_by) IS TRUE END"
)
# What the bank booked beyond or below what was ordered is of a line that paid it, and never all of it.
BOOKED_OTHERWISE: Final = (
    "num_nonnulls(bank_charges, booked_short) = 0 OR (paid_line IS NOT NULL AND coalesce(bank_charges, 1) > 0 "
    "AND coalesce(booked_short, amount / 2) > 0 AND coalesce(booked_short, 0) < amount) IS TRUE"
)
# What a bank kept of what came back is of a line that returned it, and never more than half.
KEPT_BY_BANK: Final = (
    "kept_by_bank IS NULL OR (returned_line IS NOT NULL AND kept_by_bank > 0 AND kept_by_bank <= (amount - coalesce(booked_short, 0)) / 2) IS TRUE"
)
# As the core reckons: twelve hours are the most that any place lies behind UTC.
PAID_AFTER_ITS_RELEASE: Final = (
    "status <> 'paid' OR method IS NULL OR method = 'bank_file' "
    "OR paid_on >= cast(released_at AT TIME ZONE 'UTC' - interval '12 hours' AS date)"
)
# Who ended early what the bank booked after all wears no other hat on the grant.
WHO_ENDED_EARLY: Final = (
    "NOT jsonb_path_exists(jsonb_path_query_array(tranches, '$[*].ended_early') || jsonb_path_query_array(former_attempts, '$[*].ended_early'), "
    "'$[*] ? (@ != null && (@.ended_by == $others[*] || @.asked_by == $others[*]))', jsonb_build_object('others', "
    "jsonb_build_array(requester_id, endorser_id, approver_id, counsellor_id, payer_id) || jsonb_path_query_array(tranches, '$[*].released_by') "
    "|| jsonb_path_query_array(tranches, '$[*].delivered_by') || jsonb_path_query_array(former_attempts, '$[*].released_by')))"
)
# Who visited, or saw that cash was handed over, paid nothing on the grant.
WHO_LOOKED_PAYS_NOTHING: Final = (
    "NOT jsonb_path_exists(jsonb_path_query_array(visits, '$[*].recorded_by') "
    "|| jsonb_path_query_array(tranches, '$[*].witness.witnessed_by') "
    "|| jsonb_path_query_array(former_attempts, '$[*].witness.witnessed_by'), '$[*] ? (@ == $payers[*])', "
    "jsonb_build_object('payers', jsonb_build_array(payer_id) || jsonb_path_query_array(tranches, '$[*].released_by') "
    "|| jsonb_path_query_array(tranches, '$[*].confirmed_by') || jsonb_path_query_array(former_attempts, '$[*].released_by') "
    "|| jsonb_path_query_array(former_attempts, '$[*].confirmed_by')))"
)


def erased_in(person: str) -> str:
    """The expression, in a statement, at which place of the log the person whose row is named ``person`` was erased."""
    # Nothing is on record of a person before they are erased.
    return (
        f"(SELECT erased.idx FROM event_log erased WHERE erased.subject = {person}.id AND erased.aggver = 1 "
        "AND erased.type = 'avrr.reintegration.person.erased.v1')"
    )


def paid_when_erased(person: str, grant: str) -> str:
    """The expression, in a statement, whether money of a grant was with its person when they were erased, each by the name of its row.

    By places in the log and by no clock: an erasure holds the person's grants before it enters the log, as whoever pays does.
    """
    # A tranche has one payment at a time, so what came back after one is that one. Of the grant's own events alone: the others
    # before or after a place are the whole log.
    own = f"(SELECT idx, type, leaf FROM event_log WHERE subject = {grant}.id OFFSET 0)"
    number = "(cast(convert_from({0}.leaf, 'UTF8') AS jsonb) -> 'data' -> 'number')"
    return (
        f"EXISTS (SELECT FROM {own} paid WHERE paid.type = 'avrr.reintegration.grant.payment_confirmed.v1' "
        f"AND paid.idx < {erased_in(person)} AND NOT EXISTS (SELECT FROM {own} back "
        "WHERE back.type = 'avrr.reintegration.grant.payment_reversed.v1' AND back.idx > paid.idx "
        f"AND back.idx < {erased_in(person)} AND {number.format('back')} = {number.format('paid')}) OFFSET 0)"
    )


# Each attempt to pay a tranche. A trigger lets it go on from released to paid or failed and from paid to reversed, and
# changes nothing else of it: what was paid is reversed, never edited.
PAYMENT_ATTEMPTS = sa.Table(
    "payment_attempts",
    METADATA,
    sa.Column("grant_id", sa.Uuid, primary_key=True),
    sa.Column("tranche", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("attempt_no", sa.Integer, primary_key=True, autoincrement=False),
    # None of those of before attempts had ids.
    sa.Column("attempt_id", sa.Uuid),
    sa.Column("destination_country", sa.Text, nullable=False),
    sa.Column("fund_id", sa.Uuid, nullable=False),
    amount("amount"),
    sa.Column("currency", sa.Text, nullable=False),
    amount("amount_in_fund"),
    sa.Column("fund_currency", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("released_by", sa.Text),
    sa.Column("released_at", sa.DateTime(timezone=True)),
    sa.Column("confirmed_by", sa.Text),
    sa.Column("confirmed_at", sa.DateTime(timezone=True)),
    sa.Column("reference", sa.Text),
    sa.Column("paid_on", sa.Date),
    sa.Column("paid_month", sa.Date),
    sa.Column("ended_as", sa.Text),
    sa.Column("ended_by", sa.Text),
    sa.Column("ended_at", sa.DateTime(timezone=True)),
    sa.Column("ended_on", sa.Date),
    sa.Column("reason", sa.Text),
    sa.Column("return_month", sa.Date),
    # By which of the bank's lines it was paid, refused or sent back, where the bank said so and nobody else.
    sa.Column("paid_line", sa.Uuid),
    sa.Column("failed_line", sa.Uuid),
    sa.Column("returned_line", sa.Uuid),
    sa.Column("end_asked_by", sa.Text),
    # What that line has beyond the payment, which no fund bears, and what it has less than was ordered; posted in `paid_month`.
    sa.Column("bank_charges", sa.Numeric),
    # Of the account, where that is another one than the payment's.
    sa.Column("charges_currency", sa.Text),
    sa.Column("booked_short", sa.Numeric),
    # What did not come back of what was booked, which no fund bears.
    sa.Column("kept_by_bank", sa.Numeric),
    # Who had ended it as never answered, before the bank booked it after all.
    sa.Column("ended_early_by", sa.Text),
    sa.Column("ended_early_asked_by", sa.Text),
    sa.Column("ended_early_at", sa.DateTime(timezone=True)),
    # Those of before name no payee.
    sa.Column("payee_id", sa.Uuid),
    sa.Column("account_no", sa.Integer),
    sa.Column("method", sa.Text),
    sa.CheckConstraint(
        "method IN ('bank_file', 'office_account', 'cash') AND num_nulls(payee_id, account_no, method) IN (0, 3)",
        name="payee_is_whole",
    ),
    sa.CheckConstraint("status IN ('released', 'paid', 'failed', 'reversed')", name="status_is_known"),
    sa.CheckConstraint("attempt_no >= 1 AND amount > 0 AND amount_in_fund > 0", name="counted"),
    sa.CheckConstraint("fund_currency <> currency OR amount_in_fund = amount", name="same_currency_same_amount"),
    sa.CheckConstraint(
        "(status IN ('paid', 'reversed')) = (paid_on IS NOT NULL) AND num_nulls(paid_on, paid_month, reference) IN (0, 3)",
        name="payment_is_whole",
    ),
    sa.CheckConstraint(
        "(status IN ('failed', 'reversed')) = (ended_on IS NOT NULL) AND (status = 'reversed') = (return_month IS NOT NULL) "
        "AND num_nulls(ended_at, ended_on, reason) IN (0, 3) AND num_nulls(ended_by, ended_as) IN (0, 2)",
        name="end_is_whole",
    ),
    sa.CheckConstraint(
        "ended_as IN ('payer', 'reconciler') AND (status <> 'reversed' OR ended_as = 'reconciler' "
        "AND ended_by <> released_by AND ended_by <> confirmed_by)",
        name="reversed_by_another",
    ),
    # Those of before attempts were ended by another are as they are.
    sa.CheckConstraint(FAILED_BY_ANOTHER, name="failed_by_another"),
    sa.CheckConstraint(ENDED_BY_TWO, name="ended_by_two"),
    sa.CheckConstraint(BOOKED_OTHERWISE, name="booked_otherwise"),
    sa.CheckConstraint(KEPT_BY_BANK, name="kept_by_bank"),
    sa.CheckConstraint("charges_currency IS NULL OR (bank_charges IS NOT NULL AND charges_currency <> currency)", name="charges_in_another"),
    sa.CheckConstraint(
        "num_nulls(ended_early_by, ended_early_asked_by, ended_early_at) IN (0, 3) AND (ended_early_by IS NULL OR paid_line IS NOT NULL)",
        name="ended_early",
    ),
    sa.CheckConstraint(PAID_AFTER_ITS_RELEASE, name="paid_after_its_release"),
    sa.CheckConstraint("return_month IS NULL OR ended_on >= paid_on", name="back_after_the_payment"),
    sa.CheckConstraint(SAID_BY_SOMEBODY, name="said_by_somebody"),
    sa.CheckConstraint(PAID_BY_THE_BANK, name="paid_by_the_bank"),
    *(
        sa.ForeignKeyConstraint((line,), ("bank_lines.id",), name=f"fk_payment_attempts_{line}")
        for line in ("paid_line", "failed_line", "returned_line")
    ),
    sa.UniqueConstraint("paid_line"),
    sa.UniqueConstraint("failed_line"),
    sa.UniqueConstraint("returned_line"),
    sa.CheckConstraint(
        "paid_month >= date_trunc('month', cast(paid_on AS timestamp)) "
        "AND return_month >= date_trunc('month', cast(ended_on AS timestamp))",
        name="month_not_before_the_day",
    ),
    sa.ForeignKeyConstraint(
        ("fund_id", "fund_currency"), ("fund_balances.fund_id", "fund_balances.currency"),
        name="fk_payment_attempts_currency_of_the_fund",
    ),
    # Money goes to no account that a second person did not confirm.
    sa.ForeignKeyConstraint(
        ("payee_id", "account_no"), ("payee_confirmations.payee_id", "payee_confirmations.account_no"),
        name="fk_payment_attempts_account_of_the_payee",
    ),
    sa.UniqueConstraint("attempt_id"),
    sa.UniqueConstraint("reference"),
    # From what was paid on some days, vouchers are drawn.
    sa.Index(None, "paid_on"),
    sa.Index(
        "uq_payment_attempts_live", "grant_id", "tranche", unique=True,
        postgresql_where=sa.text("status IN ('released', 'paid')"),
    ),
    sa.Index(
        "ix_payment_attempts_wait_for_a_batch", "currency", "attempt_id",
        postgresql_where=sa.text("status = 'released' AND method = 'bank_file'"),
    ),
    # A debit that comes all the same is looked for among these few.
    sa.Index("ix_payment_attempts_unanswered", "attempt_id", postgresql_where=sa.text("reason = 'not_answered'")),
    # What came back without our reference is looked for by its amount.
    sa.Index("ix_payment_attempts_paid_amounts", "amount", "currency", postgresql_where=sa.text("status = 'paid' AND method = 'bank_file'")),
    # What left the account without our reference and may be what was refused, came back or was ended, as well.
    sa.Index(
        "ix_payment_attempts_ended_amounts", "amount", "currency",
        postgresql_where=sa.text("status IN ('failed', 'reversed') AND method = 'bank_file'"),
    ),
    # Most are booked exactly.
    sa.Index(
        "ix_payment_attempts_booked_otherwise", "grant_id", "tranche", "attempt_no",
        postgresql_where=sa.text("bank_charges IS NOT NULL OR booked_short IS NOT NULL OR kept_by_bank IS NOT NULL"),
    ),
    # What is under way is a small part of all.
    sa.Index("ix_payment_attempts_released", "grant_id", "tranche", postgresql_where=sa.text("status = 'released'")),
    info=scope("country:destination_country"),
)  # fmt: skip

# To which account an attempt was released, as keyed hashes and nothing else: with them a debit of the bank's is compared. A
# hash under a former key stays, for what was imported before it ended.
ATTEMPT_ACCOUNTS = sa.Table(
    "attempt_accounts",
    METADATA,
    sa.Column("attempt_id", sa.Uuid, primary_key=True),
    sa.Column("token", sa.LargeBinary, primary_key=True),
    sa.Column("bank", sa.LargeBinary),
    sa.Column("bank_number", sa.LargeBinary),
    sa.Column("key", sa.Text, nullable=False),
    sa.Index(None, "token"),
    info=scope("known"),
)
