"""What nothing clears is ended by nobody who writes where findings are noted, and stays as large as it was found."""

from alembic import op

revision = "audit_26"
down_revision = "audit_25"
branch_labels = None
depends_on = None

# Not what stands twice: a look at its own entries ends that as it ends what can be mended.
_LASTING = "('place', 'root', 'note', 'exception', 'tail')"
_STAYS = f"""
CREATE FUNCTION archive_finding_stays() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF NEW.kind IN {_LASTING} THEN
        IF NEW.gone_at IS NOT NULL THEN
            RAISE EXCEPTION 'a finding that nothing clears is ended by nobody' USING ERRCODE = 'restrict_violation';
        END IF;
        -- Found again of fewer entries it is of all of them still.
        NEW.last_idx := greatest(OLD.last_idx, NEW.last_idx);
    END IF;
    RETURN NEW;
END
$$
"""


def upgrade() -> None:
    # No process of any release ends one of these: whoever did had the worker's password.
    op.execute(f"UPDATE archive_differences SET gone_at = NULL WHERE kind IN {_LASTING} AND gone_at IS NOT NULL")
    op.execute(_STAYS)
    op.execute("REVOKE ALL ON FUNCTION archive_finding_stays() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER archive_findings_stay BEFORE UPDATE ON archive_differences "
        "FOR EACH ROW EXECUTE FUNCTION archive_finding_stays()"
    )


def downgrade() -> None:
    """Nothing is lost: what is open stays open."""
    op.execute("DROP TRIGGER archive_findings_stay ON archive_differences")
    op.execute("DROP FUNCTION archive_finding_stays()")
