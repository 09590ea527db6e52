"""Whoever certified what a grant of health needs takes no other part on it."""

from alembic import op

revision = "reintegration_26"
down_revision = "reintegration_25"
branch_labels = None
depends_on = None

_NAME = "ck_grants_certifier_takes_no_part"


def upgrade() -> None:
    op.create_check_constraint(
        op.f(_NAME),
        "grants",
        "certificate IS NULL OR (NOT certificate ->> 'attested_by' = ANY (ARRAY[requester_id, endorser_id, approver_id, "
        "payer_id, reconciler_id, counsellor_id]) AND NOT jsonb_path_exists(tranches, '$[*] ? (@.released_by == $who || "
        "@.confirmed_by == $who || @.reconciled_by == $who || @.delivered_by == $who)', "
        "jsonb_build_object('who', certificate -> 'attested_by')))",
    )


def downgrade() -> None:
    op.drop_constraint(op.f(_NAME), "grants", type_="check")
