"""Who says that money was given back is held to the hats by what their row comes to say; what an upgrade found otherwise stays as it was."""

import sqlalchemy as sa
from alembic import op

from migrations.before import SET_ASIDE
from migrations.kernel_1 import run_sql
from migrations.kernel_10 import refuse_to_lose

revision = "reintegration_114"
down_revision = "reintegration_102"
branch_labels = None
depends_on = None

_CHECK = "ck_grants_who_proposed_recovery"
_OTHER_HATS = (
    "jsonb_build_object('others', "
    "jsonb_build_array(requester_id, endorser_id, approver_id, counsellor_id, payer_id, certificate -> 'attested_by') "
    "|| to_jsonb(former_endorsers) || to_jsonb(former_approvers) || jsonb_path_query_array(approvals, '$[*].approver_id') "
    "|| jsonb_path_query_array(additions, '$[*].adder_id') || jsonb_path_query_array(tranches, '$[*].released_by') "
    "|| jsonb_path_query_array(tranches, '$[*].confirmed_by') || jsonb_path_query_array(tranches, '$[*].delivered_by') "
    "|| jsonb_path_query_array(former_attempts, '$[*].released_by') || jsonb_path_query_array(former_attempts, '$[*].confirmed_by') "
    "|| jsonb_path_query_array(former_attempts, '$[*] ? (@.ended_as == \"payer\").ended_by'))"
)
_WHO_PROPOSED = (
    "NOT jsonb_path_exists(recoveries || jsonb_build_array(recovery_proposed), "
    f"'$[*].proposed_by ? (@ != null && @ == $others[*])', {_OTHER_HATS})"
)
# The revisions below this one drop what says these things, and some of them ran before anybody thought of taking them back.
_LOST = (
    (f"grants WHERE NOT ({_WHO_PROPOSED})", "there are grants of which somebody with another part on them said that money was given back"),
    ("payees WHERE clearers <> '{}'", "there are payees of whom two persons cleared what a list of sanctions says, which would be lost"),
    ("payment_attempts WHERE reason = 'not_answered'", "there are payments that two persons ended since the bank never answered, which would be lost"),
    ("bank_lines WHERE names_several", "there are lines of the bank that name several payments, which would be lost"),
)  # fmt: skip


def upgrade() -> None:
    op.drop_constraint(op.f(_CHECK), "grants")
    _put_back()
    run_sql("who_proposed_1.sql")
    for function, roles in (
        ("hold_who_proposed()", ()), ("takes_another_part(grants, text)", ("api", "worker", "eraser")),
    ):  # fmt: skip
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        for role in roles:
            op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO reintegration_{role}")
    op.execute(
        "CREATE TRIGGER holds_who_proposed BEFORE INSERT OR UPDATE ON grants FOR EACH ROW "
        "WHEN (NEW.recovery_proposed IS NOT NULL OR NEW.recoveries <> '[]') EXECUTE FUNCTION hold_who_proposed()"
    )


def downgrade() -> None:
    for rows, sentence in _LOST:
        refuse_to_lose(rows, sentence)
    op.execute("DROP TRIGGER holds_who_proposed ON grants")
    op.execute("DROP FUNCTION hold_who_proposed()")
    op.execute("DROP FUNCTION takes_another_part(grants, text)")
    op.create_check_constraint(op.f(_CHECK), "grants", _WHO_PROPOSED)


def _put_back() -> None:
    """What the upgrade set aside stands in its rows again, by nobody's act, as it was said."""
    if not op.get_bind().scalar(sa.text("SELECT to_regclass(:name) IS NOT NULL"), {"name": SET_ASIDE}):
        return
    op.execute("ALTER TABLE grants DISABLE TRIGGER USER")
    op.execute(
        f"UPDATE grants g SET recovery_proposed = a.recovery_proposed, recoveries = a.recoveries FROM {SET_ASIDE} a WHERE a.grant_id = g.id"
    )
    op.execute("ALTER TABLE grants ENABLE TRIGGER USER")
    op.drop_table(SET_ASIDE)
