"""The first tables of counselling."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.kernel_1 import create_kernel, deletable, drop_kernel, follow_transitions, rows_of

revision = "counselling_1"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "active_attempts",
    "families",
    "family_members",
    "group_sessions",
    "intentions",
    "outreach",
    "persons",
    "sessions",
)


def upgrade() -> None:
    create_kernel("counselling")
    op.create_table(
        "active_attempts",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("intention_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_active_attempts")),
    )
    op.create_table(
        "families",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("members", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_families")),
    )
    op.create_table(
        "family_members",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_family_members")),
    )
    op.create_index(op.f("ix_family_members_family_id"), "family_members", ["family_id"], unique=False)
    op.create_table(
        "group_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("participants", sa.Integer(), nullable=False),
        sa.Column("female", sa.Integer(), nullable=False),
        sa.Column("male", sa.Integer(), nullable=False),
        sa.Column("children", sa.Integer(), nullable=False),
        sa.Column("topics", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint(
            "female + male <= participants AND children <= participants",
            name=op.f("ck_group_sessions_counts_add_up"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_sessions")),
    )
    op.create_index(op.f("ix_group_sessions_held_at"), "group_sessions", ["held_at"], unique=False)
    op.create_table(
        "intentions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("destination_country", sa.Text(), nullable=False),
        sa.Column("counsellor_id", sa.Text(), nullable=False),
        sa.Column("expressed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("persons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("active_person_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intentions")),
    )
    op.create_index(op.f("ix_intentions_expressed_at"), "intentions", ["expressed_at"], unique=False)
    op.create_index(op.f("ix_intentions_session_id"), "intentions", ["session_id"], unique=False)
    op.create_table(
        "outreach",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("contacts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outreach")),
    )
    op.create_index(op.f("ix_outreach_held_at"), "outreach", ["held_at"], unique=False)
    op.create_table(
        "persons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sex", sa.Text(), nullable=False),
        sa.Column("country_of_origin", sa.Text(), nullable=False),
        sa.Column("birth_year", sa.Integer(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("data_consent", sa.Boolean(), nullable=False),
        sa.Column("data_consent_version", sa.Text(), nullable=True),
        sa.Column("data_decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("transfer_consent", sa.Boolean(), nullable=False),
        sa.Column("transfer_consent_version", sa.Text(), nullable=True),
        sa.Column("transfer_country", sa.Text(), nullable=True),
        sa.Column("transfer_decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "data_consent OR NOT transfer_consent", name=op.f("ck_persons_transfer_needs_data")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("session_type", sa.Text(), nullable=False),
        sa.Column("modality", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("person_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("counsellor_id", sa.Text(), nullable=False),
        sa.Column("scheduled_for", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("interpreter", sa.Text(), nullable=True),
        sa.Column("topics", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("receiving_country", sa.Text(), nullable=True),
        sa.Column("not_held_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(status = 'held') = (held_at IS NOT NULL)", name=op.f("ck_sessions_held_has_time")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_counsellor_id_id"), "sessions", ["counsellor_id", "id"], unique=False)
    op.create_index(op.f("ix_sessions_held_at"), "sessions", ["held_at"], unique=False)
    rows_of("counselling", TABLES)
    deletable("counselling", "active_attempts")
    follow_transitions(
        "sessions",
        {
            "scheduled": (
                "held",
                "not_held",
            ),
            "held": (),
            "not_held": (),
        },
    )
    follow_transitions("intentions", {"active": ("ended",), "ended": ()})


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    drop_kernel()
