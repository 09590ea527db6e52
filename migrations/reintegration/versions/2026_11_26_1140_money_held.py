"""Closed months, versions and hats are held also where a value is missing or was worn before; frees are posted on their day."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import run_sql
from shared.settings import MISSION

revision = "reintegration_29"
down_revision = "reintegration_28"
branch_labels = None
depends_on = None

_SUBMITTED = (
    "{} OR (submitted_version IS NULL AND request_version = 1 AND status IN ('draft', 'cancelled'))"
)
_FORMER = (
    "NOT (former_endorsers && ARRAY[requester_id, approver_id, payer_id, reconciler_id, counsellor_id]) "
    "AND NOT jsonb_path_exists(tranches, '$[*] ? (@.released_by == $former[*] || @.confirmed_by == $former[*] || "
    "@.reconciled_by == $former[*] || @.delivered_by == $former[*])', "
    "jsonb_build_object('former', to_jsonb(former_endorsers)))"
)
# Whose endorsement a later version voided.
_ENDORSED_BEFORE = (
    "UPDATE grants g SET former_endorsers = f.people FROM (SELECT e.subject, "
    "array_agg(DISTINCT s.decided_by) AS people FROM event_log e "
    "CROSS JOIN LATERAL leaf_decision(e.leaf, 'endorsed_by', 'endorsed_at') s "
    "WHERE e.type = 'avrr.reintegration.grant.endorsed.v1' AND s.decided_by IS NOT NULL AND EXISTS (SELECT FROM event_log r "
    "WHERE r.subject = e.subject AND r.aggver > e.aggver AND r.type IN ('avrr.reintegration.grant.revised.v1', "
    "'avrr.reintegration.grant.resubmitted.v1')) GROUP BY e.subject) f WHERE f.subject = g.id"
)
# What a cancellation freed before there were postings was posted on the day of the grant's last step, which a delivery or a
# reconciliation may have moved; on which day it was cancelled the decisions say.
FREED_ON_ITS_DAY = (
    "UPDATE fund_postings p SET occurred_on = d.day, month = date_trunc('month', cast(d.day AS timestamp)) "
    "FROM (SELECT grant_id, cast(decided_at AT TIME ZONE :zone AS date) AS day FROM grant_decisions WHERE what = 'cancelled') d "
    "WHERE d.grant_id = p.grant_id AND p.kind = 'release' AND p.occurred_on <> d.day "
    "AND p.posting_no = (SELECT max(n.posting_no) FROM fund_postings n WHERE n.grant_id = p.grant_id)"
)


def upgrade() -> None:
    run_sql("leaf_asked_1.sql")
    op.execute("GRANT EXECUTE ON FUNCTION leaf_asked(bytea, integer) TO reintegration_verify")
    _held_to("submitted_but_for_drafts", _SUBMITTED.format("submitted_version IS NOT DISTINCT FROM request_version"))
    op.add_column("grants", sa.Column("former_endorsers", pg.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.execute(_ENDORSED_BEFORE)
    op.create_check_constraint(op.f("ck_grants_former_endorsers_take_no_part"), "grants", _FORMER)
    op.execute(sa.text(FREED_ON_ITS_DAY).bindparams(zone=MISSION.mission_time_zone))
    run_sql("open_months_2.sql")
    op.execute("REVOKE ALL ON FUNCTION reopen_after_two_persons() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER after_two_persons AFTER DELETE ON closed_months FOR EACH ROW EXECUTE FUNCTION reopen_after_two_persons()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER after_two_persons ON closed_months")
    op.execute("DROP FUNCTION reopen_after_two_persons()")
    op.drop_constraint(op.f("ck_grants_former_endorsers_take_no_part"), "grants")
    op.drop_column("grants", "former_endorsers")
    _held_to("submitted_but_for_drafts", _SUBMITTED.format("submitted_version = request_version"))
    op.execute("DROP FUNCTION leaf_asked(bytea, integer)")


def _held_to(name: str, rule: str) -> None:
    op.drop_constraint(op.f(f"ck_grants_{name}"), "grants")
    op.create_check_constraint(op.f(f"ck_grants_{name}"), "grants", rule)
