"""The first tables of returns."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.kernel_1 import create_kernel, deletable, drop_kernel, follow_transitions, rows_of

revision = "returns_1"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "cases",
    "persons",
    "travels",
)


def upgrade() -> None:
    create_kernel("returns")
    op.create_table(
        "cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("case_ref", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("destination_country", sa.Text(), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("counsellor_id", sa.Text(), nullable=False),
        sa.Column("persons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("expressed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_contact_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("contact_tried_at", postgresql.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("submitted_by", sa.Text(), nullable=True),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("programme", sa.Text(), nullable=True),
        sa.Column("receiving_country", sa.Text(), nullable=True),
        sa.Column("departs_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrives_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("booked_person_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("times_missed", sa.Integer(), nullable=False),
        sa.Column("departed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agreed_plan_id", sa.Uuid(), nullable=True),
        sa.Column("grants", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status_before_closing", sa.Text(), nullable=True),
        sa.Column("closure_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "case_ref ~ '^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{3}$'",
            name=op.f("ck_cases_case_ref_form"),
        ),
        sa.CheckConstraint(
            "departs_at IS NOT NULL OR booked_person_ids = '{}'",
            name=op.f("ck_cases_no_seat_without_booking"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('applied') OR (submitted_by IS NOT NULL) IS TRUE",
            name=op.f("ck_cases_applied_by_somebody"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('approved', 'preparing', 'ready_to_travel', 'cleared_to_board') OR (approved_by IS NOT NULL) IS TRUE",
            name=op.f("ck_cases_approved_by_somebody"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('arrived', 'reintegrating', 'grant_approved', 'grant_disbursed', 'monitoring', 'closing', 'closed') OR (arrived_at >= departed_at) IS TRUE",
            name=op.f("ck_cases_arrived_after_departure"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('closing', 'closed') OR (closure_reason IS NOT NULL) IS TRUE",
            name=op.f("ck_cases_closed_for_a_reason"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('departed') OR (departed_at IS NOT NULL) IS TRUE",
            name=op.f("ck_cases_departed_has_time"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('preparing', 'ready_to_travel', 'cleared_to_board') OR (programme IS NOT NULL AND receiving_country = destination_country) IS TRUE",
            name=op.f("ck_cases_office_settled"),
        ),
        sa.CheckConstraint("version > 1 OR status IN ('intention')", name=op.f("ck_cases_beginning")),
        sa.CheckConstraint(
            "(departs_at IS NULL) = (arrives_at IS NULL) AND departs_at < arrives_at",
            name=op.f("ck_cases_booking_in_order"),
        ),
        sa.CheckConstraint(
            "approved_by IS NULL OR (approved_by <> counsellor_id AND approved_by <> submitted_by) IS TRUE",
            name=op.f("ck_cases_four_eyes"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('cleared_to_board') OR (cleared_at IS NOT NULL AND NOT jsonb_path_exists(persons, '$[*] ? (@.travel == \"expected\" && @.age_group == \"adult\" && !(@.confirmed_at != null))')) IS TRUE",
            name=op.f("ck_cases_cleared_on_confirmation"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('ready_to_travel', 'cleared_to_board') OR (NOT jsonb_path_exists(persons, '$[*] ? (@.travel == \"expected\" && @.age_group != \"adult\")') OR jsonb_path_exists(persons, '$[*] ? (@.travel == \"expected\" && @.age_group == \"adult\")')) IS TRUE",
            name=op.f("ck_cases_child_with_guardian"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('ready_to_travel', 'cleared_to_board') OR (departs_at IS NOT NULL AND jsonb_path_query_array(persons, '$[*] ? (@.travel == \"expected\").person_id') @> to_jsonb(booked_person_ids) AND jsonb_path_query_array(persons, '$[*] ? (@.travel == \"expected\").person_id') <@ to_jsonb(booked_person_ids)) IS TRUE",
            name=op.f("ck_cases_exactly_they_are_booked"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('ready_to_travel', 'cleared_to_board') OR (jsonb_path_exists(persons, '$[*] ? (@.travel == \"expected\")') AND NOT jsonb_path_exists(persons, '$[*] ? (@.travel == \"expected\" && !(@.screened_at != null && @.declared_by != null && @.own_plan_id != null && @.document != null))')) IS TRUE",
            name=op.f("ck_cases_everybody_prepared"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("case_ref", name=op.f("uq_cases_case_ref")),
    )
    op.create_index(
        op.f("ix_cases_destination_country_id"), "cases", ["destination_country", "id"], unique=False
    )
    op.create_index(
        op.f("ix_cases_destination_country_status_id"),
        "cases",
        ["destination_country", "status", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_cases_status_id"), "cases", ["status", "id"], unique=False)
    op.create_index(
        "ix_event_log_reported",
        "event_log",
        ["type", "idx"],
        unique=False,
        postgresql_where=sa.text(
            "type IN ('avrr.returns.case.opened.v1', 'avrr.returns.case.application_submitted.v1', 'avrr.returns.case.approved.v1', 'avrr.returns.case.declared_ineligible.v1', 'avrr.returns.case.person_withdrew.v1', 'avrr.returns.case.withdrawn.v1', 'avrr.returns.case.lapsed.v1', 'avrr.returns.case.flight_missed.v1', 'avrr.returns.case.not_departed.v1', 'avrr.returns.case.closed.v1')"
        ),
    )
    op.create_table(
        "persons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("counselled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("data_consent", sa.Boolean(), nullable=False),
        sa.Column("transfer_consent", sa.Boolean(), nullable=False),
        sa.Column("transfer_country", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "transfer_consent OR transfer_country IS NULL",
            name=op.f("ck_persons_no_transfer_without_consent"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
    )
    op.create_table(
        "travels",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("destination_country", sa.Text(), nullable=False),
        sa.Column("sex", sa.Text(), nullable=False),
        sa.Column("age_group", sa.Text(), nullable=False),
        sa.Column("departed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("own_plan", sa.Boolean(), nullable=False),
        sa.CheckConstraint("arrived_at >= departed_at", name=op.f("ck_travels_arrived_after_departure")),
        sa.PrimaryKeyConstraint("case_id", "person_id", name=op.f("pk_travels")),
    )
    op.create_index(op.f("ix_travels_departed_at"), "travels", ["departed_at"], unique=False)
    rows_of("returns", TABLES)
    deletable("returns", "travels")
    follow_transitions(
        "cases",
        {
            "intention": (
                "arrived",
                "departed",
                "grant_approved",
                "grant_disbursed",
                "lapsed",
                "monitoring",
                "reintegrating",
                "screening",
                "withdrawn",
            ),
            "screening": (
                "applied",
                "arrived",
                "departed",
                "grant_approved",
                "grant_disbursed",
                "ineligible",
                "lapsed",
                "monitoring",
                "reintegrating",
                "withdrawn",
            ),
            "applied": (
                "approved",
                "arrived",
                "departed",
                "grant_approved",
                "grant_disbursed",
                "ineligible",
                "lapsed",
                "monitoring",
                "reintegrating",
                "withdrawn",
            ),
            "approved": (
                "arrived",
                "departed",
                "grant_approved",
                "grant_disbursed",
                "lapsed",
                "monitoring",
                "preparing",
                "reintegrating",
                "withdrawn",
            ),
            "preparing": (
                "arrived",
                "departed",
                "grant_approved",
                "grant_disbursed",
                "lapsed",
                "monitoring",
                "ready_to_travel",
                "reintegrating",
                "withdrawn",
            ),
            "ready_to_travel": (
                "arrived",
                "cleared_to_board",
                "departed",
                "grant_approved",
                "grant_disbursed",
                "monitoring",
                "preparing",
                "reintegrating",
                "withdrawn",
            ),
            "cleared_to_board": (
                "arrived",
                "departed",
                "grant_approved",
                "grant_disbursed",
                "monitoring",
                "preparing",
                "reintegrating",
                "withdrawn",
            ),
            "departed": (
                "arrived",
                "grant_approved",
                "grant_disbursed",
                "monitoring",
                "not_departed",
                "reintegrating",
            ),
            "arrived": (
                "closing",
                "grant_approved",
                "grant_disbursed",
                "monitoring",
                "reintegrating",
            ),
            "reintegrating": (
                "closing",
                "grant_approved",
                "grant_disbursed",
                "monitoring",
            ),
            "grant_approved": (
                "grant_disbursed",
                "monitoring",
                "reintegrating",
            ),
            "grant_disbursed": (
                "closing",
                "grant_approved",
                "monitoring",
                "reintegrating",
            ),
            "monitoring": (
                "closing",
                "grant_approved",
                "grant_disbursed",
                "reintegrating",
            ),
            "closing": (
                "arrived",
                "closed",
                "grant_approved",
                "grant_disbursed",
                "monitoring",
                "reintegrating",
            ),
            "closed": (),
            "withdrawn": (),
            "ineligible": (),
            "not_departed": (),
            "lapsed": (),
        },
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    drop_kernel()
