"""An office that was told anew that somebody comes is owed a notice anew if nobody does."""

from alembic import op

revision = "returns_41"
down_revision = "returns_40"
branch_labels = None
depends_on = None

# Who was told of a case is found by what names it, entry by entry.
_TOLD_SINCE = """
    UPDATE arrival_notices n SET not_coming_at = NULL WHERE n.not_coming_at IS NOT NULL AND (
        SELECT (array_agg(one ->> 'status' ORDER BY e.idx DESC))[1] FROM (
            SELECT m.idx, (SELECT l.leaf FROM event_log l WHERE l.idx = m.idx AND l.type = 'avrr.returns.access.status_asked.v1')
                AS leaf FROM log_mentions m WHERE m.about = n.case_id OFFSET 0
        ) e CROSS JOIN LATERAL jsonb_array_elements(convert_from(e.leaf, 'UTF8')::jsonb -> 'data' -> 'told') one
        WHERE one ->> 'case_id' = n.case_id::text AND one ->> 'status' IN ('travel_scheduled', 'departed', 'not_coming')
    ) <> 'not_coming'
"""


def upgrade() -> None:
    op.execute(_TOLD_SINCE)


def downgrade() -> None:
    """Nothing is lost: a notice that was given before is told again at most, and the log says both."""
