"""Reintegration's tables of money: grants and their papers, and the limits that several of them share."""

from itertools import combinations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from services.reintegration.attempt_tables import WHO_ENDED_EARLY, WHO_LOOKED_PAYS_NOTHING, WHO_TRIED_TO_PAY
from services.reintegration.domain import grant_state
from services.reintegration.metadata import METADATA, amount, begins
from services.reintegration.recovery_tables import on_a_grant
from shared.tables import aggregate_table, jsonb, scope

_HATS = ("requester_id", "endorser_id", "approver_id", "payer_id", "reconciler_id")
_WITHOUT_MONEY = "'draft', 'submitted', 'returned', 'endorsed', 'rejected', 'cancelled'"


GRANTS = aggregate_table(
    METADATA,
    "grants",
    sa.Column("case_id", sa.Uuid, nullable=False),
    sa.Column("person_id", sa.Uuid, nullable=False),
    sa.Column("plan_id", sa.Uuid, nullable=False),
    sa.Column("plan_line_id", sa.Uuid, nullable=False),
    # None once the person was erased: it may tell of health.
    sa.Column("category", sa.Text),
    sa.Column("modality", sa.Text, nullable=False),
    sa.Column("destination_country", sa.Text, nullable=False),
    sa.Column("counsellor_id", sa.Text, nullable=False),
    sa.Column("requester_id", sa.Text, nullable=False),
    sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=False),
    amount("amount"),
    sa.Column("currency", sa.Text, nullable=False),
    jsonb("tranches"),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("request_version", sa.Integer, nullable=False),
    sa.Column("endorser_id", sa.Text),
    sa.Column("endorsed_at", sa.DateTime(timezone=True)),
    sa.Column("approver_id", sa.Text),
    sa.Column("payer_id", sa.Text),
    sa.Column("reconciler_id", sa.Text),
    sa.Column("fund_id", sa.Uuid),
    sa.Column("approved_at", sa.DateTime(timezone=True)),
    sa.Column("suspended_at", sa.DateTime(timezone=True)),
    sa.Column("suspended_for", sa.Text),
    sa.Column("recovery_opened_at", sa.DateTime(timezone=True)),
    sa.Column("recovery_for", sa.Text),
    sa.Column("recovery_amount", sa.Numeric),
    sa.CheckConstraint(
        # Of a suspended grant that is paid in full money may come back, and then it is suspended still.
        "(suspended_at IS NULL) = (suspended_for IS NULL) AND (status <> 'suspended' OR suspended_at IS NOT NULL) "
        "AND (suspended_at IS NULL OR status IN ('suspended', 'disbursed'))",
        name="suspended_for_a_reason",
    ),
    sa.CheckConstraint(
        "(recovery_opened_at IS NULL) = (recovery_amount IS NULL) AND (recovery_opened_at IS NULL) = (recovery_for IS NULL) "
        "AND (recovery_amount IS NULL OR recovery_amount > 0 AND recovery_amount <= paid)",
        name="recovery_within_paid",
    ),
    amount("committed"),
    amount("paid"),
    begins(grant_state.BEGINNINGS),
    # A comparison with a hat that nobody wears yet is unknown, which a CHECK lets pass.
    sa.CheckConstraint(
        " AND ".join(f"{one} <> {other}" for one, other in combinations(_HATS, 2)), name="five_hats"
    ),
    sa.CheckConstraint(
        " AND ".join(f"counsellor_id <> {hat}" for hat in _HATS if hat != "requester_id"),
        name="counsellor_only_asks",
    ),
    # A deputy may have paid or reconciled an earlier tranche, so the hats that each tranche keeps are held too.
    # Who confirms a delivery may be the requester and nobody else of those who acted.
    sa.CheckConstraint(
        "NOT jsonb_path_exists(tranches, '$[*] ? ("
        "(@.released_by != null && @.released_by == $others[*]) || "
        "(@.confirmed_by != null && @.confirmed_by == $others[*]) || "
        "(@.reconciled_by != null && @.reconciled_by == $others[*]))', "
        "jsonb_build_object('others', jsonb_build_array(requester_id, endorser_id, approver_id, counsellor_id))) "
        "AND NOT jsonb_path_exists(tranches, "
        "'$[*] ? (@.delivered_by != null && @.delivered_by == $others[*])', "
        "jsonb_build_object('others', jsonb_build_array(endorser_id, approver_id, counsellor_id)))",
        name="tranche_hats",
    ),
    sa.CheckConstraint(
        "NOT jsonb_path_exists(tranches, '$[*].reconciled_by ? (@ != null && "
        "(@ == $[*].released_by || @ == $[*].confirmed_by || @ == $[*].delivered_by))') "
        "AND NOT jsonb_path_exists(tranches, '$[*].delivered_by ? (@ != null && "
        "(@ == $[*].released_by || @ == $[*].confirmed_by))')",
        name="hats_between_tranches",
    ),
    # Who certified stands in clear in the certificate, what they said does not.
    sa.CheckConstraint(
        "certificate IS NULL OR (NOT certificate ->> 'attested_by' = ANY (ARRAY[requester_id, endorser_id, approver_id, "
        "payer_id, reconciler_id, counsellor_id]) AND NOT jsonb_path_exists(tranches, '$[*] ? (@.released_by == $who || "
        "@.confirmed_by == $who || @.reconciled_by == $who || @.delivered_by == $who)', "
        "jsonb_build_object('who', certificate -> 'attested_by')))",
        name="certifier_takes_no_part",
    ),
    # Whose endorsement a new version voided has worn a hat all the same.
    sa.Column("former_endorsers", pg.ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.CheckConstraint(
        "NOT (former_endorsers && ARRAY[requester_id, approver_id, payer_id, reconciler_id, counsellor_id]) "
        "AND NOT jsonb_path_exists(tranches, '$[*] ? (@.released_by == $former[*] || @.confirmed_by == $former[*] || "
        "@.reconciled_by == $former[*] || @.delivered_by == $former[*])', "
        "jsonb_build_object('former', to_jsonb(former_endorsers)))",
        name="former_endorsers_take_no_part",
    ),
    sa.Column("former_approvers", pg.ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.CheckConstraint(
        "NOT (former_approvers && ARRAY[requester_id, endorser_id, payer_id, reconciler_id, counsellor_id]) "
        "AND NOT jsonb_path_exists(tranches, '$[*] ? (@.released_by == $former[*] || @.confirmed_by == $former[*] || "
        "@.reconciled_by == $former[*] || @.delivered_by == $former[*])', "
        "jsonb_build_object('former', to_jsonb(former_approvers)))",
        name="former_approvers_take_no_part",
    ),
    sa.CheckConstraint("amount > 0", name="amount_above_zero"),
    sa.CheckConstraint(
        "committed >= 0 AND paid >= 0 AND committed + paid <= amount", name="paid_within_approved"
    ),
    sa.CheckConstraint(
        "(approver_id IS NULL) = (fund_id IS NULL) AND (approver_id IS NULL) = (approved_at IS NULL)",
        name="approval_is_whole",
    ),
    sa.CheckConstraint(
        "(approver_id IS NOT NULL AND endorser_id IS NOT NULL) "
        f"OR (committed = 0 AND paid = 0 AND status IN ({_WITHOUT_MONEY}))",
        name="money_needs_approval",
    ),
    jsonb("evidence"),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("submitted_version", sa.Integer),
    sa.Column("papers", pg.ARRAY(sa.Uuid), nullable=False),
    sa.Column("policy_programme", sa.Text),
    sa.Column("policy_version", sa.Integer),
    sa.Column("return_reasons", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("just_below_threshold", sa.Boolean, nullable=False, server_default="false"),
    sa.Column("appeal_told", sa.Boolean),
    # What the money is made up of, and what medical staff said of it: both may tell of health, and are sealed as a whole.
    sa.Column("budget", pg.JSONB),
    sa.Column("budget_hash", sa.Text),
    sa.Column("certificate", pg.JSONB),
    # What was submitted is what the version says, which nobody changes; a draft, and one that was cancelled, has none.
    sa.ForeignKeyConstraint(
        ("id", "submitted_version", "amount", "currency", "content_hash"),
        (
            "grant_versions.grant_id", "grant_versions.request_version", "grant_versions.amount", "grant_versions.currency",
            "grant_versions.content_hash",
        ),
        name="fk_grants_as_submitted",
    ),
    # Approved are a version that has a commitment, or what was approved before approvals had levels.
    sa.Column("plan_version", sa.Integer),
    jsonb("approvals"),
    sa.Column("approved_version", sa.Integer),
    sa.Column("approved_before", sa.Integer),
    # What the grant takes of its fund, in the fund's own currency, which the key of its balance says.
    sa.Column("fund_currency", sa.Text),
    sa.Column("fund_amount", sa.Numeric),
    sa.Column("fund_total", sa.Numeric),
    sa.Column("fund_committed", sa.Numeric),
    sa.Column("fund_paid", sa.Numeric),
    jsonb("fund_rates"),
    jsonb("additions"),
    sa.Column("last_addition", sa.Integer),
    jsonb("former_attempts"),
    jsonb("visits"),
    sa.CheckConstraint(WHO_LOOKED_PAYS_NOTHING, name="who_looked_pays_nothing"),
    sa.CheckConstraint(WHO_TRIED_TO_PAY, name="who_tried_to_pay"),
    sa.CheckConstraint(WHO_ENDED_EARLY, name="who_ended_early"),
    *on_a_grant(),
    sa.ForeignKeyConstraint(
        ("id", "approved_version", "amount", "fund_id", "fund_currency", "fund_amount"),
        [
            f"grant_commitments.{name}"
            for name in ("grant_id", "request_version", "amount", "fund_id", "fund_currency", "fund_amount")
        ],
        name="fk_grants_as_approved",
    ),
    sa.ForeignKeyConstraint(
        ("fund_id", "fund_currency"), ("fund_balances.fund_id", "fund_balances.currency"), name="fk_grants_currency_of_the_fund"
    ),
    sa.ForeignKeyConstraint(
        ("id", "last_addition", "fund_total"),
        ("commitment_additions.grant_id", "commitment_additions.addition_no", "commitment_additions.total"),
        name="fk_grants_as_added",
    ),
    sa.CheckConstraint(
        "num_nulls(fund_id, fund_currency, fund_amount, fund_total, fund_committed, fund_paid) IN (0, 6)", name="fund_is_whole"
    ),
    sa.CheckConstraint(
        "fund_amount > 0 AND fund_committed >= 0 AND fund_paid >= 0 AND fund_committed + fund_paid <= fund_total",
        name="paid_within_commitment",
    ),
    sa.CheckConstraint(
        "fund_currency <> currency OR (fund_amount, fund_total, fund_committed, fund_paid) = (amount, amount, committed, paid)",
        name="same_currency_same_amounts",
    ),
    # Once nothing is left to pay nothing is held back of the fund, and what is paid has cost it something.
    sa.CheckConstraint(
        "(committed = 0) = (coalesce(fund_committed, 0) = 0) AND (paid = 0) = (coalesce(fund_paid, 0) = 0)",
        name="nothing_held_back",
    ),
    sa.CheckConstraint(
        "jsonb_array_length(additions) = coalesce(last_addition, 0) AND (last_addition IS NOT NULL OR fund_total = fund_amount) "
        "AND (approved_before IS NULL OR fund_currency = currency)",
        name="total_is_added_up",
    ),
    sa.CheckConstraint(
        "NOT jsonb_path_exists(additions, '$[*].adder_id ? (@ == $others[*])', jsonb_build_object('others', "
        "jsonb_build_array(requester_id, endorser_id, counsellor_id, payer_id, reconciler_id))) "
        "AND NOT jsonb_path_exists(tranches, '$[*] ? (@.released_by == $adders[*] || @.confirmed_by == $adders[*] || "
        "@.delivered_by == $adders[*] || @.reconciled_by == $adders[*])', jsonb_build_object('adders', "
        "jsonb_path_query_array(additions, '$[*].adder_id')))",
        name="who_added",
    ),
    sa.ForeignKeyConstraint(
        ("id", "approved_before"), ("approvals_before.grant_id", "approvals_before.request_version"),
        name="fk_grants_approved_before",
    ),
    sa.CheckConstraint(
        "(approver_id IS NULL) = (approved_version IS NULL AND approved_before IS NULL) "
        "AND coalesce(approved_version, approved_before, request_version) = request_version",
        name="version_is_approved",
    ),
    sa.CheckConstraint(
        "NOT jsonb_path_exists(approvals, '$[*].approver_id ? (@ == $others[*])', jsonb_build_object('others', "
        "jsonb_build_array(requester_id, endorser_id, counsellor_id, payer_id, reconciler_id))) "
        "AND NOT jsonb_path_exists(tranches, '$[*] ? (@.released_by == $approvers[*] || @.confirmed_by == $approvers[*] || "
        "@.delivered_by == $approvers[*] || @.reconciled_by == $approvers[*])', jsonb_build_object('approvers', "
        "jsonb_path_query_array(approvals, '$[*].approver_id')))",
        name="who_approved",
    ),
    sa.CheckConstraint(
        "submitted_version IS NOT DISTINCT FROM request_version OR (submitted_version IS NULL AND request_version = 1 "
        "AND status IN ('draft', 'cancelled'))",
        name="submitted_but_for_drafts",
    ),
    sa.CheckConstraint("(policy_programme IS NULL) = (policy_version IS NULL)", name="policy_is_whole"),
    sa.CheckConstraint(
        "committed = 0 OR status IN ('approved', 'in_disbursement', 'suspended')", name="committed_while_under_way"
    ),
    sa.Index(None, "case_id", "id"),
    sa.Index(None, "status", "id"),
    sa.Index(None, "person_id", "requested_at"),
    sa.Index(None, "plan_id", "plan_line_id"),
    sa.Index(None, "requested_at"),
    sa.Index(None, "approved_at"),
    sa.Index(None, "destination_country", "id"),
    sa.Index(None, "destination_country", "status", "id"),
    sa.Index("ix_grants_not_delivered", "id", postgresql_where=sa.text("""tranches @> '[{"status": "paid"}]'""")),
    sa.Index("ix_grants_not_reconciled", "id", postgresql_where=sa.text("""tranches @> '[{"status": "delivered"}]'""")),
    info=scope("country:destination_country"),
)

# What was asked for in each version that was submitted, by whom and under which policy. Nobody changes a row, so that an
# endorsement or an approval can name the one that it is of, with its amount and the hash of its content.
GRANT_VERSIONS = sa.Table(
    "grant_versions",
    METADATA,
    sa.Column("grant_id", sa.Uuid, primary_key=True),
    sa.Column("request_version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("destination_country", sa.Text, nullable=False),
    sa.Column("requester_id", sa.Text, nullable=False),
    sa.Column("counsellor_id", sa.Text, nullable=False),
    amount("amount"),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("policy_programme", sa.Text),
    sa.Column("policy_version", sa.Integer),
    sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("amount > 0", name="amount_above_zero"),
    sa.CheckConstraint("content_hash ~ '^[0-9a-f]{64}$'", name="is_a_hash"),
    sa.CheckConstraint("(policy_programme IS NULL) = (policy_version IS NULL)", name="policy_is_whole"),
    sa.ForeignKeyConstraint(
        ("policy_programme", "policy_version"), ("policy_versions.programme", "policy_versions.policy_version"),
        name="fk_grant_versions_policy",
    ),
    sa.UniqueConstraint(
        "grant_id", "request_version", "amount", "currency", "content_hash", name="uq_grant_versions_as_submitted"
    ),
    sa.UniqueConstraint(
        "grant_id", "request_version", "requester_id", "counsellor_id", "amount", "currency", "content_hash",
        name="uq_grant_versions_as_decided",
    ),
    info=scope("country:destination_country"),
)

# The files of evidence, sealed: each with its wrapped key, and its pieces in rows of their own, so that one can be read
# without the others.

EVIDENCE_FILES = sa.Table(
    "evidence_files",
    METADATA,
    sa.Column("evidence_id", sa.Uuid, primary_key=True),
    sa.Column("grant_id", sa.Uuid, nullable=False),
    sa.Column("destination_country", sa.Text, nullable=False),
    sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
    # Under which key the file's own is wrapped: the one of the grant's papers, or the service's, as long ago.
    sa.Column("sealed_under", sa.Text, nullable=False, server_default="grant"),
    sa.Column("pieces", sa.Integer, nullable=False),
    sa.CheckConstraint("pieces > 0", name="has_pieces"),
    sa.CheckConstraint("sealed_under IN ('grant', 'service')", name="sealed_under_a_key"),
    sa.Index(None, "grant_id"),
    info={"scope": ("country:destination_country", "released_paper:evidence_id"), "written_by": ("country:destination_country",)},
)

EVIDENCE_PIECES = sa.Table(
    "evidence_pieces",
    METADATA,
    sa.Column("evidence_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("destination_country", sa.Text, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    info={"scope": ("country:destination_country", "released_paper:evidence_id"), "written_by": ("country:destination_country",)},
)

# Limits that several aggregates share are rows of their own, so that the database holds them under any concurrency.

PERSON_CAPS = sa.Table(
    "person_caps",
    METADATA,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    info=scope("known"),
)

TAKEN_PLAN_LINES = sa.Table(
    "taken_plan_lines",
    METADATA,
    sa.Column("plan_id", sa.Uuid, primary_key=True),
    sa.Column("plan_line_id", sa.Uuid, primary_key=True),
    sa.Column("grant_id", sa.Uuid, nullable=False),
    info=scope("known"),
)

OPEN_ADVANCES = sa.Table(
    "open_advances",
    METADATA,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("grant_id", sa.Uuid, nullable=False),
    sa.Column("tranche", sa.Integer, nullable=False),
    info=scope("known"),
)

PAYMENT_REFERENCES = sa.Table(
    "payment_references",
    METADATA,
    sa.Column("reference", sa.Text, primary_key=True),
    sa.Column("grant_id", sa.Uuid, nullable=False),
    sa.Column("tranche", sa.Integer, nullable=False),
    info=scope("known"),
)

# What approved grants of those who were erased were for, by the mission's year of approval: the report's figures by category
# stay as they were, and no row says whose grant it was.
GRANTS_OF_THE_ERASED = sa.Table(
    "grants_of_the_erased",
    METADATA,
    sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("category", sa.Text, primary_key=True),
    sa.Column("grants", sa.Integer, nullable=False),
    sa.CheckConstraint("grants > 0", name="counted"),
    info=scope("known"),
)

# Whose turn it is on which grant, since when: what each hat's list is made of.
GRANT_TURNS = sa.Table(
    "grant_turns",
    METADATA,
    sa.Column("grant_id", sa.Uuid, primary_key=True),
    sa.Column("hat", sa.Text, primary_key=True),
    sa.Column("destination_country", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    sa.Index(None, "hat", "since", "grant_id"),
    sa.Index(None, "destination_country", "hat", "since", "grant_id"),
    info=scope("country:destination_country"),
)

# Who decided what on which version of a request, and for how much; nobody changes a row, and nobody writes one for another.
# Tranche 0 is the whole grant.
GRANT_DECISIONS = sa.Table(
    "grant_decisions",
    METADATA,
    sa.Column("grant_id", sa.Uuid, primary_key=True),
    sa.Column("request_version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("what", sa.Text, primary_key=True),
    sa.Column("tranche", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("decided_by", sa.Text, primary_key=True),
    sa.Column("decided_at", sa.DateTime(timezone=True), primary_key=True),
    amount("amount"),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("destination_country", sa.Text, nullable=False),
    sa.Index(None, "decided_by", "decided_at", "grant_id", "request_version", "what", "tranche"),
    sa.Index(None, "decided_by", "what", "decided_at", "grant_id", "request_version", "tranche"),
    info=scope("actor:decided_by"),
)
