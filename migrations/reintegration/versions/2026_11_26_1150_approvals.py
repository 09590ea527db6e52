"""Approvals in levels, each by an authority: keys hold who endorses and approves which version, and what that commits."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN, in_countries

revision = "reintegration_31"
down_revision = "reintegration_30"
branch_labels = None
depends_on = None

_TERMS = ("authority_id", "terms_no", "holder_id", "acting_id", "role", "currency", "up_to", "valid_from", "valid_until")
_THRESHOLDS = ("programme", "policy_version", "currency", "one_approver_up_to", "two_approvers_up_to")
_WITHIN = in_countries("destination_country")
_TABLES = {
    "grant_endorsements": (_WITHIN, "SELECT, INSERT"), "grant_approvals": (_WITHIN, "SELECT, INSERT"),
    "grant_commitments": (_WITHIN, "SELECT, INSERT"), "approvals_before": (SCOPE_IS_KNOWN, "SELECT"),
}  # fmt: skip
_HATS = (
    "NOT jsonb_path_exists(approvals, '$[*].approver_id ? (@ == $others[*])', jsonb_build_object('others', "
    "jsonb_build_array(requester_id, endorser_id, counsellor_id, payer_id, reconciler_id))) "
    "AND NOT jsonb_path_exists(tranches, '$[*] ? (@.released_by == $approvers[*] || @.confirmed_by == $approvers[*] || "
    "@.delivered_by == $approvers[*] || @.reconciled_by == $approvers[*])', jsonb_build_object('approvers', "
    "jsonb_path_query_array(approvals, '$[*].approver_id')))"
)


def upgrade() -> None:
    op.create_unique_constraint(op.f("uq_authority_terms_as_used"), "authority_terms", _TERMS)
    op.create_unique_constraint(op.f("uq_policy_versions_thresholds"), "policy_versions", _THRESHOLDS)
    run_sql("approvals_1.sql")
    for table, (rows, rights) in _TABLES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        for role, action, seen in (
            ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "SELECT", EVERY_ROW), ("api", "ALL", rows),
        ):  # fmt: skip
            check = "" if action == "SELECT" else f" WITH CHECK ({seen})"
            op.execute(
                f"CREATE POLICY reintegration_{role} ON {table} FOR {action} TO reintegration_{role} USING ({seen}){check}"
            )
        op.execute(f"GRANT SELECT ON {table} TO reintegration_verify")
        op.execute(f"GRANT {rights} ON {table} TO reintegration_api")
    _columns_of_grants()
    # Who decides holds the row that says an authority is open; holding needs a right to change, and this column is its key.
    op.execute("GRANT UPDATE (authority_id) ON open_authorities TO reintegration_api")


def _columns_of_grants() -> None:
    op.add_column("grants", sa.Column("approvals", pg.JSONB(), nullable=True))
    op.add_column("grants", sa.Column("approved_version", sa.Integer(), nullable=True))
    op.add_column("grants", sa.Column("approved_before", sa.Integer(), nullable=True))
    op.execute(
        "UPDATE grants SET approvals = '[]', approved_before = CASE WHEN approver_id IS NOT NULL THEN request_version END"
    )
    op.execute("INSERT INTO approvals_before SELECT id, approved_before FROM grants WHERE approved_before IS NOT NULL")
    op.execute(
        "INSERT INTO grant_endorsements SELECT id, request_version, destination_country, requester_id, counsellor_id, amount, "
        "currency, content_hash, endorser_id, endorsed_at FROM grants WHERE endorser_id IS NOT NULL"
    )
    op.alter_column("grants", "approvals", nullable=False)
    op.create_foreign_key(
        op.f("fk_grants_as_approved"), "grants", "grant_commitments", ["id", "approved_version", "amount", "fund_id"],
        ["grant_id", "request_version", "amount", "fund_id"],
    )  # fmt: skip
    op.create_foreign_key(
        op.f("fk_grants_approved_before"), "grants", "approvals_before", ["id", "approved_before"],
        ["grant_id", "request_version"],
    )  # fmt: skip
    op.create_check_constraint(
        op.f("ck_grants_version_is_approved"),
        "grants",
        "(approver_id IS NULL) = (approved_version IS NULL AND approved_before IS NULL) "
        "AND coalesce(approved_version, approved_before, request_version) = request_version",
    )
    op.create_check_constraint(op.f("ck_grants_who_approved"), "grants", _HATS)


def downgrade() -> None:
    op.execute("REVOKE UPDATE (authority_id) ON open_authorities FROM reintegration_api")
    for name in ("fk_grants_as_approved", "fk_grants_approved_before", "ck_grants_version_is_approved", "ck_grants_who_approved"):
        op.drop_constraint(op.f(name), "grants")
    for name in ("approvals", "approved_version", "approved_before"):
        op.drop_column("grants", name)
    for table in ("grant_commitments", "grant_approvals", "grant_endorsements", "approvals_before"):
        op.drop_table(table)
    op.drop_constraint(op.f("uq_policy_versions_thresholds"), "policy_versions")
    op.drop_constraint(op.f("uq_authority_terms_as_used"), "authority_terms")
