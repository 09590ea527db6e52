"""An office that was told anew that somebody comes is owed a notice anew if nobody does."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "returns_41"
down_revision = "returns_40"
branch_labels = None
depends_on = None

_AT_ONCE: Final = 50

_NOTED = sa.text("SELECT case_id FROM arrival_notices WHERE not_coming_at IS NOT NULL ORDER BY case_id")

# Who was told of a case is found by what names it, entry by entry.
_TOLD_SINCE = sa.text("""
    UPDATE arrival_notices n SET not_coming_at = NULL WHERE n.not_coming_at IS NOT NULL AND n.case_id = ANY (cast(:some AS uuid[])) AND (
        SELECT (array_agg(one ->> 'status' ORDER BY e.idx DESC))[1] FROM (
            SELECT m.idx, (SELECT l.leaf FROM event_log l WHERE l.idx = m.idx AND l.type = 'avrr.returns.access.status_asked.v1')
                AS leaf FROM log_mentions m WHERE m.about = n.case_id OFFSET 0
        ) e CROSS JOIN LATERAL jsonb_array_elements(convert_from(e.leaf, 'UTF8')::jsonb -> 'data' -> 'told') one
        WHERE one ->> 'case_id' = n.case_id::text AND one ->> 'status' IN ('travel_scheduled', 'departed', 'not_coming')
    ) <> 'not_coming'
""")


def upgrade() -> None:
    # All of them at once could take longer than a statement may. Begun again, it finds what it has changed as it should be.
    with op.get_context().autocommit_block():
        noted = list(op.get_bind().scalars(_NOTED))
        for first in range(0, len(noted), _AT_ONCE):
            op.get_bind().execute(_TOLD_SINCE, {"some": noted[first : first + _AT_ONCE]})


def downgrade() -> None:
    """Nothing is lost: a notice that was given before is told again at most, and the log says both."""
