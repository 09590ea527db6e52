"""A grant that was suspended stays so while everything is paid, so that nothing of it is payable by itself when money comes back."""

from typing import Final

from alembic import op

revision = "reintegration_128"
down_revision = "reintegration_123"
branch_labels = None
depends_on = None

_CHECK: Final = "ck_grants_suspended_for_a_reason"
_BEFORE: Final = "(status = 'suspended') = (suspended_at IS NOT NULL) AND (status = 'suspended') = (suspended_for IS NOT NULL)"
_NOW: Final = (
    "(suspended_at IS NULL) = (suspended_for IS NULL) AND (status <> 'suspended' OR suspended_at IS NOT NULL) "
    "AND (suspended_at IS NULL OR status IN ('suspended', 'disbursed'))"
)
_KIND: Final = "avrr.reintegration.grant."
_ENDS: Final = ", ".join(f"'{_KIND}{name}.v1'" for name in ("suspended", "resumed", "tranche_released", "completed", "cancelled"))
# Nobody let these go on: of what the log says of it the last is that they were suspended.
_SUSPENDED_STILL: Final = (
    "UPDATE grants g SET status = CASE g.status WHEN 'in_disbursement' THEN 'suspended' ELSE g.status END, "
    "suspended_at = cast(last.said ->> 'suspended_at' AS timestamptz), suspended_for = last.said ->> 'reason' "
    "FROM (SELECT DISTINCT ON (e.subject) e.subject, e.type, cast(convert_from(e.leaf, 'UTF8') AS jsonb) -> 'data' AS said "
    f" FROM event_log e WHERE e.type IN ({_ENDS}) ORDER BY e.subject, e.idx DESC) last "
    f"WHERE last.subject = g.id AND last.type = '{_KIND}suspended.v1' AND g.status IN ('in_disbursement', 'disbursed')"
)
_NOT_PAYABLE: Final = (
    "DELETE FROM grant_turns t USING grants g WHERE g.id = t.grant_id AND g.status = 'suspended' AND (t.hat, t.step) = ('payer', 'release')"
)
_UNDONE: Final = f"(SELECT max(e.idx) FROM event_log e WHERE e.subject = g.id AND e.type = '{_KIND}disbursement_undone.v1')"
_STOPPED: Final = f"(SELECT max(e.idx) FROM event_log e WHERE e.subject = g.id AND e.type = '{_KIND}suspended.v1')"


def upgrade() -> None:
    op.drop_constraint(op.f(_CHECK), "grants", type_="check")
    op.create_check_constraint(op.f(_CHECK), "grants", _NOW)
    op.execute("INSERT INTO status_transition VALUES ('grants', 'disbursed', 'suspended')")
    op.execute(_SUSPENDED_STILL)
    op.execute(_NOT_PAYABLE)


def downgrade() -> None:
    # Such a grant would be payable again, as it was before.
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM grants g WHERE g.status = 'suspended' "
        f"AND {_UNDONE} > {_STOPPED}) THEN RAISE EXCEPTION 'a suspended grant of which money came back would be payable'; END IF; END $$"
    )
    op.execute("UPDATE grants SET suspended_at = NULL, suspended_for = NULL WHERE status = 'disbursed'")
    op.execute("DELETE FROM status_transition WHERE (aggregate, from_status, to_status) = ('grants', 'disbursed', 'suspended')")
    op.drop_constraint(op.f(_CHECK), "grants", type_="check")
    op.create_check_constraint(op.f(_CHECK), "grants", _BEFORE)
