"""Who says that money was given back wears no other hat on the grant, and finds it among their own decisions."""

from alembic import op

revision = "reintegration_108"
down_revision = "reintegration_107"
branch_labels = None
depends_on = None

_OTHER_HATS = (
    "jsonb_build_object('others', "
    "jsonb_build_array(requester_id, endorser_id, approver_id, counsellor_id, payer_id, certificate -> 'attested_by') "
    "|| to_jsonb(former_endorsers) || to_jsonb(former_approvers) || jsonb_path_query_array(approvals, '$[*].approver_id') "
    "|| jsonb_path_query_array(additions, '$[*].adder_id') || jsonb_path_query_array(tranches, '$[*].released_by') "
    "|| jsonb_path_query_array(tranches, '$[*].confirmed_by') || jsonb_path_query_array(tranches, '$[*].delivered_by') "
    "|| jsonb_path_query_array(former_attempts, '$[*].released_by') || jsonb_path_query_array(former_attempts, '$[*].confirmed_by') "
    "|| jsonb_path_query_array(former_attempts, '$[*] ? (@.ended_as == \"payer\").ended_by'))"
)
_CHECK = "ck_grants_who_proposed_recovery"
_KINDS = (
    ("recovery_proposed", "recovery_proposed", "proposed_by", "proposed_at"),
    ("recovery_proposal_dropped", "recovery_dropped", "dropped_by", "dropped_at"),
)
_TYPES = ", ".join(f"('avrr.reintegration.grant.{event}.v1', '{what}', '{by}', '{at}')" for event, what, by, at in _KINDS)


def upgrade() -> None:
    op.create_check_constraint(
        op.f(_CHECK), "grants",
        "NOT jsonb_path_exists(recoveries || jsonb_build_array(recovery_proposed), "
        f"'$[*].proposed_by ? (@ != null && @ == $others[*])', {_OTHER_HATS})",
    )  # fmt: skip
    # Of what is asked back the request is asked no more, so that the grant's is the version.
    op.execute(
        "INSERT INTO grant_decisions SELECT e.subject, g.request_version, k.what, 0, s.decided_by, s.decided_at, own.amount, "
        f"own.currency, g.destination_country FROM (VALUES {_TYPES}) k(type, what, by, at) JOIN event_log e ON e.type = k.type "
        "JOIN grants g ON g.id = e.subject CROSS JOIN LATERAL leaf_decision(e.leaf, k.by, k.at) s "
        "CROSS JOIN LATERAL leaf_asked(e.leaf, 0) own ON CONFLICT DO NOTHING"
    )


def downgrade() -> None:
    op.execute(f"DELETE FROM grant_decisions WHERE what IN ({', '.join(repr(what) for _, what, _, _ in _KINDS)})")
    op.drop_constraint(op.f(_CHECK), "grants")
