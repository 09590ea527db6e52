"""The first tables of reintegration."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.kernel_1 import create_kernel, deletable, drop_kernel, follow_transitions, rows_of

revision = "reintegration_1"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "case_limits",
    "case_plans",
    "cases",
    "fund_balances",
    "funds",
    "grants",
    "open_advances",
    "payment_references",
    "person_caps",
    "plans",
    "taken_plan_lines",
)


def upgrade() -> None:
    create_kernel("reintegration")
    op.create_table(
        "case_limits",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("live_grants", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "NOT sealed OR live_grants = 0", name=op.f("ck_case_limits_sealed_takes_no_grant")
        ),
        sa.CheckConstraint("live_grants >= 0", name=op.f("ck_case_limits_counted")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_limits")),
    )
    op.create_table(
        "case_plans",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_plans")),
    )
    op.create_table(
        "cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("person_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("destination_country", sa.Text(), nullable=False),
        sa.Column("counsellor_id", sa.Text(), nullable=False),
        sa.Column("arrived", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint("version > 1 OR status IN ('noted')", name=op.f("ck_cases_beginning")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
    )
    op.create_table(
        "fund_balances",
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("granted", sa.Numeric(), nullable=False),
        sa.Column("committed", sa.Numeric(), nullable=False),
        sa.Column("spent", sa.Numeric(), nullable=False),
        sa.CheckConstraint(
            "committed >= 0 AND spent >= 0 AND committed + spent <= granted",
            name=op.f("ck_fund_balances_within_granted"),
        ),
        sa.PrimaryKeyConstraint("fund_id", name=op.f("pk_fund_balances")),
    )
    op.create_table(
        "funds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("donor", sa.Text(), nullable=False),
        sa.Column("granted", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.CheckConstraint("granted > 0", name=op.f("ck_funds_granted_above_zero")),
        sa.CheckConstraint("valid_from <= valid_until", name=op.f("ck_funds_validity_in_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_funds")),
    )
    op.create_table(
        "grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("plan_line_id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("modality", sa.Text(), nullable=False),
        sa.Column("destination_country", sa.Text(), nullable=False),
        sa.Column("counsellor_id", sa.Text(), nullable=False),
        sa.Column("requester_id", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("tranches", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("request_version", sa.Integer(), nullable=False),
        sa.Column("endorser_id", sa.Text(), nullable=True),
        sa.Column("approver_id", sa.Text(), nullable=True),
        sa.Column("payer_id", sa.Text(), nullable=True),
        sa.Column("reconciler_id", sa.Text(), nullable=True),
        sa.Column("fund_id", sa.Uuid(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("committed", sa.Numeric(), nullable=False),
        sa.Column("paid", sa.Numeric(), nullable=False),
        sa.CheckConstraint(
            "(approver_id IS NOT NULL AND endorser_id IS NOT NULL) OR (committed = 0 AND paid = 0 AND status IN ('submitted', 'returned', 'endorsed', 'rejected', 'cancelled'))",
            name=op.f("ck_grants_money_needs_approval"),
        ),
        sa.CheckConstraint(
            "NOT jsonb_path_exists(tranches, '$[*] ? ((@.released_by != null && @.released_by == $others[*]) || (@.confirmed_by != null && @.confirmed_by == $others[*]) || (@.reconciled_by != null && @.reconciled_by == $others[*]))', jsonb_build_object('others', jsonb_build_array(requester_id, endorser_id, approver_id, counsellor_id))) AND NOT jsonb_path_exists(tranches, '$[*] ? (@.delivered_by != null && @.delivered_by == $others[*])', jsonb_build_object('others', jsonb_build_array(endorser_id, approver_id, counsellor_id)))",
            name=op.f("ck_grants_tranche_hats"),
        ),
        sa.CheckConstraint(
            "NOT jsonb_path_exists(tranches, '$[*].reconciled_by ? (@ != null && (@ == $[*].released_by || @ == $[*].confirmed_by || @ == $[*].delivered_by))') AND NOT jsonb_path_exists(tranches, '$[*].delivered_by ? (@ != null && (@ == $[*].released_by || @ == $[*].confirmed_by))')",
            name=op.f("ck_grants_hats_between_tranches"),
        ),
        sa.CheckConstraint(
            "committed = 0 OR status IN ('approved', 'in_disbursement')",
            name=op.f("ck_grants_committed_while_under_way"),
        ),
        sa.CheckConstraint("version > 1 OR status IN ('submitted')", name=op.f("ck_grants_beginning")),
        sa.CheckConstraint(
            "(approver_id IS NULL) = (fund_id IS NULL) AND (approver_id IS NULL) = (approved_at IS NULL)",
            name=op.f("ck_grants_approval_is_whole"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_grants_amount_above_zero")),
        sa.CheckConstraint(
            "committed >= 0 AND paid >= 0 AND committed + paid <= amount",
            name=op.f("ck_grants_paid_within_approved"),
        ),
        sa.CheckConstraint(
            "counsellor_id <> endorser_id AND counsellor_id <> approver_id AND counsellor_id <> payer_id AND counsellor_id <> reconciler_id",
            name=op.f("ck_grants_counsellor_only_asks"),
        ),
        sa.CheckConstraint(
            "requester_id <> endorser_id AND requester_id <> approver_id AND requester_id <> payer_id AND requester_id <> reconciler_id AND endorser_id <> approver_id AND endorser_id <> payer_id AND endorser_id <> reconciler_id AND approver_id <> payer_id AND approver_id <> reconciler_id AND payer_id <> reconciler_id",
            name=op.f("ck_grants_five_hats"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
    )
    op.create_index(op.f("ix_grants_approved_at"), "grants", ["approved_at"], unique=False)
    op.create_index(op.f("ix_grants_case_id_id"), "grants", ["case_id", "id"], unique=False)
    op.create_index(
        op.f("ix_grants_person_id_requested_at"), "grants", ["person_id", "requested_at"], unique=False
    )
    op.create_index(
        op.f("ix_grants_plan_id_plan_line_id"), "grants", ["plan_id", "plan_line_id"], unique=False
    )
    op.create_index(op.f("ix_grants_requested_at"), "grants", ["requested_at"], unique=False)
    op.create_index(op.f("ix_grants_status_id"), "grants", ["status", "id"], unique=False)
    op.create_table(
        "open_advances",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("tranche", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_open_advances")),
    )
    op.create_table(
        "payment_references",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("tranche", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_payment_references")),
    )
    op.create_table(
        "person_caps",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person_caps")),
    )
    op.create_table(
        "plans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("destination_country", sa.Text(), nullable=False),
        sa.Column("person_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("agreed_on", sa.Date(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_agreed_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "(status = 'agreed') = (agreed_on IS NOT NULL)", name=op.f("ck_plans_agreed_has_a_day")
        ),
        sa.CheckConstraint(
            "version > 1 OR status IN ('agreed', 'own_plan')", name=op.f("ck_plans_beginning")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plans")),
    )
    op.create_index(op.f("ix_plans_case_id_id"), "plans", ["case_id", "id"], unique=False)
    op.create_index(op.f("ix_plans_first_agreed_on"), "plans", ["first_agreed_on"], unique=False)
    op.create_index(op.f("ix_plans_recorded_at"), "plans", ["recorded_at"], unique=False)
    op.create_index(op.f("ix_plans_status_id"), "plans", ["status", "id"], unique=False)
    op.create_table(
        "taken_plan_lines",
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("plan_line_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("plan_id", "plan_line_id", name=op.f("pk_taken_plan_lines")),
    )
    rows_of("reintegration", TABLES)
    deletable("reintegration", "open_advances")
    deletable("reintegration", "taken_plan_lines")
    follow_transitions(
        "cases",
        {
            "noted": (
                "arrived",
                "ended",
                "sealed",
            ),
            "arrived": ("sealed",),
            "ended": ("sealed",),
            "sealed": (),
        },
    )
    follow_transitions("plans", {"own_plan": ("agreed",), "agreed": ("agreed",)})
    follow_transitions(
        "grants",
        {
            "submitted": (
                "cancelled",
                "endorsed",
                "rejected",
                "returned",
            ),
            "returned": (
                "cancelled",
                "submitted",
            ),
            "endorsed": (
                "approved",
                "cancelled",
                "rejected",
            ),
            "approved": (
                "cancelled",
                "in_disbursement",
            ),
            "in_disbursement": (
                "cancelled",
                "disbursed",
            ),
            "disbursed": ("completed",),
            "completed": (),
            "rejected": (),
            "cancelled": (),
        },
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    drop_kernel()
