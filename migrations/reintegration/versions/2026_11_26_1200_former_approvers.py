"""Whose approval a new version voided has worn a hat all the same."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "reintegration_32"
down_revision = "reintegration_31"
branch_labels = None
depends_on = None

_NO_PART = (
    "NOT (former_approvers && ARRAY[requester_id, endorser_id, payer_id, reconciler_id, counsellor_id]) "
    "AND NOT jsonb_path_exists(tranches, '$[*] ? (@.released_by == $former[*] || @.confirmed_by == $former[*] || "
    "@.reconciled_by == $former[*] || @.delivered_by == $former[*])', "
    "jsonb_build_object('former', to_jsonb(former_approvers)))"
)


def upgrade() -> None:
    op.add_column("grants", sa.Column("former_approvers", pg.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.create_check_constraint(op.f("ck_grants_former_approvers_take_no_part"), "grants", _NO_PART)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_grants_former_approvers_take_no_part"), "grants")
    op.drop_column("grants", "former_approvers")
