"""Reintegration's tables: what it knows of persons, cases and plans, and with them all that holds money."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from services.reintegration.approval_tables import (
    APPROVALS_BEFORE,
    COMMITMENT_ADDITIONS,
    GRANT_APPROVALS,
    GRANT_COMMITMENTS,
    GRANT_ENDORSEMENTS,
)
from services.reintegration.attempt_tables import ATTEMPT_ACCOUNTS, PAYMENT_ATTEMPTS
from services.reintegration.authority_tables import (
    AUTHORITIES,
    AUTHORITY_TERMS,
    FUNDING_POLICIES,
    OPEN_AUTHORITIES,
    POLICY_VERSIONS,
)
from services.reintegration.bank_tables import (
    BANK_FILES,
    BANK_LINE_ACCOUNTS,
    BANK_LINE_ACTS,
    BANK_LINES,
    BANK_STATEMENTS,
)
from services.reintegration.batch_tables import (
    BATCH_PAYMENTS,
    BATCH_PROGRESS,
    OWN_ACCOUNTS,
    PAYMENT_BATCHES,
)
from services.reintegration.difference_tables import RECONCILIATION_DIFFERENCES
from services.reintegration.domain import case, plan_state
from services.reintegration.fund_tables import (
    ACCOUNTING_PERIODS,
    CLOSED_MONTHS,
    FUND_BALANCES,
    FUND_CHANGES,
    FUND_CONFIRMATIONS,
    FUND_POSTINGS,
    FUNDS,
)
from services.reintegration.lost_payment_tables import LOST_PAYMENTS
from services.reintegration.metadata import METADATA, begins
from services.reintegration.money_tables import (
    EVIDENCE_FILES,
    EVIDENCE_PIECES,
    GRANT_TURNS,
    GRANT_VERSIONS,
    GRANTS,
    GRANTS_OF_THE_ERASED,
    OPEN_ADVANCES,
    PAYMENT_REFERENCES,
    PERSON_CAPS,
    TAKEN_PLAN_LINES,
)
from services.reintegration.paid_although_tables import PAID_ALTHOUGH
from services.reintegration.payee_tables import (
    FORMER_PAYEE_TOKENS,
    PAYEE_ACCOUNTS,
    PAYEE_CLEARANCES,
    PAYEE_CONFIRMATIONS,
    PAYEE_DETAILS,
    PAYEE_SHARES,
    PAYEE_TOKENS,
    PAYEES,
    SANCTIONS_ENTRIES,
    SANCTIONS_LISTS,
    STAFF_ACCOUNTS,
    STAFF_LISTS,
)
from services.reintegration.rate_tables import EXCHANGE_RATES, RATES
from services.reintegration.recovery_tables import RECOVERED_MONEY, WRITE_OFFS, WRITE_OFFS_ASKED
from services.reintegration.spot_check_tables import DRAWN_DELIVERIES, SPOT_CHECK_DRAWS, SPOT_CHECKS
from services.reintegration.survey_tables import (
    INSTRUMENT_TEXTS,
    INSTRUMENTS,
    SURVEY_ANSWERS,
    SURVEY_ROUNDS,
    SURVEYS,
)
from services.reintegration.voucher_tables import RELEASED_PAPERS, RELEASED_VOUCHERS, VOUCHER_SAMPLES
from shared.tables import aggregate_table, jsonb, person_keys_table, scope

# Whoever asks for METADATA here has every table of the service in it.
__all__ = [
    "ACCOUNTING_PERIODS", "APPROVALS_BEFORE", "ATTEMPT_ACCOUNTS", "AUTHORITIES", "AUTHORITY_TERMS", "BANK_FILES", "BANK_LINES", "BANK_LINE_ACCOUNTS", "BANK_LINE_ACTS", "BANK_STATEMENTS", "BATCH_PAYMENTS", "BATCH_PROGRESS", "CASES", "CASE_LIMITS", "CASE_PLANS", "CLOSED_MONTHS", "COMMITMENT_ADDITIONS", "DRAWN_DELIVERIES", "EVIDENCE_FILES", "EVIDENCE_PIECES", "EXCHANGE_RATES", "FAMILIES", "FORMER_PAYEE_TOKENS", "FUNDING_POLICIES", "FUNDS", "FUND_BALANCES", "FUND_CHANGES", "FUND_CONFIRMATIONS", "FUND_POSTINGS", "GRANTS",
    "GRANTS_OF_THE_ERASED", "GRANT_APPROVALS", "GRANT_COMMITMENTS", "GRANT_ENDORSEMENTS", "GRANT_TURNS", "GRANT_VERSIONS", "INSTRUMENTS", "INSTRUMENT_TEXTS", "LOST_PAYMENTS", "METADATA", "OPEN_ADVANCES", "OPEN_AUTHORITIES", "OWN_ACCOUNTS", "PAID_ALTHOUGH", "PAYEES", "PAYEE_ACCOUNTS", "PAYEE_CLEARANCES", "PAYEE_CONFIRMATIONS", "PAYEE_DETAILS", "PAYEE_SHARES", "PAYEE_TOKENS", "PAYMENT_ATTEMPTS", "PAYMENT_BATCHES", "PAYMENT_REFERENCES", "PERSONAL_TABLES", "PERSONS", "PERSON_CAPS",
    "PERSON_KEYS", "PLANS", "POLICY_VERSIONS", "RATES", "RECONCILIATION_DIFFERENCES", "RECOVERED_MONEY", "RELEASED_PAPERS", "RELEASED_VOUCHERS", "SANCTIONS_ENTRIES", "SANCTIONS_LISTS", "SPOT_CHECKS", "SPOT_CHECK_DRAWS", "STAFF_ACCOUNTS", "STAFF_LISTS", "SURVEYS", "SURVEY_ANSWERS", "SURVEY_ROUNDS", "TAKEN_PLAN_LINES", "VOUCHER_SAMPLES", "WRITE_OFFS", "WRITE_OFFS_ASKED",
]  # fmt: skip

PERSON_KEYS = person_keys_table(METADATA)
# What goes with the person by its own trigger; papers go by what the row of the person says is kept.
PERSONAL_TABLES = (PAYEE_DETAILS, PAYEE_TOKENS, FORMER_PAYEE_TOKENS, SURVEY_ANSWERS)

# Only of who was erased there is a row. The row that comes to be is what erases: a trigger deletes everything personal in
# the same statement, but for the receipts of paid money, which have keys of their own and go with `kept_ended_on`.
PERSONS = aggregate_table(
    METADATA,
    "persons",
    sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("kept_until", sa.Date),
    sa.Column("kept_ended_on", sa.Date),
    # Whoever says too early that the time is over is refused here too.
    sa.CheckConstraint("kept_ended_on IS NULL OR (kept_until IS NOT NULL AND kept_ended_on > kept_until)", name="kept_for_its_time"),
    info=scope("known"),
)

CASES = aggregate_table(
    METADATA,
    "cases",
    sa.Column("person_ids", pg.ARRAY(sa.Uuid), nullable=False),
    sa.Column("destination_country", sa.Text, nullable=False),
    sa.Column("counsellor_id", sa.Text, nullable=False),
    jsonb("arrived"),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("deciding_ids", pg.ARRAY(sa.Uuid), nullable=False),
    sa.Column("programme", sa.Text),
    sa.Column("withdrawn_ids", pg.ARRAY(sa.Uuid), nullable=False),
    begins(case.BEGINNINGS),
    info=scope("country:destination_country"),
)

PLANS = aggregate_table(
    METADATA,
    "plans",
    sa.Column("case_id", sa.Uuid, nullable=False),
    sa.Column("destination_country", sa.Text, nullable=False),
    sa.Column("person_ids", pg.ARRAY(sa.Uuid), nullable=False),
    jsonb("lines"),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("plan_version", sa.Integer, nullable=False),
    sa.Column("agreed_on", sa.Date),
    sa.Column("recorded_at", sa.DateTime(timezone=True)),
    sa.Column("first_agreed_on", sa.Date),
    sa.Column("method", sa.Text),
    sa.Column("agreed_by", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("shared_at", sa.DateTime(timezone=True)),
    sa.Column("completed_at", sa.DateTime(timezone=True)),
    begins(plan_state.BEGINNINGS),
    sa.CheckConstraint("(status IN ('agreed', 'completed')) = (agreed_on IS NOT NULL)", name="agreed_has_a_day"),
    sa.CheckConstraint("status <> 'shared' OR shared_at IS NOT NULL", name="shared_at_a_time"),
    sa.CheckConstraint("(status = 'completed') = (completed_at IS NOT NULL)", name="completed_at_a_time"),
    sa.CheckConstraint("(status = 'draft') = (plan_version = 0)", name="draft_is_no_version"),
    sa.Index(None, "case_id", "id"),
    sa.Index(None, "status", "id"),
    sa.Index(None, "recorded_at"),
    sa.Index(None, "first_agreed_on"),
    sa.Index(None, "destination_country", "id"),
    sa.Index(None, "destination_country", "status", "id"),
    info=scope("country:destination_country"),
)

# Who belongs together: a family's cap counts them all.
FAMILIES = aggregate_table(
    METADATA,
    "families",
    sa.Column("member_ids", pg.ARRAY(sa.Uuid), nullable=False),
    sa.Index(None, "member_ids", postgresql_using="gin"),
    info=scope("known"),
)

# Limits that several aggregates share are rows of their own, so that the database holds them under any concurrency.

CASE_LIMITS = sa.Table(
    "case_limits",
    METADATA,
    sa.Column("case_id", sa.Uuid, primary_key=True),
    sa.Column("live_grants", sa.Integer, nullable=False),
    sa.Column("sealed", sa.Boolean, nullable=False),
    sa.Column("plan_completed", sa.Boolean, nullable=False, server_default="false"),
    sa.CheckConstraint("live_grants >= 0", name="counted"),
    sa.CheckConstraint("NOT sealed OR live_grants = 0", name="sealed_takes_no_grant"),
    sa.CheckConstraint("NOT plan_completed OR live_grants = 0", name="completed_plan_takes_no_grant"),
    info=scope("known"),
)

CASE_PLANS = sa.Table(
    "case_plans",
    METADATA,
    sa.Column("case_id", sa.Uuid, primary_key=True),
    sa.Column("plan_id", sa.Uuid, nullable=False),
    info=scope("known"),
)
