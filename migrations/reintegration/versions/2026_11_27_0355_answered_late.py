"""What two persons had ended as never answered is paid by a debit that came late, while nothing else pays its tranche."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import run_sql

revision = "reintegration_113"
down_revision = "reintegration_116"
branch_labels = None
depends_on = None

_ATTEMPTS = "payment_attempts"
_COLUMNS = ("ended_early_by", "ended_early_asked_by", "ended_early_at")
_WHO_ENDED_EARLY = (
    "NOT jsonb_path_exists(jsonb_path_query_array(tranches, '$[*].ended_early') || jsonb_path_query_array(former_attempts, '$[*].ended_early'), "
    "'$[*] ? (@ != null && (@.ended_by == $others[*] || @.asked_by == $others[*]))', jsonb_build_object('others', "
    "jsonb_build_array(requester_id, endorser_id, approver_id, counsellor_id, payer_id) || jsonb_path_query_array(tranches, '$[*].released_by') "
    "|| jsonb_path_query_array(tranches, '$[*].delivered_by') || jsonb_path_query_array(former_attempts, '$[*].released_by')))"
)

# Everybody who ever said something of a line, as the log has it: each fact says who stated it, beside who had asked.
_SPOKEN = (
    "UPDATE bank_line_acts a SET spoken = ARRAY(SELECT DISTINCT coalesce(d.said ->> 'matched_by', d.said ->> 'kept_by', d.said ->> 'undone_by', "
    "d.said ->> 'dropped_by', d.said ->> 'explained_by', d.said ->> 'confirmed_by', d.said ->> 'asked_by') COLLATE \"C\" FROM event_log e "
    "CROSS JOIN LATERAL (SELECT cast(convert_from(e.leaf, 'UTF8') AS jsonb) -> 'data' AS said) d "
    "WHERE e.subject = a.id AND e.type LIKE 'avrr.reintegration.bank\\_line.%' ORDER BY 1)"
)


def upgrade() -> None:
    for name in _COLUMNS:
        op.add_column(_ATTEMPTS, sa.Column(name, sa.DateTime(timezone=True) if name.endswith("_at") else sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f(f"ck_{_ATTEMPTS}_ended_early"), _ATTEMPTS,
        "num_nulls(ended_early_by, ended_early_asked_by, ended_early_at) IN (0, 3) AND (ended_early_by IS NULL OR paid_line IS NOT NULL)",
    )  # fmt: skip
    op.create_check_constraint(op.f("ck_grants_who_ended_early"), "grants", _WHO_ENDED_EARLY)
    op.create_index(
        "ix_payment_attempts_paid_amounts", _ATTEMPTS, ["amount", "currency"], postgresql_where=sa.text("status = 'paid' AND method = 'bank_file'")
    )
    op.add_column("bank_line_acts", sa.Column("spoken", pg.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.execute(_SPOKEN)
    run_sql("attempts_answered_late_1.sql")


def downgrade() -> None:
    # Who had ended what the bank booked after all nothing else tells.
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM payment_attempts WHERE ended_early_by IS NOT NULL) THEN "
        "RAISE EXCEPTION 'the bank booked payments that two persons had ended'; END IF; END $$"
    )
    run_sql("attempts_booked_1.sql")
    op.drop_column("bank_line_acts", "spoken")
    op.drop_index("ix_payment_attempts_paid_amounts", _ATTEMPTS)
    op.drop_constraint(op.f("ck_grants_who_ended_early"), "grants")
    op.drop_constraint(op.f(f"ck_{_ATTEMPTS}_ended_early"), _ATTEMPTS)
    for name in reversed(_COLUMNS):
        op.drop_column(_ATTEMPTS, name)
