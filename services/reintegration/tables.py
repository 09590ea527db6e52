"""Reintegration's tables: one for each aggregate, and the rows that limits shared by several aggregates live in."""

from collections.abc import Iterable
from itertools import combinations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from services.reintegration.domain import case, grant_state, plan
from shared.tables import aggregate_table, jsonb, person_keys_table, scope, service_metadata

METADATA = service_metadata()

ACCESSES = METADATA.tables["accesses"]

_HATS = ("requester_id", "endorser_id", "approver_id", "payer_id", "reconciler_id")
_WITHOUT_MONEY = "'submitted', 'returned', 'endorsed', 'rejected', 'cancelled'"


def _begins(statuses: Iterable[str]) -> sa.CheckConstraint:
    # The trigger holds every later move of a status to the declared transitions; this holds the first one.
    first = ", ".join(f"'{status}'" for status in sorted(statuses))
    return sa.CheckConstraint(f"version > 1 OR status IN ({first})", name="beginning")


def _amount(name: str) -> sa.Column[object]:
    # Without a fixed scale, so that 1250.00 stays 1250.00 and is not shown as 1250.0000.
    return sa.Column(name, sa.Numeric, nullable=False)


PERSON_KEYS = person_keys_table(METADATA)

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
    _begins(case.BEGINNINGS),
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
    _begins(plan.BEGINNINGS),
    sa.CheckConstraint("(status = 'agreed') = (agreed_on IS NOT NULL)", name="agreed_has_a_day"),
    sa.Index(None, "case_id", "id"),
    sa.Index(None, "status", "id"),
    sa.Index(None, "recorded_at"),
    sa.Index(None, "first_agreed_on"),
    sa.Index(None, "destination_country", "id"),
    sa.Index(None, "destination_country", "status", "id"),
    info=scope("country:destination_country"),
)

FUNDS = aggregate_table(
    METADATA,
    "funds",
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("donor", sa.Text, nullable=False),
    _amount("granted"),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_until", sa.Date, nullable=False),
    sa.CheckConstraint("granted > 0", name="granted_above_zero"),
    sa.CheckConstraint("valid_from <= valid_until", name="validity_in_order"),
    info=scope("known"),
)

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
    _amount("amount"),
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
    _amount("committed"),
    _amount("paid"),
    _begins(grant_state.BEGINNINGS),
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
    sa.CheckConstraint(
        "committed = 0 OR status IN ('approved', 'in_disbursement')", name="committed_while_under_way"
    ),
    sa.Index(None, "case_id", "id"),
    sa.Index(None, "status", "id"),
    sa.Index(None, "person_id", "requested_at"),
    sa.Index(None, "plan_id", "plan_line_id"),
    sa.Index(None, "requested_at"),
    sa.Index(None, "approved_at"),
    sa.Index(None, "destination_country", "id"),
    sa.Index(None, "destination_country", "status", "id"),
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
    info=scope("country:destination_country"),
)

EVIDENCE_PIECES = sa.Table(
    "evidence_pieces",
    METADATA,
    sa.Column("evidence_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("destination_country", sa.Text, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    info=scope("country:destination_country"),
)

# Limits that several aggregates share are rows of their own, so that the database holds them under any concurrency.

PERSON_CAPS = sa.Table(
    "person_caps",
    METADATA,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    info=scope("known"),
)

CASE_LIMITS = sa.Table(
    "case_limits",
    METADATA,
    sa.Column("case_id", sa.Uuid, primary_key=True),
    sa.Column("live_grants", sa.Integer, nullable=False),
    sa.Column("sealed", sa.Boolean, nullable=False),
    sa.CheckConstraint("live_grants >= 0", name="counted"),
    sa.CheckConstraint("NOT sealed OR live_grants = 0", name="sealed_takes_no_grant"),
    info=scope("known"),
)

CASE_PLANS = sa.Table(
    "case_plans",
    METADATA,
    sa.Column("case_id", sa.Uuid, primary_key=True),
    sa.Column("plan_id", sa.Uuid, nullable=False),
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

FUND_BALANCES = sa.Table(
    "fund_balances",
    METADATA,
    sa.Column("fund_id", sa.Uuid, primary_key=True),
    sa.Column("currency", sa.Text, nullable=False),
    _amount("granted"),
    _amount("committed"),
    _amount("spent"),
    sa.CheckConstraint(
        "committed >= 0 AND spent >= 0 AND committed + spent <= granted", name="within_granted"
    ),
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
