"""Visits and seen handovers of cash stand in the grant, and a policy says what the next tranche waits for."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "reintegration_45"
down_revision = "reintegration_53"
branch_labels = None
depends_on = None

_PAYS_NOTHING = (
    "NOT jsonb_path_exists(jsonb_path_query_array(visits, '$[*].recorded_by') "
    "|| jsonb_path_query_array(tranches, '$[*].witness.witnessed_by') "
    "|| jsonb_path_query_array(former_attempts, '$[*].witness.witnessed_by'), '$[*] ? (@ == $payers[*])', "
    "jsonb_build_object('payers', jsonb_build_array(payer_id) || jsonb_path_query_array(tranches, '$[*].released_by') "
    "|| jsonb_path_query_array(tranches, '$[*].confirmed_by') || jsonb_path_query_array(former_attempts, '$[*].released_by') "
    "|| jsonb_path_query_array(former_attempts, '$[*].confirmed_by')))"
)
_POLICIES = ("funding_policies", "policy_versions")


def upgrade() -> None:
    op.add_column("grants", sa.Column("visits", pg.JSONB(), nullable=True))
    op.execute("UPDATE grants SET visits = '[]'")
    op.alter_column("grants", "visits", nullable=False)
    op.create_check_constraint(op.f("ck_grants_who_looked_pays_nothing"), "grants", _PAYS_NOTHING)
    for table in _POLICIES:
        # What was published before asked for nothing.
        op.add_column(table, sa.Column("next_tranche_needs", pg.ARRAY(sa.Text()), server_default="{}", nullable=False))


def downgrade() -> None:
    for table in _POLICIES:
        op.drop_column(table, "next_tranche_needs")
    op.drop_constraint(op.f("ck_grants_who_looked_pays_nothing"), "grants")
    op.drop_column("grants", "visits")
